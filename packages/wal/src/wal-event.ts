/**
 * The records that say when something happened: ends of transactions, restore points, checkpoints, ends of recovery
 * (access/xact.h: xl_xact_commit and xl_xact_abort, parsed as in access/rmgrdesc/xactdesc.c; access/xlog_internal.h:
 * xl_restore_point, xl_end_of_recovery; catalog/pg_control.h: CheckPoint).
 *
 * A server takes the time before it inserts the record, so times do not always grow with LSNs, and clocks may be set back.
 */
import type { Lsn } from './lsn.ts';
import { mainDataAt } from './record-body.ts';
import type { WalFormat } from './wal-format.ts';

/** Something in the WAL that people look for. */
export interface WalEvent {
  readonly kind: 'commit' | 'abort' | 'commitPrepared' | 'abortPrepared' | 'restorePoint' | 'checkpoint' | 'endOfRecovery';
  /** Start of the record, which `recovery_target_lsn` compares. */
  readonly lsn: Lsn;
  /** Just behind it, rounded up to 8 (EndRecPtr), as pg_create_restore_point() gives it. */
  readonly endLsn: Lsn;
  /** The transaction, of a prepared one its own; 0 for none, and for a prepared one whose record is longer than 1 MiB. */
  readonly xid: number;
  /** Microseconds since 1970 UTC. A checkpoint knows the second only. */
  readonly time: bigint | undefined;
  /** Of a restore point. */
  readonly name?: string | undefined;
}

/** What a record says, without where it lies. */
export type EventContent = Omit<WalEvent, 'lsn' | 'endLsn'>;

/** From 1970 to 2000, the epoch of PostgreSQL, in microseconds. */
export const postgresEpoch = 946_684_800_000_000n;

const recordHeaderSize = 24;
const xlogRmgr = 0;
const xactRmgr = 1;
const restorePointSize = 72;

const xactKinds: Readonly<Record<number, 'commit' | 'abort' | 'commitPrepared' | 'abortPrepared'>> = {
  0x00: 'commit',
  0x20: 'abort',
  0x30: 'commitPrepared',
  0x40: 'abortPrepared',
};

/** Whether the transaction that a record ends stands far behind in it. */
export function endsPreparedTransaction(rmgr: number, info: number): boolean {
  return rmgr === xactRmgr && ((info & 0x70) === 0x30 || (info & 0x70) === 0x40);
}

/**
 * What the record at `at` says, if it is one of these.
 * @param length of the record; what of it lies behind the end of `view` is not needed but for a prepared transaction
 */
export function readEvent(view: DataView, at: number, length: number, format: WalFormat): EventContent | undefined {
  const rmgr = view.getUint8(at + 17);
  const start = mainDataAt(view, at + recordHeaderSize, at + length);
  const size = Math.min(at + length, view.byteLength) - start;
  if (rmgr > xactRmgr || start < 0 || size < 8) return undefined;
  const data = new DataView(view.buffer, view.byteOffset + start, size);
  const info = view.getUint8(at + 16);
  return rmgr === xactRmgr ? xactEvent(data, info, view.getUint32(at + 4, true), format) : xlogEvent(data, info, format);
}

function xactEvent(data: DataView, info: number, recordXid: number, format: WalFormat): EventContent | undefined {
  const kind = xactKinds[info & 0x70];
  if (kind === undefined) return undefined;
  const isPrepared = kind === 'commitPrepared' || kind === 'abortPrepared';
  const xid = isPrepared ? preparedXid(data, (info & 0x80) !== 0, format) : recordXid;
  return { kind, xid, time: timestampAt(data, 0) };
}

/** Steps over what stands before the transaction: database, subtransactions, relations, dropped statistics, invalidations. */
function preparedXid(data: DataView, hasInfo: boolean, format: WalFormat): number {
  const word = (at: number): number => (at + 4 <= data.byteLength ? data.getUint32(at, true) : 0);
  const xinfo = hasInfo ? word(8) : 0;
  let at = 12;
  if ((xinfo & 0x01) !== 0) at += 8;
  for (const [bit, size] of [
    [0x02, 4],
    [0x04, 12],
    [0x100, format.droppedStatisticsSize],
    [0x08, 16],
  ] as const) {
    if ((xinfo & bit) !== 0) at += 4 + size * word(at);
  }
  return (xinfo & 0x10) === 0 ? 0 : word(at);
}

function xlogEvent(data: DataView, info: number, format: WalFormat): EventContent | undefined {
  switch (info & 0xf0) {
    case 0x00:
    case 0x10:
      return { kind: 'checkpoint', xid: 0, time: checkpointTime(data, format) };
    case 0x70:
      return { kind: 'restorePoint', xid: 0, time: timestampAt(data, 0), name: nameAt(data) };
    case 0x90:
      return { kind: 'endOfRecovery', xid: 0, time: timestampAt(data, 0) };
    default:
      return undefined;
  }
}

function timestampAt(data: DataView, at: number): bigint {
  return data.getBigInt64(at, true) + postgresEpoch;
}

function checkpointTime(data: DataView, format: WalFormat): bigint | undefined {
  const at = format.checkpointTimeOffset;
  return data.byteLength < at + 8 ? undefined : data.getBigInt64(at, true) * 1_000_000n;
}

function nameAt(data: DataView): string {
  const bytes = Buffer.from(data.buffer, data.byteOffset + 8, Math.min(data.byteLength, restorePointSize) - 8);
  const end = bytes.indexOf(0);
  return bytes.toString('utf8', 0, end < 0 ? bytes.length : end);
}

/** Whether {@link readEvent} finds something in records like this one, decided without reading them. */
export function mayBeEvent(rmgr: number, info: number): boolean {
  if (rmgr === xactRmgr) return xactKinds[info & 0x70] !== undefined;
  return rmgr === xlogRmgr && [0x00, 0x10, 0x70, 0x90].includes(info & 0xf0);
}
