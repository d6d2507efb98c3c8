/**
 * The client side of SCRAM-SHA-256 (RFC 5802, RFC 7677; fe-auth-scram.c), without any I/O: texts in, texts out.
 *
 * It proves both ways: the server learns that we know the password without learning it, and `verifyServer` throws unless
 * the server knows it too. The caller must not take "authentication ok" before `verifyServer` has returned.
 */
import { isAscii } from 'node:buffer';
import { createHash, createHmac, pbkdf2 as pbkdf2WithCallback, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { AuthenticationError } from './errors.ts';

const pbkdf2 = promisify(pbkdf2WithCallback);
/** More rounds than any server asks for (the default is 4096), and still over in seconds. */
const mostIterations = 10_000_000;

/** How the exchange is tied to the TLS channel. */
export interface ScramBinding {
  /** `n,,` we cannot bind, `y,,` we could but the server did not offer, `p=tls-server-end-point,,` we do. */
  readonly gs2Header: 'n,,' | 'y,,' | 'p=tls-server-end-point,,';
  /** Hash of the server's certificate with `p=`, else empty. */
  readonly data: Buffer;
}

/** What an exchange starts from. */
export interface ScramOptions {
  /** Not needed where both keys are given. */
  readonly password: string | undefined;
  /** Keys that were derived from the password before (`scram_client_key`, `scram_server_key`); 32 bytes each. */
  readonly clientKey?: Buffer | undefined;
  readonly serverKey?: Buffer | undefined;
  readonly binding: ScramBinding;
  /** Random by default; given only to follow a published example. */
  readonly clientNonce?: string | undefined;
  /** PostgreSQL takes the user of the startup message and ignores this one, so it is empty by default. */
  readonly userName?: string | undefined;
}

/** One exchange: `clientFirst`, `clientFinal`, `verifyServer`, in this order, each once. */
export class ScramClient {
  readonly #options: ScramOptions;
  readonly #clientNonce: string;
  #serverSignature: Buffer | undefined;

  constructor(options: ScramOptions) {
    this.#options = options;
    this.#clientNonce = options.clientNonce ?? randomBytes(18).toString('base64');
  }

  /** The first message to the server. */
  get clientFirst(): string {
    return this.#options.binding.gs2Header + this.#clientFirstBare;
  }

  /**
   * The answer to the server's first message.
   * @throws {AuthenticationError} when that message is malformed, does not extend our nonce, or asks for too many rounds.
   */
  async clientFinal(serverFirst: string): Promise<string> {
    const { nonce, salt, iterations } = parseServerFirst(serverFirst, this.#clientNonce);
    const { gs2Header, data } = this.#options.binding;
    const channel = Buffer.concat([Buffer.from(gs2Header), data]).toString('base64');
    const withoutProof = `c=${channel},r=${nonce}`;
    const exchange = `${this.#clientFirstBare},${serverFirst},${withoutProof}`;
    const { clientKey, serverKey } = await this.#keys(salt, iterations);
    const signature = hmac(createHash('sha256').update(clientKey).digest(), exchange);
    this.#serverSignature = hmac(serverKey, exchange);
    const proof = Buffer.from(clientKey.map((byte, index) => byte ^ (signature[index] ?? 0)));
    return `${withoutProof},p=${proof.toString('base64')}`;
  }

  /**
   * Checks the server's last message.
   * @throws {AuthenticationError} when the server reports an error or does not prove that it knows the password.
   */
  verifyServer(serverFinal: string): void {
    const [, kind, value = ''] = /^([ev])=([^,]+)/.exec(serverFinal) ?? [];
    if (kind === 'e') throw new AuthenticationError(`the server ended the SCRAM exchange with error "${value}"`);
    const claimed = Buffer.from(value, 'base64');
    const expected = this.#serverSignature;
    if (kind === 'v' && expected !== undefined && claimed.length === expected.length && timingSafeEqual(claimed, expected))
      return;
    throw new AuthenticationError('the server did not prove that it knows the password', {
      hint: 'This may not be the server you mean: check host and port, and use sslmode=verify-full.',
    });
  }

  async #keys(salt: Buffer, iterations: number): Promise<{ clientKey: Buffer; serverKey: Buffer }> {
    const { password, clientKey, serverKey } = this.#options;
    if (clientKey !== undefined && serverKey !== undefined) return { clientKey, serverKey };
    const saltedPassword = await pbkdf2(await normalizePassword(password ?? ''), salt, iterations, 32, 'sha256');
    return {
      clientKey: clientKey ?? hmac(saltedPassword, 'Client Key'),
      serverKey: serverKey ?? hmac(saltedPassword, 'Server Key'),
    };
  }

  get #clientFirstBare(): string {
    return `n=${this.#options.userName ?? ''},r=${this.#clientNonce}`;
  }
}

/**
 * As PostgreSQL stores it: ASCII as it is, else by SASLprep, or the raw text when SASLprep refuses it or leaves nothing (common/saslprep.c).
 * Its tables take longer to load than all the rest, and are loaded when they are needed.
 */
export async function normalizePassword(password: string): Promise<string> {
  if (isAscii(Buffer.from(password))) return password;
  const { saslprep } = await import('@mongodb-js/saslprep');
  try {
    return saslprep(password) || password;
  } catch {
    return password;
  }
}

function parseServerFirst(message: string, clientNonce: string): { nonce: string; salt: Buffer; iterations: number } {
  const match = /^r=([!-+\--~]+),s=([A-Za-z0-9+/]+={0,2}),i=([1-9]\d{0,9})$/.exec(message);
  const [, nonce = '', salt = '', rounds = ''] = match ?? [];
  if (match === null) throw new AuthenticationError('the server sent a malformed SCRAM message');
  if (!nonce.startsWith(clientNonce) || nonce.length === clientNonce.length) {
    throw new AuthenticationError('the server answered with a SCRAM nonce that does not extend ours', {
      hint: 'Somebody may be replaying an old exchange; use sslmode=verify-full.',
    });
  }
  const iterations = Number(rounds);
  if (iterations > mostIterations) {
    throw new AuthenticationError(`the server asks for ${iterations} SCRAM rounds, more than the ${mostIterations} allowed here`);
  }
  return { nonce, salt: Buffer.from(salt, 'base64'), iterations };
}

function hmac(key: Buffer, data: string): Buffer {
  return createHmac('sha256', key).update(data).digest();
}
