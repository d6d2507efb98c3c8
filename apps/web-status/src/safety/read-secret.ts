/** Reads the token or the password from its file. */
import { readFile, stat } from 'node:fs/promises';
import { WebStatusError } from '../errors.ts';
import type { Secret } from './access.ts';

const leastTokenLength = 16;
const leastPasswordLength = 12;
const mostBytes = 4096;

/** Where the secret is; at most one of both. */
export interface SecretFiles {
  readonly tokenFile?: string | undefined;
  readonly basicAuthFile?: string | undefined;
}

/** @returns undefined when no file is named @throws {WebStatusError} `ERR_SECRET_FILE`, `ERR_OPTION` */
export async function readSecret({ tokenFile, basicAuthFile }: SecretFiles): Promise<Secret | undefined> {
  if (tokenFile !== undefined && basicAuthFile !== undefined) {
    throw new WebStatusError('ERR_OPTION', '--token-file and --basic-auth-file cannot both be given', {
      hint: 'Choose one of them.',
    });
  }
  if (tokenFile !== undefined) return { kind: 'token', token: await readToken(tokenFile) };
  return basicAuthFile === undefined ? undefined : { kind: 'basic', userAndPassword: await readUserAndPassword(basicAuthFile) };
}

async function readToken(path: string): Promise<string> {
  const token = await secretIn(path);
  if (/^[\w\-+/=.~]+$/.test(token) && token.length >= leastTokenLength) return token;
  throw unusable(path, `does not hold a token: at least ${leastTokenLength} letters, digits and -._~+/= in one line`);
}

async function readUserAndPassword(path: string): Promise<string> {
  const text = await secretIn(path);
  const colon = text.indexOf(':');
  if (colon > 0 && text.length - colon > leastPasswordLength && !/[\r\n]/.test(text)) return text;
  throw unusable(path, `does not hold one line USER:PASSWORD with a password of at least ${leastPasswordLength} characters`);
}

/** The content without the white space around it. Who else can read it may come in, so nobody else may. */
async function secretIn(path: string): Promise<string> {
  try {
    const { mode, size } = await stat(path);
    if ((mode & 0o007) !== 0) throw unusable(path, 'can be read or changed by everybody on this machine');
    if (size > mostBytes) throw unusable(path, `is larger than ${mostBytes} bytes`);
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    if (error instanceof WebStatusError) throw error;
    throw unusable(path, `cannot be read: ${error instanceof Error ? error.message : String(error)}`, error);
  }
}

function unusable(path: string, problem: string, cause?: unknown): WebStatusError {
  return new WebStatusError('ERR_SECRET_FILE', `"${path}" ${problem}`, {
    hint: 'Make it by (umask 077; openssl rand -base64 32 > FILE) as the user that walvault-web-status runs as.',
    cause,
  });
}
