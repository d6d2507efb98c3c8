import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import { backend, backendMessage, type ScriptedConnection } from '@walvault/testkit';
import { describe, expect, test } from 'vitest';
import { connectReplication } from './connect.ts';
import type { ChannelBinding } from './connection-parameters.ts';
import { testParameters } from './parameters.test-support.ts';
import { type Script, serve } from './scripted-server.test-support.ts';

const { signal } = new AbortController();
const ok = backend.authenticationOk();
const cleartext = backend.authenticationCleartextPassword();
const scramOffer = backend.authenticationSasl(['SCRAM-SHA-256']);

/** Connects to a server that authenticates by a script, and gives the error, or the connection's process id. */
async function outcome(script: Script, options: { password?: string; channelBinding?: ChannelBinding } = {}): Promise<unknown> {
  await using server = await serve(async (client) => {
    await client.startup();
    await script(client);
    client.send(backend.parameterStatus('server_version', '18.4'), backend.backendKeyData(77, 88), backend.readyForQuery());
  });
  try {
    await using connection = await connectReplication(testParameters({ port: server.port, ...options }), { signal });
    return connection.backendPid;
  } catch (error) {
    return error;
  }
}

/** Plays the server's part of SCRAM up to its last message, which it gives. */
async function scram(client: ScriptedConnection, password: string): Promise<string> {
  client.send(scramOffer);
  const initial = (await client.expect('p')).toString();
  const bare = initial.slice(initial.indexOf('n='));
  const serverFirst = `r=${bare.slice(5)}server,s=c2FsdA==,i=4096`;
  client.send(backend.authenticationSaslContinue(serverFirst));
  const final = (await client.expect('p')).toString();
  const salted = pbkdf2Sync(password, 'salt', 4096, 32, 'sha256');
  const exchange = `${bare},${serverFirst},${final.replace(/,p=.*$/, '')}`;
  const key = createHmac('sha256', salted).update('Server Key').digest();
  return `v=${createHmac('sha256', key).update(exchange).digest('base64')}`;
}

/** Goes through SCRAM with a password of the server's own, and lets the client in. */
function prove(password: string): Script {
  return async (client) => {
    const proof = await scram(client, password);
    client.send(backend.authenticationSaslFinal(proof), ok);
  };
}

describe('authentication', () => {
  test('sends a password in clear when asked for it', async () => {
    let sent = '';
    const script = async (client: ScriptedConnection): Promise<void> => {
      client.send(cleartext);
      sent = (await client.expect('p')).toString();
      client.send(ok);
    };
    expect(await outcome(script, { password: 'secret' })).toBe(77);
    expect(sent).toBe('secret\0');
  });

  test('answers the MD5 challenge', async () => {
    let sent = '';
    const salt = Buffer.of(1, 2, 3, 4);
    const script = async (client: ScriptedConnection): Promise<void> => {
      client.send(backend.authenticationMd5Password(salt));
      sent = (await client.expect('p')).toString();
      client.send(ok);
    };
    expect(await outcome(script, { password: 'secret' })).toBe(77);
    const inner = createHash('md5').update('secretpostgres').digest('hex');
    expect(sent).toBe(`md5${createHash('md5').update(inner).update(salt).digest('hex')}\0`);
  });

  test('goes through SCRAM with a server that knows the password', async () => {
    expect(await outcome(prove('secret'), { password: 'secret' })).toBe(77);
  });

  test('says that a password is missing, before it sends anything', async () => {
    for (const request of [cleartext, scramOffer]) {
      const error = await outcome((client) => client.send(request));
      expect(error).toMatchObject({
        code: 'ERR_AUTHENTICATION',
        sqlState: undefined,
        message: 'the server asks for the password of user "postgres", and none is given',
        hint: expect.stringContaining('PGPASSWORD') as string,
      });
    }
  });
});

describe('a server that only pretends', () => {
  test.each<[string, Script]>([
    ['says "ok" in the middle of SCRAM', (client) => client.send(scramOffer, ok)],
    [
      'says "ok" without proving that it knows the password',
      async (client) => {
        await scram(client, 'secret');
        client.send(ok);
      },
    ],
    ['proves another password', prove('other')],
    ['sends its proof before the exchange', (client) => client.send(backend.authenticationSaslFinal('v=AAAA'), ok)],
    ['sends its challenge before the exchange', (client) => client.send(backend.authenticationSaslContinue('r=a'))],
    ['asks for the password in clear after SCRAM has begun', (client) => client.send(scramOffer, cleartext)],
    ['asks for the password twice', (client) => client.send(cleartext, cleartext)],
    ['begins SCRAM twice', (client) => client.send(scramOffer, scramOffer)],
    ['offers channel binding without TLS', (client) => client.send(backend.authenticationSasl(['SCRAM-SHA-256-PLUS']))],
  ])('and %s is refused', async (_name, script) => {
    expect(await outcome(script, { password: 'secret' })).toMatchObject({ code: 'ERR_AUTHENTICATION', retry: 'fatal' });
  });

  test('and asks for what we do not have is refused by name', async () => {
    const error = await outcome((client) => client.send(backend.authenticationSasl(['OAUTHBEARER'])), { password: 'secret' });
    expect(error).toMatchObject({ message: 'the server offers only authentication that is not supported: OAUTHBEARER' });
    const gss = await outcome((client) => client.send(backendMessage('R', Buffer.of(0, 0, 0, 7))));
    expect(gss).toMatchObject({ message: 'the server asks for GSSAPI authentication, which is not supported' });
  });

  test.each<[string, Buffer]>([
    ['trust', ok],
    ['a password in clear', cleartext],
    ['SCRAM without binding', scramOffer],
  ])('%s is not enough where channel binding is required', async (_name, request) => {
    const error = await outcome((client) => client.send(request), { password: 'secret', channelBinding: 'require' });
    expect(error).toMatchObject({
      code: 'ERR_AUTHENTICATION',
      message: 'channel_binding is required, but the server does not authenticate with it',
    });
  });
});
