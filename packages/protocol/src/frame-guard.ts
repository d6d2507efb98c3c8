/**
 * Looks at the stream of messages just before pg-protocol does, because pg-protocol trusts the server: it waits for any
 * length it is told (a message of 4 GiB), loops for ever over an ErrorResponse without its end, takes an authentication
 * request of a wrong length as "you are in", reads a text without its end on into the next message, and turns column values
 * into text. So each header and each shape is checked here before the parser sees it, and of the few messages that the parser
 * cannot be trusted with the body is kept, copied.
 *
 * A frame is a type byte and a 32-bit length that counts itself but not the type byte ("Message Formats").
 */
import { ProtocolViolationError } from './errors.ts';
import { hasShape, isWellShaped } from './message-shapes.ts';

/** What was found in some bytes. */
export interface Inspection<T> {
  /** The kept bodies of the whole messages, decoded, in order. */
  readonly captured: readonly T[];
  /** Where the whole and sound messages end; the parser may see what is before. */
  readonly soundLength: number;
  /** What is wrong behind that, if anything. */
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
const shortTypes: ReadonlySet<number> = codesOf('RSKZCcWGHIns123tv');
const capturedTypes: ReadonlySet<number> = codesOf('RENDv');
const shapedTypes: ReadonlySet<number> = new Set([...longTypes, ...shortTypes].filter((type) => hasShape(nameOf(type))));
/** BackendKeyData: a process id and a key, which has 4 bytes in protocol 3.0 and up to 256 in 3.2. */
const keyData = 'K'.charCodeAt(0);
const isKeyDataLength = (length: number): boolean => length >= 12 && length <= 8 + 256;
/** Lengths of the messages that have only one. */
const fixedLengths: ReadonlyMap<number, number> = new Map(
  Object.entries({ Z: 5, c: 4, I: 4, n: 4, s: 4, '1': 4, '2': 4, '3': 4 }).map(([type, length]) => [type.charCodeAt(0), length]),
);

/**
 * Checks the whole messages in `bytes`, which begin with one, and the header of the one behind them. What is sound before a
 * violation stays sound.
 * @param decode reads a kept body, which belongs to it; what it throws is a violation.
 */
export function inspectFrames<T>(bytes: Buffer, decode: (type: string, body: Buffer) => T): Inspection<T> {
  const captured: T[] = [];
  let at = 0;
  try {
    while (at + headerLength <= bytes.length) {
      const type = bytes.readUInt8(at);
      const length = bytes.readUInt32BE(at + 1);
      checkHeader(type, length);
      const end = at + 1 + length;
      if (end > bytes.length) break;
      if (shapedTypes.has(type)) checkShape(type, bytes.subarray(at + headerLength, end));
      // Copied, because these messages outlive the buffer that they came in.
      if (capturedTypes.has(type)) captured.push(decode(nameOf(type), Buffer.from(bytes.subarray(at + headerLength, end))));
      at = end;
    }
    return { captured, soundLength: at, violation: undefined };
  } catch (violation) {
    return { captured, soundLength: at, violation };
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
  if (
    length < 4 ||
    length > longest ||
    (fixedLengths.get(type) ?? length) !== length ||
    (type === keyData && !isKeyDataLength(length))
  ) {
    throw new ProtocolViolationError(`received a message of type ${describeType(type)} with impossible length ${length}`);
  }
}

function checkShape(type: number, body: Buffer): void {
  if (isWellShaped(nameOf(type), body)) return;
  throw new ProtocolViolationError(`received a message of type ${describeType(type)} whose parts do not add up to its length`);
}

function nameOf(type: number): string {
  return String.fromCharCode(type);
}

function describeType(type: number): string {
  return type > 0x20 && type < 0x7f ? `"${nameOf(type)}"` : `0x${type.toString(16).padStart(2, '0')}`;
}

function codesOf(types: string): ReadonlySet<number> {
  return new Set(Buffer.from(types, 'latin1'));
}
