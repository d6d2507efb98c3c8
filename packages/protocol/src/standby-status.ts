/** The only thing a receiver says while it streams: how far it is (StandbyStatusUpdate, message `r`). Pure. */
import type { Lsn } from '@walvault/wal';
import { postgresEpochUs } from './replication-messages.ts';

/** How far the receiver is. Each is the LSN of the last byte plus one, 0 for "nothing yet". */
export interface StandbyStatus {
  /** Written to the file. */
  readonly writeLsn: Lsn;
  /** Durable on disk. Moves the slot, and releases commits that wait for a synchronous standby. */
  readonly flushLsn: Lsn;
  /** Replayed; 0 for a receiver, which replays nothing. */
  readonly applyLsn: Lsn;
  /** Whether the server shall answer with a keepalive at once. */
  readonly replyRequested?: boolean | undefined;
}

const payloadLength = 34;

/** A status update as a whole CopyData message of 39 bytes. `nowUs` is in microseconds since 1970. */
export function encodeStandbyStatus(status: StandbyStatus, nowUs: number): Buffer {
  const message = Buffer.allocUnsafe(5 + payloadLength);
  message[0] = 0x64;
  message.writeInt32BE(4 + payloadLength, 1);
  message[5] = 0x72;
  message.writeBigUInt64BE(status.writeLsn, 6);
  message.writeBigUInt64BE(status.flushLsn, 14);
  message.writeBigUInt64BE(status.applyLsn, 22);
  message.writeBigInt64BE(BigInt(nowUs - postgresEpochUs), 30);
  message[38] = status.replyRequested === true ? 1 : 0;
  return message;
}
