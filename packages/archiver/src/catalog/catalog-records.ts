/**
 * What is on record about an archive and cannot be made anew from its files: runs of verify-wal and what they found, segments
 * that were healed, segments that retention has deleted.
 */
import type { CatalogDatabase, Row } from './catalog-database.ts';
import { numberOrNone, textOf } from './segment-rows.ts';

/** What a check said of a segment, or of one that should be there. */
export type CheckVerdict = 'good' | 'bad' | 'hole' | 'unknown';

/** The latest check of one segment. */
export interface SegmentCheck {
  /** Name of the segment; of a hole the first that is missing. */
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly checkedAt: number;
  readonly verdict: CheckVerdict;
  /** In words: what is wrong, up to where a hole reaches. */
  readonly detail: string | undefined;
}

/** How many of each. */
export interface VerifyTotals {
  readonly good: number;
  readonly bad: number;
  readonly holes: number;
  readonly unknown: number;
}

/** One run of verify-wal. Times are milliseconds since 1970. */
export interface VerifyRun extends VerifyTotals {
  readonly id: number;
  /** What was looked at; a run that did not finish is resumed by one with the same. Chosen by who verifies. */
  readonly scope: string;
  readonly startedAt: number;
  /** Undefined as long as it runs, and when it was stopped. */
  readonly finishedAt: number | undefined;
}

/** A segment that was missing or bad and was put in place again. */
export interface Heal {
  readonly name: string;
  /** Why: what was wrong with it. */
  readonly reason: string;
  /** Where the good one came from. */
  readonly source: string;
  /** Milliseconds since 1970. */
  readonly healedAt: number;
  /** Where the bad one is now; undefined when there was none. */
  readonly movedTo: string | undefined;
}

/** A segment that retention has deleted. */
export interface Deletion {
  readonly name: string;
  readonly storedBytes: number;
  /** The rule that said so. */
  readonly policy: string;
  /** Milliseconds since 1970. */
  readonly deletedAt: number;
}

/** The records in an open catalogue. What changes them is durable when it returns; all may throw a CatalogError. */
export class CatalogRecords {
  readonly #database: CatalogDatabase;

  constructor(database: CatalogDatabase) {
    this.#database = database;
  }

  /** Begins a run of verify-wal, and gives its id. */
  beginVerify(scope: string, startedAt: number): number {
    return this.#write(() =>
      Number(this.#database.run('INSERT INTO verify_run VALUES (NULL, ?, ?, NULL, 0, 0, 0, 0)', scope, startedAt)),
    );
  }

  /** Notes what was found, each in place of what was known of that name. */
  noteChecks(runId: number | undefined, checks: readonly SegmentCheck[]): void {
    this.#write(() => {
      for (const { name, checkedAt, verdict, detail } of checks)
        this.#database.run(
          'INSERT OR REPLACE INTO segment_check VALUES (?, ?, ?, ?, ?)',
          name,
          runId ?? null,
          checkedAt,
          verdict,
          detail ?? null,
        );
    });
  }

  finishVerify(runId: number, { good, bad, holes, unknown }: VerifyTotals, finishedAt: number): void {
    const sql = 'UPDATE verify_run SET finished_at = ?, good = ?, bad = ?, holes = ?, unknown = ? WHERE id = ?';
    this.#write(() => this.#database.run(sql, finishedAt, good, bad, holes, unknown, runId));
  }

  /** The last run that was finished. */
  lastVerify(): VerifyRun | undefined {
    const row = this.#database.row('SELECT * FROM verify_run WHERE finished_at IS NOT NULL ORDER BY finished_at DESC LIMIT 1');
    return row === undefined ? undefined : runOf(row);
  }

  /** The last run of that scope, if it was not finished. */
  unfinishedVerify(scope: string): VerifyRun | undefined {
    const row = this.#database.row('SELECT * FROM verify_run WHERE scope = ? ORDER BY id DESC LIMIT 1', scope);
    return row === undefined || row['finished_at'] !== null ? undefined : runOf(row);
  }

  /** The latest check of a segment. */
  checkOf(name: string): SegmentCheck | undefined {
    const row = this.#database.row('SELECT * FROM segment_check WHERE name = ?', name);
    return row === undefined ? undefined : checkOf(row);
  }

  /** The checks that a run has made and no later one has replaced, by name. */
  checksOfRun(runId: number): readonly SegmentCheck[] {
    return this.#database.rows('SELECT * FROM segment_check WHERE run_id = ? ORDER BY name', runId).map(checkOf);
  }

  /** The latest checks that did not say good, by name. */
  badChecks(): readonly SegmentCheck[] {
    return this.#database.rows(`SELECT * FROM segment_check WHERE verdict <> 'good' ORDER BY name`).map(checkOf);
  }

  noteHeal({ name, reason, source, healedAt, movedTo }: Heal): void {
    const sql = 'INSERT INTO heal VALUES (NULL, ?, ?, ?, ?, ?)';
    this.#write(() => {
      this.#database.run('DELETE FROM segment_check WHERE name = ?', name);
      this.#database.run(sql, name, reason, source, healedAt, movedTo ?? null);
    });
  }

  /** All heals, the latest first. */
  heals(): readonly Heal[] {
    return this.#database.rows('SELECT * FROM heal ORDER BY id DESC').map((row) => ({
      name: String(row['name']),
      reason: String(row['reason']),
      source: String(row['source']),
      healedAt: Number(row['healed_at']),
      movedTo: textOf(row['moved_to']),
    }));
  }

  noteDeletions(deletions: readonly Deletion[]): void {
    this.#write(() => {
      for (const { name, storedBytes, policy, deletedAt } of deletions)
        this.#database.run('INSERT INTO deletion VALUES (NULL, ?, ?, ?, ?)', name, storedBytes, policy, deletedAt);
    });
  }

  /** The latest deletions, the latest first. */
  deletions(limit: number): readonly Deletion[] {
    return this.#database.rows('SELECT * FROM deletion ORDER BY id DESC LIMIT ?', limit).map((row) => ({
      name: String(row['name']),
      storedBytes: Number(row['stored_bytes']),
      policy: String(row['policy']),
      deletedAt: Number(row['deleted_at']),
    }));
  }

  /** Whether a segment was deleted by retention, so that it is no hole. */
  wasDeleted(name: string): boolean {
    return this.#database.row('SELECT 1 FROM deletion WHERE name = ? LIMIT 1', name) !== undefined;
  }

  #write<T>(work: () => T): T {
    return this.#database.transaction(work);
  }
}

function runOf(row: Row): VerifyRun {
  return {
    id: Number(row['id']),
    scope: String(row['scope']),
    startedAt: Number(row['started_at']),
    finishedAt: numberOrNone(row['finished_at']),
    good: Number(row['good']),
    bad: Number(row['bad']),
    holes: Number(row['holes']),
    unknown: Number(row['unknown']),
  };
}

function checkOf(row: Row): SegmentCheck {
  const verdict = String(row['verdict']) as CheckVerdict;
  return { name: String(row['name']), checkedAt: Number(row['checked_at']), verdict, detail: textOf(row['detail']) };
}
