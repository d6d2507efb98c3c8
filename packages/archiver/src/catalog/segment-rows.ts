/** An entry of the catalogue as rows of its tables, and back. */
import type { SQLInputValue } from 'node:sqlite';
import {
  type Lsn,
  type RestorePoint,
  type RmgrStatistics,
  segmentNumberOf,
  toTimelineId,
  toWalSegmentSize,
  type WalFault,
  type WalStatistics,
} from '@walvault/wal';
import type { SegmentFacts } from '../checking/segment-facts.ts';
import type { CatalogEntry } from './catalog.ts';
import type { Row, Value } from './catalog-database.ts';

/** Columns of a row of `segment`, by name; all but `id`. */
export function segmentColumns({
  facts,
  storedBytes,
  compression,
  modifiedAt,
  archivedAt,
}: CatalogEntry): Record<string, SQLInputValue> {
  const { statistics, fault } = facts;
  return {
    name: facts.name,
    timeline: facts.timelineId,
    number: segmentNumberOf(facts.startLsn, facts.walSegmentSize),
    partial: facts.name.endsWith('.partial') ? 1 : 0,
    start_lsn: signed(facts.startLsn),
    segment_size: facts.walSegmentSize,
    system_identifier: signed(facts.systemIdentifier),
    magic: facts.magic,
    sha256: facts.sha256,
    verdict: facts.verdict,
    fault_kind: fault?.kind ?? null,
    fault_lsn: signedOrNull(fault?.lsn),
    fault_problem: fault?.problem ?? null,
    link: facts.link,
    verified_lsn: signed(facts.verifiedLsn),
    records: statistics.records,
    first_record_lsn: signedOrNull(statistics.firstRecordLsn),
    end_lsn: signedOrNull(statistics.endLsn),
    commits: statistics.commits,
    aborts: statistics.aborts,
    first_commit_time: statistics.firstCommitTime ?? null,
    last_commit_time: statistics.lastCommitTime ?? null,
    first_xid: statistics.firstXid ?? null,
    last_xid: statistics.lastXid ?? null,
    stored_bytes: storedBytes,
    compression: compression ?? null,
    modified_at: modifiedAt,
    archived_at: Math.round(archivedAt),
    seam: facts.seam ?? null,
  };
}

/** What the other tables hold of a segment. */
export interface SegmentDetails {
  readonly rmgrs: readonly RmgrStatistics[];
  readonly restorePoints: readonly RestorePoint[];
}

export function entryOf(row: Row, details: SegmentDetails): CatalogEntry {
  return {
    facts: factsOf(row, details),
    storedBytes: Number(row['stored_bytes']),
    compression: textOf(row['compression']),
    modifiedAt: Number(row['modified_at']),
    archivedAt: Number(row['archived_at']),
  };
}

function factsOf(row: Row, details: SegmentDetails): SegmentFacts {
  return {
    name: String(row['name']),
    timelineId: toTimelineId(Number(row['timeline'])),
    startLsn: lsnOf(row['start_lsn']),
    walSegmentSize: toWalSegmentSize(Number(row['segment_size'])),
    systemIdentifier: lsnOf(row['system_identifier']),
    magic: Number(row['magic']),
    sha256: String(row['sha256']),
    verdict: row['verdict'] === 'good' ? 'good' : 'bad',
    fault: faultOf(row),
    link: row['link'] === 'proven' ? 'proven' : row['link'] === 'broken' ? 'broken' : 'unknown',
    verifiedLsn: lsnOf(row['verified_lsn']),
    statistics: statisticsOf(row, details),
    seam: bytesOf(row['seam']),
  };
}

function faultOf(row: Row): WalFault | undefined {
  const kind = row['fault_kind'];
  if (kind !== 'page' && kind !== 'record') return undefined;
  return { kind, lsn: lsnOf(row['fault_lsn']), problem: String(row['fault_problem']) };
}

function statisticsOf(row: Row, { rmgrs, restorePoints }: SegmentDetails): WalStatistics {
  return {
    records: Number(row['records']),
    firstRecordLsn: lsnOrNone(row['first_record_lsn']),
    endLsn: lsnOrNone(row['end_lsn']),
    commits: Number(row['commits']),
    aborts: Number(row['aborts']),
    firstCommitTime: bigintOrNone(row['first_commit_time']),
    lastCommitTime: bigintOrNone(row['last_commit_time']),
    firstXid: numberOrNone(row['first_xid']),
    lastXid: numberOrNone(row['last_xid']),
    rmgrs,
    restorePoints,
  };
}

export function rmgrOf(row: Row): RmgrStatistics {
  return {
    rmgr: Number(row['rmgr']),
    info: Number(row['info']),
    count: Number(row['count']),
    recordBytes: Number(row['record_bytes']),
    fpiBytes: Number(row['fpi_bytes']),
  };
}

export function restorePointOf(row: Row): RestorePoint {
  return {
    name: String(row['name']),
    time: BigInt(String(row['time'])),
    lsn: lsnOf(row['lsn']),
    endLsn: lsnOf(row['end_lsn']),
  };
}

/** 64 bits as SQLite stores them. */
export function signed(value: bigint): bigint {
  return BigInt.asIntN(64, value);
}

/** And back. */
export function lsnOf(value: Value | undefined): Lsn {
  if (typeof value !== 'bigint') throw new TypeError(`no LSN in a row: ${String(value)}`);
  return BigInt.asUintN(64, value) as Lsn;
}

export function bigintOrNone(value: Value | undefined): bigint | undefined {
  return typeof value === 'bigint' ? value : undefined;
}

export function numberOrNone(value: Value | undefined): number | undefined {
  return value === null || value === undefined ? undefined : Number(value);
}

export function textOf(value: Value | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

export function bytesOf(value: Value | undefined): Uint8Array | undefined {
  return value instanceof Uint8Array ? value : undefined;
}

function lsnOrNone(value: Value | undefined): Lsn | undefined {
  return typeof value === 'bigint' ? lsnOf(value) : undefined;
}

function signedOrNull(value: bigint | undefined): bigint | null {
  return value === undefined ? null : signed(value);
}
