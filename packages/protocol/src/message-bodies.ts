/**
 * Decoders of the messages that pg-protocol cannot be trusted with (frame-guard.ts says why): authentication requests,
 * ErrorResponse and NoticeResponse with all their fields, and DataRow with its values as bytes. Each uses its body up to
 * the last byte or throws.
 */
import { AuthenticationError, ProtocolViolationError } from './errors.ts';
import type { ServerMessageFields } from './server-error.ts';

/** What the server asks for before it lets us in. */
export type AuthenticationRequest =
  | { readonly method: 'ok' }
  | { readonly method: 'cleartextPassword' }
  | { readonly method: 'md5Password'; readonly salt: Buffer }
  | { readonly method: 'sasl'; readonly mechanisms: readonly string[] }
  | { readonly method: 'saslContinue'; readonly data: string }
  | { readonly method: 'saslFinal'; readonly data: string };

const unsupportedMethods: ReadonlyMap<number, string> = new Map([
  [2, 'Kerberos V5'],
  [4, 'crypt'],
  [6, 'SCM credentials'],
  [7, 'GSSAPI'],
  [8, 'GSSAPI'],
  [9, 'SSPI'],
]);

/**
 * Decodes an authentication request (`R`).
 * @throws {AuthenticationError} for a method that is not supported, by its name.
 * @throws {ProtocolViolationError} when the body has not the length that goes with its code.
 */
export function decodeAuthenticationRequest(body: Buffer): AuthenticationRequest {
  const code = body.length < 4 ? -1 : body.readInt32BE(0);
  if (code === 0 && body.length === 4) return { method: 'ok' };
  if (code === 3 && body.length === 4) return { method: 'cleartextPassword' };
  if (code === 5 && body.length === 8) return { method: 'md5Password', salt: body.subarray(4) };
  if (code === 10) return { method: 'sasl', mechanisms: decodeMechanisms(body) };
  if (code === 11) return { method: 'saslContinue', data: body.toString('utf8', 4) };
  if (code === 12) return { method: 'saslFinal', data: body.toString('utf8', 4) };
  const name = unsupportedMethods.get(code);
  if (name === undefined)
    throw new ProtocolViolationError(`received an authentication request that makes no sense (code ${code})`);
  throw new AuthenticationError(`the server asks for ${name} authentication, which is not supported`, {
    hint: 'Give this user a line with scram-sha-256 or cert in pg_hba.conf of the server.',
  });
}

/** Decodes the fields of an ErrorResponse or NoticeResponse (`E`, `N`). */
export function decodeServerMessage(body: Buffer): ServerMessageFields {
  const fields = new Map<string, string>();
  let at = 0;
  while (body[at] !== 0) {
    const end = body.indexOf(0, at + 1);
    if (end === -1) throw new ProtocolViolationError('received an error message without its end');
    fields.set(body.toString('latin1', at, at + 1), body.toString('utf8', at + 1, end));
    at = end + 1;
  }
  if (at !== body.length - 1) throw new ProtocolViolationError('received an error message with bytes behind its end');
  return fields;
}

/** Decodes NegotiateProtocolVersion (`v`): the newest version that the server speaks, as PostgreSQL sends it with the major one. */
export function decodeNegotiation(body: Buffer): { minorVersion: number; unknownOptions: readonly string[] } {
  const [major, minorVersion, count] = body.length < 8 ? [] : [body.readUInt16BE(0), body.readUInt16BE(2), body.readInt32BE(4)];
  const unknownOptions = body.toString('utf8', 8).split('\0').slice(0, -1);
  if (major !== 3 || minorVersion === undefined || unknownOptions.length !== count || (count > 0 && body.at(-1) !== 0)) {
    throw new ProtocolViolationError('received a malformed offer of another protocol version');
  }
  return { minorVersion, unknownOptions };
}

/** Decodes a row (`D`): the bytes of each column, null for NULL. The values are views on `body`. */
export function decodeDataRow(body: Buffer): readonly (Buffer | null)[] {
  const values: (Buffer | null)[] = [];
  let at = 2;
  for (let left = body.length < 2 ? -1 : body.readUInt16BE(0); left > 0; left -= 1) {
    const length = at + 4 > body.length ? Number.NaN : body.readInt32BE(at);
    const end = at + 4 + Math.max(length, 0);
    if (!(length >= -1 && end <= body.length)) throw malformedRow();
    values.push(length === -1 ? null : body.subarray(at + 4, end));
    at = end;
  }
  if (at !== body.length) throw malformedRow();
  return values;
}

function decodeMechanisms(body: Buffer): readonly string[] {
  if (body.length < 6 || body.at(-1) !== 0 || body.at(-2) !== 0) {
    throw new ProtocolViolationError('received a list of SASL mechanisms without its end');
  }
  return body.toString('utf8', 4, body.length - 2).split('\0');
}

function malformedRow(): ProtocolViolationError {
  return new ProtocolViolationError('received a row whose lengths do not add up');
}
