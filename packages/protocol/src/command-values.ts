/** Numbers as the server writes them into its answers: decimal digits and nothing else. Pure. */
import { type TimelineId, toTimelineId } from '@walvault/wal';
import { ProtocolViolationError } from './errors.ts';

const maxSystemIdentifier = 0xffff_ffff_ffff_ffffn;

/** Reads a timeline ID. @throws {ProtocolViolationError} when it is no number. @throws {WalFormatError} out of range. */
export function parseTimelineId(text: string): TimelineId {
  return toTimelineId(Number(digits(text)));
}

/** Reads the number that names a cluster, 0 to 2^64-1. @throws {ProtocolViolationError} when it is none. */
export function parseSystemIdentifier(text: string): bigint {
  const value = BigInt(digits(text));
  if (value > maxSystemIdentifier) throw new ProtocolViolationError(`the server answered with "${text}" for a 64-bit number`);
  return value;
}

/** JavaScript itself would take an empty text for 0, and read `0x10`, `1e3` and ` 7 `. */
function digits(text: string): string {
  if (/^\d{1,20}$/.test(text)) return text;
  throw new ProtocolViolationError(`the server answered with "${text.slice(0, 40)}" where a number belongs`);
}
