/**
 * Which files of the archive may go. Pure: names, times and backups in, names out.
 *
 * `main` is Barman's rule: as long as there is no base backup nothing goes; else what lies before the first segment of the
 * oldest one, by name, so that all later timelines stay. With a recovery window that WAL is kept beside what the backups
 * need, and whatever recovery from a point inside the window may ask for: everything behind such a point on its
 * timeline, and on those that left that timeline behind it. So it does for one segment before the window: the base backup
 * of an idle standby begins at its last restartpoint, which may lie there.
 *
 * In doubt a file stays:
 *   - each base backup counts, whatever became of it; one that does not say where it begins stops everything; one that is kept
 *     to stand alone keeps the segments that make it consistent, and no others;
 *   - a file is as young as the younger of its modification time and its last commit. The last commit alone would not do:
 *     the base backup of a quiet day begins in a segment whose last commit is older than the window;
 *   - the window ends with the newest WAL there is, and with the newest commit in it where commits are known, if these are not of today:
 *     a server that is gone does not lose its last WAL because time passes, nor does anybody when the clock of this machine jumps, which
 *     gives its time to what is archived meanwhile, but not to commits;
 *   - timelines whose descent is not known may have come from any earlier one;
 *   - history files, and the newest segment, never go.
 */
import { type Lsn, type TimelineId, type WalFileName, walFileNameAt, type WalSegmentSize } from '@walvault/wal';
import { positionOf } from '../wal-files/layout.ts';
import type { Timelines } from '../wal-files/timelines.ts';

/** What is kept: what the base backups need, or a window of time as well, in milliseconds. */
export type WalRetention = { readonly kind: 'main' } | { readonly kind: 'recoveryWindow'; readonly windowMs: number };

/** A base backup, as far as it matters here: any that is known, also one that failed or is being taken. */
export interface NeededBackup {
  readonly id: string;
  /** Barman's word for what became of it. */
  readonly status: string;
  /** Name of the segment that it begins in; undefined where that is not known. */
  readonly beginWal: string | undefined;
  /** The last segment that it needs, where nobody wants to recover it further (Barman's `keep --target standalone`). */
  readonly needsOnlyTo?: string | undefined;
  /** What to do about one that does not say where it begins, where that is known. */
  readonly remedy?: string | undefined;
}

/** A segment, partial or backup history file of the archive. */
export interface AgedFile {
  readonly file: Exclude<WalFileName, { kind: 'history' }>;
  /** How young its content may be, in milliseconds since 1970. */
  readonly time: number;
  /** Time of its last commit, in milliseconds since 1970, if it is known. */
  readonly lastCommit?: number | undefined;
  /** Bytes that it takes. */
  readonly size: number;
}

/** What a plan is made from. */
export interface RetentionFacts {
  readonly policy: WalRetention;
  readonly files: readonly AgedFile[];
  /** What xlog.db lists although the archive does not have it. */
  readonly listed: readonly AgedFile['file'][];
  readonly backups: readonly NeededBackup[];
  readonly timelines: Timelines;
  /** Undefined when there is no segment. */
  readonly walSegmentSize: WalSegmentSize | undefined;
  /** In milliseconds since 1970. */
  readonly now: number;
}

/** What may go, and why the rest stays. */
export interface RetentionPlan {
  /** In the order in which they are to be removed: by name, so that what is left is whole from some name on at any moment. */
  readonly remove: readonly AgedFile['file'][];
  /** Of what is listed and not there, what nobody may miss any more. */
  readonly forget: readonly AgedFile['file'][];
  /** Why nothing may go, whatever the policy says. */
  readonly blockedBy: RetentionBlock | undefined;
  /** The base backup whose WAL is the oldest that stays because of a backup. */
  readonly oldestBackup: NeededBackup | undefined;
  /** What is younger than this stays, in milliseconds since 1970; undefined without a window. */
  readonly windowStart: number | undefined;
}

/** Why nothing may go: there is no base backup to go by, or one does not say where it begins. */
export type RetentionBlock = { readonly kind: 'noBackups' } | { readonly kind: 'unknownBegin'; readonly backup: NeededBackup };

/** Makes a plan. */
export function planRetention(facts: RetentionFacts): RetentionPlan {
  const recoverable = facts.backups.filter(hasBegin).filter((backup) => backup.needsOnlyTo === undefined);
  const oldestBackup = recoverable.toSorted((a, b) => (a.beginWal < b.beginWal ? -1 : 1))[0];
  const windowStart = windowStartOf(facts);
  const blockedBy = blockOf(facts);
  const mayGo = blockedBy === undefined ? rule({ ...facts, oldestBegin: oldestBackup?.beginWal, windowStart }) : () => false;
  const remove = facts.files.map(({ file }) => file).filter(mayGo);
  return {
    remove: remove.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    // An archive without a file may be one that is not mounted.
    forget: facts.files.length === 0 ? [] : facts.listed.filter(mayGo),
    blockedBy,
    oldestBackup,
    windowStart,
  };
}

/** A backup that failed before it began needs nothing; any other that does not say where it begins may need everything. */
function blockOf({ policy, backups }: RetentionFacts): RetentionBlock | undefined {
  const unknown = backups.find((backup) => !hasBegin(backup) && backup.status !== 'FAILED');
  if (unknown !== undefined) return { kind: 'unknownBegin', backup: unknown };
  const isAnyRecoverable = backups.some((backup) => hasBegin(backup) && backup.needsOnlyTo === undefined);
  return policy.kind === 'main' && !isAnyRecoverable ? { kind: 'noBackups' } : undefined;
}

function hasBegin(backup: NeededBackup): backup is NeededBackup & { readonly beginWal: string } {
  return backup.beginWal !== undefined;
}

function windowStartOf({ policy, files, now }: RetentionFacts): number | undefined {
  if (policy.kind === 'main') return undefined;
  const newest = files.reduce((latest, { time }) => Math.max(latest, time), 0);
  const newestCommit = files.reduce((latest, { lastCommit = 0 }) => Math.max(latest, lastCommit), 0);
  return Math.min(now, newest, newestCommit || Infinity) - policy.windowMs;
}

interface RuleFacts extends RetentionFacts {
  readonly oldestBegin: string | undefined;
  readonly windowStart: number | undefined;
}

function rule(facts: RuleFacts): (file: AgedFile['file']) => boolean {
  const { oldestBegin, windowStart, files } = facts;
  const newest = newestOf(files);
  const needs = windowStart === undefined ? undefined : new WindowNeeds(facts, windowStart);
  return (file) => {
    const segment = file.name.slice(0, 24);
    const isForBackup = (oldestBegin !== undefined && segment >= oldestBegin) || standsAlone(facts.backups, segment);
    return !isForBackup && !newest.has(file.name) && needs?.has(file) !== true;
  };
}

function standsAlone(backups: readonly NeededBackup[], segment: string): boolean {
  return backups.some(({ beginWal, needsOnlyTo }) => {
    if (beginWal === undefined || needsOnlyTo === undefined) return false;
    return beginWal <= segment && segment <= needsOnlyTo;
  });
}

/** The last file of the newest timeline, and the one that is the furthest on; complete ones beside others. */
function newestOf(files: readonly AgedFile[]): ReadonlySet<string> {
  const segments = files.map(({ file }) => file).filter((file) => file.kind !== 'backup');
  const complete = segments.filter((file) => file.kind === 'segment');
  const newest = [segments, complete].flatMap((among) => [
    greatest(among, (file) => file.name),
    greatest(among, (file) => positionOf(file) + file.name),
  ]);
  return new Set(newest.map((file) => file?.name ?? ''));
}

/** What recovery from a point inside the window may ask for. */
class WindowNeeds {
  /** The first place that is needed, by timeline. */
  readonly #begins = new Map<TimelineId, string>();
  /** Where others left those timelines. */
  readonly #leftAt = new Map<TimelineId, ReadonlyMap<TimelineId, string>>();
  readonly #facts: RetentionFacts;

  constructor(facts: RetentionFacts, windowStart: number) {
    this.#facts = facts;
    for (const { file, time } of facts.files) if (time >= windowStart) this.#add(file);
    const inWindow = [...this.#begins];
    for (const [timelineId, begin] of inWindow) this.#add(this.#before(timelineId, begin));
    for (const timelineId of this.#begins.keys()) this.#leftAt.set(timelineId, this.#placesLeft(timelineId));
  }

  has(file: AgedFile['file']): boolean {
    return [...this.#begins].some(([timelineId, begin]) => {
      if (timelineId === file.timelineId) return positionOf(file) >= begin;
      return timelineId < file.timelineId && this.#mayDescend(file.timelineId, timelineId, begin);
    });
  }

  #add(file: AgedFile['file'] | undefined): void {
    if (file === undefined) return;
    const known = this.#begins.get(file.timelineId);
    if (known === undefined || positionOf(file) < known) this.#begins.set(file.timelineId, positionOf(file));
  }

  /** The segment before a place, of that timeline or of the one that it may have come from. */
  #before(timelineId: TimelineId, begin: string): AgedFile['file'] | undefined {
    const before = this.#facts.files
      .map(({ file }) => file)
      .filter((file) => file.kind === 'segment' && file.timelineId <= timelineId && positionOf(file) < begin);
    return greatest(before, (file) => (file.timelineId === timelineId ? '1' : '0') + positionOf(file) + file.name);
  }

  /** Whether a timeline may have left another one at or behind a place. */
  #mayDescend(younger: TimelineId, elder: TimelineId, begin: string): boolean {
    if (!this.#facts.timelines.withHistory.has(younger)) return true;
    const leftAt = this.#leftAt.get(elder)?.get(younger);
    return leftAt !== undefined && leftAt >= begin;
  }

  #placesLeft(timelineId: TimelineId): ReadonlyMap<TimelineId, string> {
    const { timelines, walSegmentSize } = this.#facts;
    if (walSegmentSize === undefined) return new Map();
    const placeOf = (lsn: Lsn): string => positionOf({ name: walFileNameAt(timelineId, lsn, walSegmentSize) });
    return new Map(timelines.descendantsOf(timelineId).map((heir) => [heir.timelineId, placeOf(heir.leftAt)]));
  }
}

function greatest<T>(values: readonly T[], keyOf: (value: T) => string): T | undefined {
  let best: { readonly key: string; readonly value: T } | undefined;
  for (const value of values) {
    const key = keyOf(value);
    if (best === undefined || key > best.key) best = { key, value };
  }
  return best?.value;
}
