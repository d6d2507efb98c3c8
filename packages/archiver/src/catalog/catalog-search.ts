/**
 * Finding segments in a catalogue by what is in them. All queries run over one index that has what they ask for, in order of
 * segment numbers: times and transactions need not grow with them, so nothing may be skipped by halving.
 */
import { type Lsn, type RestorePoint, type SegmentNumber, type TimelineId, toTimelineId } from '@walvault/wal';
import type { Catalog } from './catalog.ts';
import type { CatalogDatabase } from './catalog-database.ts';
import { restorePointOf, signed } from './segment-rows.ts';

/** Some complete segments of one timeline. */
export interface SegmentRange {
  readonly timelineId: TimelineId;
  readonly first: SegmentNumber;
  /** The first one that is not meant. */
  readonly end: SegmentNumber;
}

/** A restore point, and whose WAL it was found in. */
export interface FoundRestorePoint extends RestorePoint {
  /** Timeline of the file; of a file with a switchpoint, what lies before that belongs to the parent. */
  readonly timelineId: TimelineId;
  readonly segment: SegmentNumber;
}

/** Queries of an open catalogue. All may throw a CatalogError. */
export class CatalogSearch {
  readonly #database: CatalogDatabase;

  constructor(catalog: Catalog) {
    this.#database = catalog.database;
  }

  /** The first segment with a commit later than `time` (microseconds since 1970). */
  firstCommittedAfter(range: SegmentRange, time: bigint): SegmentNumber | undefined {
    return this.#number(`last_commit_time > ? ORDER BY number LIMIT 1`, range, time);
  }

  /** The last segment with any commit. */
  lastCommitted(range: SegmentRange): SegmentNumber | undefined {
    return this.#number('last_commit_time IS NOT NULL ORDER BY number DESC LIMIT 1', range);
  }

  /** The first segment with a commit at `time` or earlier. */
  firstCommittedBefore(range: SegmentRange, time: bigint): SegmentNumber | undefined {
    return this.#number('last_commit_time IS NOT NULL AND first_commit_time <= ? ORDER BY number LIMIT 1', range, time);
  }

  /** The times of all commits lie from the first to the last of these. */
  commitTimes(range: SegmentRange): { readonly first: bigint; readonly last: bigint } | undefined {
    const row = this.#database.row(
      `SELECT min(first_commit_time) AS first, max(last_commit_time) AS last FROM segment
       WHERE ${inRange} AND partial = 0 AND last_commit_time IS NOT NULL`,
      ...rangeParameters(range),
    );
    const { first, last } = row ?? {};
    return typeof first === 'bigint' && typeof last === 'bigint' ? { first, last } : undefined;
  }

  /** Segments in which a transaction was committed or rolled back, in order. */
  withEndsOfTransactions(range: SegmentRange): readonly SegmentNumber[] {
    return this.#numbers('(commits > 0 OR aborts > 0)', range);
  }

  /** Segments in which the end of a transaction may be: among the oldest and the newest transactions that ended there. */
  withTransaction(range: SegmentRange, xid: number): readonly SegmentNumber[] {
    const between = '(first_xid <= last_xid AND first_xid <= ?4 AND last_xid >= ?4)';
    const around = '(first_xid > last_xid AND (first_xid <= ?4 OR last_xid >= ?4))';
    return this.#numbers(`first_xid IS NOT NULL AND (${between} OR ${around})`, range, xid);
  }

  /** Segments whose check found something wrong: bad, or not what their predecessor goes on with. */
  faulty(range: SegmentRange): readonly SegmentNumber[] {
    return this.#numbers(`(verdict <> 'good' OR link = 'broken')`, range);
  }

  /** Restore points in order of LSN, all or those of a name. */
  restorePoints(name?: string): readonly FoundRestorePoint[] {
    const rows = this.#database.rows(
      `SELECT p.name, p.time, p.lsn, p.end_lsn, s.timeline, s.number FROM restore_point p JOIN segment s ON s.id = p.segment_id
       WHERE s.partial = 0 AND (?1 IS NULL OR p.name = ?1) ORDER BY p.lsn, s.timeline`,
      name ?? null,
    );
    return rows.map((row) => ({
      ...restorePointOf(row),
      timelineId: toTimelineId(Number(row['timeline'])),
      segment: row['number'] as SegmentNumber,
    }));
  }

  /** Up to where the records of a segment are known to be right; undefined when it is not in the catalogue. */
  verifiedEnd(name: string): Lsn | undefined {
    const row = this.#database.row('SELECT verified_lsn FROM segment WHERE name = ?', name);
    return row === undefined ? undefined : (BigInt.asUintN(64, row['verified_lsn'] as bigint) as Lsn);
  }

  #number(condition: string, range: SegmentRange, ...parameters: readonly bigint[]): SegmentNumber | undefined {
    const sql = `SELECT number FROM segment WHERE ${inRange} AND partial = 0 AND ${condition}`;
    return this.#database.row(sql, ...rangeParameters(range), ...parameters)?.['number'] as SegmentNumber | undefined;
  }

  #numbers(condition: string, range: SegmentRange, ...parameters: readonly number[]): readonly SegmentNumber[] {
    const sql = `SELECT number FROM segment WHERE ${inRange} AND partial = 0 AND ${condition} ORDER BY number`;
    return this.#database.rows(sql, ...rangeParameters(range), ...parameters).map((row) => row['number'] as SegmentNumber);
  }
}

const inRange = 'timeline = ?1 AND number >= ?2 AND number < ?3';

function rangeParameters({ timelineId, first, end }: SegmentRange): readonly [number, bigint, bigint] {
  return [timelineId, signed(first), signed(end)];
}
