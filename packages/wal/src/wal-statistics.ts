/** What a census of WAL counts, as plain values. The counting follows `pg_waldump --stats` (access/transam/xlogstats.c). */
import type { Lsn } from './lsn.ts';

/** The records of one kind. */
export interface RmgrStatistics {
  /** Resource manager ID (access/rmgrlist.h), 0 to 255; `rmgrName` names it. */
  readonly rmgr: number;
  /** What tells the record types of a resource manager apart: the upper half of xl_info, shifted down (0 to 15; 0 to 7 for transactions); `recordTypeName` names it. */
  readonly info: number;
  readonly count: number;
  /** Bytes of the records without the images of pages in them, and without padding and page headers. */
  readonly recordBytes: number;
  /** Bytes of the images, as they are stored: without holes, compressed. */
  readonly fpiBytes: number;
}

/** A named restore point (`pg_create_restore_point`). */
export interface RestorePoint {
  readonly name: string;
  /** Microseconds since 1970, UTC. */
  readonly time: bigint;
  /** Start of its record. */
  readonly lsn: Lsn;
  /** Just behind it: what `pg_create_restore_point` returns. */
  readonly endLsn: Lsn;
}

/** What was counted in one run of WAL. Times are microseconds since 1970, UTC. */
export interface WalStatistics {
  readonly records: number;
  readonly firstRecordLsn: Lsn | undefined;
  /** Just behind the last record (EndRecPtr); a segment switch ends with its segment. */
  readonly endLsn: Lsn | undefined;
  readonly commits: number;
  readonly aborts: number;
  /** The smallest and the greatest: times are taken before records get their place, and clocks are set. */
  readonly firstCommitTime: bigint | undefined;
  readonly lastCommitTime: bigint | undefined;
  /** The smallest and the greatest of commits and aborts, as TransactionIdPrecedes has it. */
  readonly firstXid: number | undefined;
  readonly lastXid: number | undefined;
  /** In order of resource manager and info; kinds without a record are left out. */
  readonly rmgrs: readonly RmgrStatistics[];
  readonly restorePoints: readonly RestorePoint[];
}
