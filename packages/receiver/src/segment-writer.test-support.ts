/** A segment writer at the end of a log id, and WAL for it that is nothing but random bytes. */
import { randomFillSync } from 'node:crypto';
import type { Disk } from '@walvault/durable-fs';
import { addToLsn, type Lsn, parseLsn, toTimelineId, toWalSegmentSize } from '@walvault/wal';
import { GroupFlush } from './group-flush.ts';
import { Positions } from './positions.ts';
import { type PieceChecker, SegmentWriter, type WalPiece } from './segment-writer.ts';

export const size = toWalSegmentSize(1024 * 1024);
/** Two segments before 1/0. */
export const start = { timelineId: toTimelineId(1), lsn: parseLsn('0/FFE00000') };
/** Of the segments from the start on. */
export const names = [
  '000000010000000000000FFE',
  '000000010000000000000FFF',
  '000000010000000100000000',
  '000000010000000100000001',
] as const;

/** What {@link setUp} takes. */
export interface WriterSetUp {
  readonly from?: { readonly timelineId: Positions['timelineId']; readonly lsn: Lsn; readonly verifiedLsn?: Lsn } | undefined;
  readonly disk?: Disk | undefined;
  readonly checker?: PieceChecker | undefined;
  readonly onFull?: (() => void) | undefined;
  readonly onSegment?: ((name: string) => void) | undefined;
}

/** A writer; `flusher` flushes beside it whenever it is asked, and when a segment is full if `flushesItself`. */
export function setUp(directory: string, given: WriterSetUp & { readonly flushesItself?: boolean } = {}) {
  const positions = new Positions(given.from ?? start);
  const completed: string[] = [];
  const failures: unknown[] = [];
  const writer = new SegmentWriter({
    directory,
    walSegmentSize: size,
    positions,
    checker: given.checker,
    disk: given.disk,
    onSegment: (name) => {
      completed.push(name);
      given.onSegment?.(name);
    },
    onFull: () => {
      given.onFull?.();
      if (given.flushesItself === true) flusher.request();
    },
  });
  const flusher = new GroupFlush({
    flush: () => writer.flush(),
    onFlushed: () => undefined,
    onFailed: (error) => failures.push(error),
  });
  return { positions, completed, failures, writer, flusher };
}

/** One piece of WAL, `at` so many bytes behind the start. */
export function piece(at: number, data: Buffer): WalPiece {
  return { dataStart: addToLsn(start.lsn, at), data };
}

/** So many bytes behind the start. */
export function lsnAt(bytes: number): Lsn {
  return addToLsn(start.lsn, bytes);
}

export function random(bytes: number): Buffer {
  return randomFillSync(Buffer.alloc(bytes));
}
