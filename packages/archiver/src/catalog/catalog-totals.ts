/** Sums over a catalogue. A partial segment counts in none of them: a complete one takes its place. */
import { type Lsn, type RmgrStatistics, type TimelineId, toTimelineId } from '@walvault/wal';
import type { Catalog } from './catalog.ts';
import type { SegmentRange } from './catalog-search.ts';
import type { CatalogDatabase, Row } from './catalog-database.ts';
import { bigintOrNone, lsnOf, rmgrOf, textOf } from './segment-rows.ts';

/** Segments and their bytes. */
export interface SegmentTotals {
  readonly segments: number;
  /** Bytes of WAL, that is before compression. */
  readonly walBytes: number;
  /** Bytes in the archive. */
  readonly storedBytes: number;
}

/** What was archived on one day. */
export interface DayTotals extends SegmentTotals {
  /** The day in UTC: `2026-07-01`. */
  readonly day: string;
  readonly commits: number;
}

/** What is stored in one way. */
export interface CompressionTotals extends SegmentTotals {
  /** Undefined for none. */
  readonly compression: string | undefined;
}

/** One timeline, by what the checks at archiving said. */
export interface TimelineTotals extends SegmentTotals {
  readonly timelineId: TimelineId;
  readonly good: number;
  readonly bad: number;
  /** Segments that are known to continue their predecessor, and that are known not to. */
  readonly linked: number;
  readonly unlinked: number;
  readonly commits: number;
  /** The earliest and the latest commit in microseconds since 1970. */
  readonly firstCommitTime: bigint | undefined;
  readonly lastCommitTime: bigint | undefined;
}

const sums = `count(*) AS segments, coalesce(sum(segment_size), 0) AS wal_bytes, coalesce(sum(stored_bytes), 0) AS stored_bytes`;

/** Queries of an open catalogue. All may throw a CatalogError. */
export class CatalogTotals {
  readonly #database: CatalogDatabase;

  constructor(catalog: Catalog) {
    this.#database = catalog.database;
  }

  /** The latest days on which something was archived, the latest first. */
  byDay(days: number): readonly DayTotals[] {
    const rows = this.#database.rows(
      `SELECT strftime('%F', archived_at / 1000, 'unixepoch') AS day, sum(commits) AS commits, ${sums}
       FROM segment WHERE partial = 0 GROUP BY day ORDER BY day DESC LIMIT ?`,
      days,
    );
    return rows.map((row) => ({ day: String(row['day']), commits: Number(row['commits']), ...totalsOf(row) }));
  }

  byCompression(): readonly CompressionTotals[] {
    const rows = this.#database.rows(
      `SELECT compression, ${sums} FROM segment WHERE partial = 0 GROUP BY compression ORDER BY compression`,
    );
    return rows.map((row) => ({ compression: textOf(row['compression']), ...totalsOf(row) }));
  }

  byTimeline(): readonly TimelineTotals[] {
    const rows = this.#database.rows(
      `SELECT timeline, ${sums}, sum(verdict = 'good') AS good, sum(verdict <> 'good') AS bad,
         sum(link = 'proven') AS linked, sum(link = 'broken') AS unlinked, sum(commits) AS commits,
         min(first_commit_time) AS first_commit_time, max(last_commit_time) AS last_commit_time
       FROM segment WHERE partial = 0 GROUP BY timeline ORDER BY timeline`,
    );
    return rows.map((row) => ({
      timelineId: toTimelineId(Number(row['timeline'])),
      ...totalsOf(row),
      good: Number(row['good']),
      bad: Number(row['bad']),
      linked: Number(row['linked']),
      unlinked: Number(row['unlinked']),
      commits: Number(row['commits']),
      firstCommitTime: bigintOrNone(row['first_commit_time']),
      lastCommitTime: bigintOrNone(row['last_commit_time']),
    }));
  }

  /** What segments hold by resource manager and info, as `pg_waldump --stats=record` counts it. Slow over very many: all is added up. */
  byRmgr(ranges: readonly SegmentRange[]): readonly RmgrStatistics[] {
    const sums = new Map<number, RmgrStatistics>();
    for (const range of ranges)
      for (const statistics of this.#rmgrsIn(range)) {
        const key = statistics.rmgr * 16 + statistics.info;
        sums.set(key, plus(statistics, sums.get(key)));
      }
    return [...sums.values()].toSorted((one, other) => one.rmgr - other.rmgr || one.info - other.info);
  }

  #rmgrsIn({ timelineId, first, end }: SegmentRange): readonly RmgrStatistics[] {
    const rows = this.#database.rows(
      `SELECT rmgr, info, sum(count) AS count, sum(record_bytes) AS record_bytes, sum(fpi_bytes) AS fpi_bytes
       FROM rmgr_count WHERE segment_id IN
         (SELECT id FROM segment WHERE timeline = ? AND number >= ? AND number < ? AND partial = 0)
       GROUP BY rmgr, info`,
      timelineId,
      first,
      end,
    );
    return rows.map(rmgrOf);
  }

  /** Where the records begin and end that {@link byRmgr} counts. */
  recordsBetween(ranges: readonly SegmentRange[]): { readonly first: Lsn; readonly end: Lsn } | undefined {
    const lsns = ranges.flatMap(({ timelineId, first, end }) => {
      const row = this.#database.row(
        `SELECT min(first_record_lsn) AS first, max(end_lsn) AS end FROM segment
         WHERE timeline = ? AND number >= ? AND number < ? AND partial = 0`,
        timelineId,
        first,
        end,
      );
      return row?.['first'] == null ? [] : [lsnOf(row['first']), lsnOf(row['end'])];
    });
    const [first, ...others] = lsns.toSorted((one, other) => (one < other ? -1 : 1));
    const end = others.at(-1);
    return first === undefined || end === undefined ? undefined : { first, end };
  }

  /** How many restore points there are; one in front of a switchpoint is in two files and counts twice. */
  restorePoints(): number {
    return Number(this.#database.row('SELECT count(*) AS n FROM restore_point')?.['n'] ?? 0);
  }

  /** The magic of the pages of the latest segment: names of records differ between versions. */
  latestMagic(): number | undefined {
    const row = this.#database.row('SELECT magic FROM segment ORDER BY archived_at DESC LIMIT 1');
    return row === undefined ? undefined : Number(row['magic']);
  }
}

function plus(one: RmgrStatistics, other: RmgrStatistics | undefined): RmgrStatistics {
  if (other === undefined) return one;
  return {
    ...one,
    count: one.count + other.count,
    recordBytes: one.recordBytes + other.recordBytes,
    fpiBytes: one.fpiBytes + other.fpiBytes,
  };
}

function totalsOf(row: Row): SegmentTotals {
  return {
    segments: Number(row['segments']),
    walBytes: Number(row['wal_bytes']),
    storedBytes: Number(row['stored_bytes']),
  };
}
