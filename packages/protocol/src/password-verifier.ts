/**
 * What a server stores in place of a password (pg_authid.rolpassword; scram-common.c, scram_build_secret): made here, so that
 * the password itself never goes over the wire or into a log of the server.
 */
import { createHash, createHmac, pbkdf2 as pbkdf2WithCallback, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { normalizePassword } from './scram.ts';

const pbkdf2 = promisify(pbkdf2WithCallback);
/** PostgreSQL's own defaults (SCRAM_SHA_256_DEFAULT_ITERATIONS, SCRAM_DEFAULT_SALT_LEN). */
const defaultIterations = 4096;
const saltLength = 16;

/** A SCRAM-SHA-256 verifier for `ALTER ROLE ... PASSWORD`, with a fresh salt; PostgreSQL 10 and later take it as it is. */
export async function scramVerifier(password: string): Promise<string> {
  return buildVerifier(password, randomBytes(saltLength), defaultIterations);
}

/**
 * Whether a stored verifier (SCRAM-SHA-256, or MD5) is that of this password.
 * @param user the role, which MD5 mixes in
 */
export async function isVerifierOf(verifier: string, password: string, user: string): Promise<boolean> {
  const [, iterations, salt] = /^SCRAM-SHA-256\$(\d{1,8}):([A-Za-z0-9+/=]+)\$/.exec(verifier) ?? [];
  const same =
    iterations !== undefined && salt !== undefined
      ? await buildVerifier(password, Buffer.from(salt, 'base64'), Number(iterations))
      : `md5${createHash('md5').update(password).update(user).digest('hex')}`;
  const [ours, theirs] = [Buffer.from(same), Buffer.from(verifier)];
  return ours.length === theirs.length && timingSafeEqual(ours, theirs);
}

async function buildVerifier(password: string, salt: Buffer, iterations: number): Promise<string> {
  const salted = await pbkdf2(await normalizePassword(password), salt, iterations, 32, 'sha256');
  const clientKey = createHmac('sha256', salted).update('Client Key').digest();
  const storedKey = createHash('sha256').update(clientKey).digest('base64');
  const serverKey = createHmac('sha256', salted).update('Server Key').digest('base64');
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${storedKey}:${serverKey}`;
}
