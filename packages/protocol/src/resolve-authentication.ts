/**
 * The parameters that say how we may be asked to prove who we are (libpq.sgml, `require_auth`, `channel_binding`,
 * `scram_client_key`; fe-connect.c, pqConnectOptions2).
 */
import type { AuthenticationMethod, ConnectionParameters, RequiredAuthentication } from './connection-parameters.ts';
import type { ConninfoKeyword } from './conninfo-keywords.ts';
import type { ConnectionSettings } from './connection-settings.ts';

const ownMethods: readonly AuthenticationMethod[] = ['password', 'md5', 'scram-sha-256', 'none'];
const knownMethods: readonly string[] = [...ownMethods, 'gss', 'sspi', 'oauth'];
const scramKeyLength = 32;

/** Reads them. @throws {ConninfoError} on values that are not allowed, or that could never be met here. */
export function resolveAuthentication(
  settings: ConnectionSettings,
): Pick<ConnectionParameters, 'channelBinding' | 'requiredAuthentication' | 'scramKeys'> {
  return {
    channelBinding: settings.choice('channel_binding', ['disable', 'prefer', 'require'], 'prefer'),
    requiredAuthentication: resolveRequired(settings),
    scramKeys: Object.freeze({
      clientKey: resolveScramKey(settings, 'scram_client_key'),
      serverKey: resolveScramKey(settings, 'scram_server_key'),
    }),
  };
}

/** A list of methods that are allowed, or of methods with `!` that are not. */
function resolveRequired(settings: ConnectionSettings): RequiredAuthentication | undefined {
  const text = settings.text('require_auth');
  if (text === undefined) return undefined;
  const items = text.split(',');
  const isNegative = text.startsWith('!');
  if (items.some((item) => item.startsWith('!') !== isNegative)) {
    settings.refuse('require_auth', 'Methods with "!" cannot be mixed with methods without it.');
  }
  const named = items.map((item) => (isNegative ? item.slice(1) : item));
  for (const [index, name] of named.entries()) {
    if (!knownMethods.includes(name)) {
      settings.refuse(
        'require_auth',
        `Methods are ${knownMethods.join(', ')}, in a list with commas; all or none with "!" before.`,
      );
    }
    if (named.indexOf(name) !== index) settings.refuse('require_auth', `The method ${name} is given more than once.`);
  }
  const methods = ownMethods.filter((method) => named.includes(method) !== isNegative);
  if (methods.length === 0) {
    settings.refuseUnsupported('require_auth', `One of ${ownMethods.join(', ')} must be allowed; walvault has no others.`, text);
  }
  return Object.freeze({ text, methods: new Set(methods) });
}

function resolveScramKey(settings: ConnectionSettings, keyword: ConninfoKeyword): Buffer | undefined {
  const text = settings.text(keyword);
  if (text === undefined) return undefined;
  const key = Buffer.from(text, 'base64');
  if (key.length === scramKeyLength && key.toString('base64') === text) return key;
  return settings.refuse(keyword, `The key must be ${scramKeyLength} bytes in base64.`);
}
