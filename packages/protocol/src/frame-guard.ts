/**
 * Looks at the stream of messages just before pg-protocol does, because pg-protocol trusts the server: it waits for any
 * length it is told (a message of 4 GiB), loops for ever over an ErrorResponse without its end, takes an authentication
 * request of a wrong length as "you are in", and turns column values into text. So each header is checked here before
 * the parser sees it, and of the few messages that the parser cannot be trusted with the body is kept, copied.
 *
 * A frame is a type byte and a 32-bit length that counts itself but not the type byte ("Message Formats").
 */
import { ProtocolViolationError } from './errors.ts';

/** What the guard found in a chunk. */
export interface Inspection<T> {
  /** The kept bodies of the messages that end in the chunk, decoded, in order. */
  readonly captured: readonly T[];
  /** How much of the chunk the parser may see: all of it, or up to the message that is wrong. */
  readonly soundLength: number;
  /** What is wrong behind that, if anything. The guard must not be used again after it. */
  readonly violation: unknown;
}

/**
 * Longest message taken: 64 MiB. A walsender sends at most 16 WAL pages in one (1 MiB with the largest page size), and
 * a row of the system views is far smaller.
 */
export const maxMessageLength: number = 64 * 1024 * 1024;

/** Longest message of the types that libpq calls short (VALID_LONG_MESSAGE_TYPE in fe-protocol3.c says which are not). */
const maxShortMessageLength = 30_000;

const headerLength = 5;
const longTypes: ReadonlySet<number> = codesOf('TDdENA');
const shortTypes: ReadonlySet<number> = codesOf('RSKZCcWGHIns123t');
const capturedTypes: ReadonlySet<number> = codesOf('REND');
/** Lengths of the messages that have only one. BackendKeyData has two numbers in protocol 3.0, which is what we ask for. */
const fixedLengths: ReadonlyMap<number, number> = new Map(
  Object.entries({ Z: 5, K: 12, c: 4, I: 4, n: 4, s: 4, '1': 4, '2': 4, '3': 4 }).map(([type, length]) => [
    type.charCodeAt(0),
    length,
  ]),
);

/** Checks frames as they pass, and decodes the bodies that it keeps. */
export class FrameGuard<T> {
  readonly #decode: (type: string, body: Buffer) => T;
  readonly #header = Buffer.alloc(headerLength);
  #headerBytes = 0;
  #missing = 0;
  #pieces: Buffer[] | undefined;

  /** @param decode reads a kept body, which belongs to it; what it throws is a violation. */
  constructor(decode: (type: string, body: Buffer) => T) {
    this.#decode = decode;
  }

  /** Checks the next bytes of the stream. What is sound before a violation stays sound, however the stream was cut. */
  inspect(chunk: Buffer): Inspection<T> {
    const captured: T[] = [];
    let soundLength = 0;
    try {
      for (let at = 0; at < chunk.length; ) {
        at = this.#headerBytes < headerLength ? this.#takeHeader(chunk, at) : this.#takeBody(chunk, at);
        if (this.#headerBytes < headerLength || this.#missing > 0) continue;
        this.#finish(captured);
        soundLength = at;
      }
      return { captured, soundLength: chunk.length, violation: undefined };
    } catch (violation) {
      return { captured, soundLength, violation };
    }
  }

  #takeHeader(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + headerLength - this.#headerBytes);
    chunk.copy(this.#header, this.#headerBytes, at, end);
    this.#headerBytes += end - at;
    if (this.#headerBytes < headerLength) return end;
    const type = this.#header.readUInt8(0);
    const length = this.#header.readUInt32BE(1);
    checkHeader(type, length);
    this.#missing = length - 4;
    this.#pieces = capturedTypes.has(type) ? [] : undefined;
    return end;
  }

  #takeBody(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + this.#missing);
    // Copied: the parser moves bytes about inside the chunks that it was given.
    this.#pieces?.push(Buffer.from(chunk.subarray(at, end)));
    this.#missing -= end - at;
    return end;
  }

  #finish(captured: T[]): void {
    const type = this.#header.toString('latin1', 0, 1);
    if (this.#pieces !== undefined) captured.push(this.#decode(type, Buffer.concat(this.#pieces)));
    this.#pieces = undefined;
    this.#headerBytes = 0;
  }
}

function checkHeader(type: number, length: number): void {
  const isLong = longTypes.has(type);
  if (!isLong && !shortTypes.has(type)) {
    throw new ProtocolViolationError(`received a message of unknown type ${describeType(type)} from the server`, {
      hint: 'Check that PostgreSQL itself listens on that port; a proxy between must pass replication through.',
    });
  }
  const longest = isLong ? maxMessageLength : maxShortMessageLength;
  if (length < 4 || length > longest || (fixedLengths.get(type) ?? length) !== length) {
    throw new ProtocolViolationError(`received a message of type ${describeType(type)} with impossible length ${length}`);
  }
}

function describeType(type: number): string {
  return type > 0x20 && type < 0x7f ? `"${String.fromCharCode(type)}"` : `0x${type.toString(16).padStart(2, '0')}`;
}

function codesOf(types: string): ReadonlySet<number> {
  return new Set(Buffer.from(types, 'latin1'));
}
