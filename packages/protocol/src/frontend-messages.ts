/**
 * The messages that we send, by the serializer of pg-protocol.
 *
 * Text goes out as zero-terminated strings, so a text with a zero in it would end early and start something else:
 * each is refused before it is written.
 */
import assert from 'node:assert/strict';
import { serialize } from 'pg-protocol';

/** StartupMessage of protocol 3 with these parameters, and client_encoding=UTF8, which the reading side relies on. */
export function startupMessage(parameters: Readonly<Record<string, string>>, minorVersion = 0): Buffer {
  for (const [name, value] of Object.entries(parameters)) checked(name + value);
  const message = serialize.startup({ ...parameters });
  // pg-protocol writes 3.0: length, major version, minor version.
  message.writeInt16BE(minorVersion, 6);
  return message;
}

/** SSLRequest: the server answers with one byte, S or N. */
export function sslRequest(): Buffer {
  return serialize.requestSsl();
}

/** PasswordMessage with a password in clear or an MD5 answer. */
export function passwordMessage(password: string): Buffer {
  return serialize.password(checked(password));
}

/** SASLInitialResponse: the chosen mechanism and its first message. */
export function saslInitialResponse(mechanism: string, data: string): Buffer {
  return serialize.sendSASLInitialResponseMessage(mechanism, data);
}

/** SASLResponse. */
export function saslResponse(data: string): Buffer {
  return serialize.sendSCRAMClientFinalMessage(data);
}

/** Query: one command of the replication grammar, or SQL, by the simple protocol. */
export function queryMessage(text: string): Buffer {
  return serialize.query(checked(text));
}

/** Parse, Bind, Describe, Execute and Sync: one SQL statement with its parameters, values as text both ways. */
export function extendedQueryMessages(text: string, values: readonly (string | null)[]): Buffer {
  for (const value of values) checked(value ?? '');
  return Buffer.concat([
    serialize.parse({ text: checked(text) }),
    serialize.bind({ values: [...values] }),
    serialize.describe({ type: 'P' }),
    serialize.execute(),
    serialize.sync(),
  ]);
}

/** CopyDone: we send no more. */
export function copyDoneMessage(): Buffer {
  return serialize.copyDone();
}

/** Terminate: a polite good-bye. */
export function terminateMessage(): Buffer {
  return serialize.end();
}

function checked(text: string): string {
  assert.ok(!text.includes('\0'), 'text for the server must not hold a zero character');
  return text;
}
