/**
 * What a walsender puts into CopyData ("Streaming Replication Protocol" in the PostgreSQL manual; walsender.c). Pure.
 *
 *   w  WALData (XLogData up to PostgreSQL 18)   Int64 dataStart, Int64 walEnd, Int64 sendTime, WAL bytes
 *   k  primary keepalive message                Int64 walEnd, Int64 sendTime, Byte1 replyRequested
 */
import { formatLsn, type Lsn } from '@walvault/wal';
import { ProtocolViolationError } from './errors.ts';

/** WAL, in the order of the stream. */
export interface WalData {
  readonly kind: 'walData';
  /** LSN of the first byte of `data`. */
  readonly dataStart: Lsn;
  /** How far the server had WAL to send when it sent this: its flush LSN, or the end of a historic timeline. */
  readonly walEnd: Lsn;
  /** Clock of the server when it sent this, in microseconds since 1970. */
  readonly sendTimeUs: number;
  /** A view, valid until the next pull of the stream. May be empty and may cross the end of a segment. */
  readonly data: Buffer;
}

/** A sign of life. */
export interface PrimaryKeepalive {
  readonly kind: 'primaryKeepalive';
  /** How far the server has sent, which is not how far it has flushed. */
  readonly walEnd: Lsn;
  /** Clock of the server when it sent this, in microseconds since 1970. */
  readonly sendTimeUs: number;
  /** The server wants a standby status update now; without one it ends the connection after `wal_sender_timeout`. */
  readonly replyRequested: boolean;
}

/** A message of the WAL stream. */
export type ReplicationMessage = WalData | PrimaryKeepalive;

/** Microseconds from 1970 to 2000, where PostgreSQL's clock starts. */
export const postgresEpochUs = 946_684_800_000_000;

const walDataHeaderLength = 25;
const keepaliveLength = 18;

/**
 * Decodes the payload of one CopyData. `data` of the result is a view on it.
 * @throws {ProtocolViolationError} on an unknown kind, a wrong length, or WAL that would end behind the last LSN.
 */
export function decodeReplicationMessage(payload: Buffer): ReplicationMessage {
  if (payload[0] === 0x77 && payload.length >= walDataHeaderLength) return decodeWalData(payload);
  if (payload[0] === 0x6b && payload.length === keepaliveLength) {
    return {
      kind: 'primaryKeepalive',
      walEnd: payload.readBigUInt64BE(1) as Lsn,
      sendTimeUs: readTime(payload, 9),
      replyRequested: payload[17] !== 0,
    };
  }
  const kind = payload.length === 0 ? 'nothing' : `0x${payload.toString('hex', 0, 1)}`;
  throw new ProtocolViolationError(
    `received a replication message of kind ${kind} with ${payload.length} bytes, which does not exist`,
  );
}

function decodeWalData(payload: Buffer): WalData {
  const dataStart = payload.readBigUInt64BE(1) as Lsn;
  const data = payload.subarray(walDataHeaderLength);
  if (dataStart + BigInt(data.length) > 0xffff_ffff_ffff_ffffn) {
    throw new ProtocolViolationError(`received ${data.length} bytes of WAL at ${formatLsn(dataStart)}, beyond the last LSN`);
  }
  return { kind: 'walData', dataStart, walEnd: payload.readBigUInt64BE(9) as Lsn, sendTimeUs: readTime(payload, 17), data };
}

/** Kept a number: it stays below 2^53 until the year 2255, and a bigint per message costs more. */
function readTime(payload: Buffer, at: number): number {
  return payload.readInt32BE(at) * 0x1_0000_0000 + payload.readUInt32BE(at + 4) + postgresEpochUs;
}
