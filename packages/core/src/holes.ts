/**
 * The holes in the WAL of a server, on record: `holes.json` beside `identity.json`.
 *
 * A hole is WAL that the server no longer had when it was due. It is on record, durably, before anything behind it is
 * received, and stays there: whoever recovers from this archive must know it. At most one hole is open at a time, the one
 * that streaming stands at; it is closed by the stream that goes on behind it, or, where the WAL came back, through it.
 */
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf, type FileLock, fileSystemError, tryLock, writeFileAtomic } from '@walvault/durable-fs';
import { formatLsn, type Lsn, parseLsn, type TimelineId, toTimelineId } from '@walvault/wal';
import { CoreError } from './errors.ts';
import { type Forms, listOf, oneOf, readForm } from './json-form.ts';
import { holeForm } from './published-forms.ts';

/**
 * How it was found that WAL is missing: the server has removed it; so it has because the slot was lost, or was not there; or we have
 * dropped the slot ourselves, as `slot_policy = protect-server` says.
 */
export type HoleReason = 'walRemoved' | 'slotLost' | 'slotMissing' | 'slotDropped';

/**
 * What became of a hole. `continued`: streaming went on behind it, as `gap_policy = continue` says; `reset`: so it did, or will,
 * because the operator said `receive-wal --reset`, or has accepted it since by `heal-wal --accept-holes`; `filled`: the server had the WAL again, and it was received after all; `healed`:
 * all segments of it are in the archive now, since `heal-wal` has streamed them again.
 */
export type HoleResolution = 'continued' | 'reset' | 'filled' | 'healed';

/** One hole. LSNs are text (`0/3000148`), times ISO 8601 in UTC. */
export interface RecordedHole {
  /** Timeline of `fromLsn`. */
  readonly timelineId: number;
  /** The first byte that is missing: where streaming would have gone on. */
  readonly fromLsn: string;
  /** Timeline of `toLsn`. */
  readonly toTimelineId: number | null;
  /** The first byte behind the hole; null while it is not known. While the hole is open, the server may remove more. */
  readonly toLsn: string | null;
  readonly reason: HoleReason;
  readonly foundAt: string;
  /** Null while streaming stands at the hole. */
  readonly resolvedBy: HoleResolution | null;
  readonly resolvedAt: string | null;
}

/** The content of `holes.json`. */
export interface HolesFile {
  readonly version: 1;
  /** In the order in which they were found. */
  readonly holes: readonly RecordedHole[];
}

const holesForms: Forms<HolesFile> = { version: oneOf(1), holes: listOf(holeForm) };

/** A place in the WAL. */
export interface WalPosition {
  readonly timelineId: TimelineId;
  readonly lsn: Lsn;
}

/**
 * Reads a record of holes; without a file there is none.
 * @throws {CoreError} `ERR_HOLES_FILE` when it holds something else; @throws {FileSystemError} when it cannot be read
 */
export async function readHoles(path: string): Promise<readonly RecordedHole[]> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw fileSystemError('read', path, error);
  }
  const holes = parse(text);
  if (holes !== undefined) return holes;
  throw new CoreError('ERR_HOLES_FILE', `"${path}" does not hold a record of holes`, {
    hint: 'Look at it, and move it away; a new one is begun then. The holes that were on record in it are still holes.',
  });
}

/**
 * Says of holes that streaming has passed that they are healed; durable when this returns.
 * @param isHealed whether all WAL of a hole is here now; asked of those only that have an end
 * @returns the holes that were not healed before
 * @throws what {@link readHoles} throws
 */
export async function markHealed(
  path: string,
  isHealed: (from: WalPosition, to: WalPosition) => boolean,
): Promise<readonly RecordedHole[]> {
  return await resolve(path, 'healed', (hole) => {
    if (hole.resolvedBy !== 'continued' && hole.resolvedBy !== 'reset') return false;
    if (hole.toLsn === null || hole.toTimelineId === null) return false;
    const from = { timelineId: toTimelineId(hole.timelineId), lsn: parseLsn(hole.fromLsn) };
    return isHealed(from, { timelineId: toTimelineId(hole.toTimelineId), lsn: parseLsn(hole.toLsn) });
  });
}

/**
 * Says of holes that streaming has passed by itself that an operator knows of them, as of those that `--reset` made; durable when this
 * returns.
 * @returns the holes that nobody knew of before
 * @throws what {@link readHoles} throws
 */
export async function acceptHoles(path: string): Promise<readonly RecordedHole[]> {
  return await resolve(path, 'reset', ({ resolvedBy }) => resolvedBy === 'continued');
}

/** Those that are to be resolved so, as they were before. */
async function resolve(
  path: string,
  resolvedBy: HoleResolution,
  isMeant: (hole: RecordedHole) => boolean,
): Promise<readonly RecordedHole[]> {
  if ((await readHoles(path)).length === 0) return [];
  await using _ = await lockOf(path);
  const holes = await readHoles(path);
  const meant = holes.filter(isMeant);
  if (meant.length === 0) return [];
  const resolved = { resolvedBy, resolvedAt: new Date().toISOString() };
  await writeHoles(
    path,
    holes.map((hole) => (meant.includes(hole) ? { ...hole, ...resolved } : hole)),
  );
  return meant;
}

/** The record of one server, for the process that holds the lock of its receiver. `heal-wal` may change it beside that. */
export class HoleRecord {
  readonly #path: string;
  #holes: readonly RecordedHole[];
  #announced: string | undefined;

  private constructor(path: string, holes: readonly RecordedHole[]) {
    this.#path = path;
    this.#holes = holes;
  }

  /** @throws what {@link readHoles} throws */
  static async open(path: string): Promise<HoleRecord> {
    return new HoleRecord(path, await readHoles(path));
  }

  /** All of them, in the order in which they were found. */
  get holes(): readonly RecordedHole[] {
    return this.#holes;
  }

  /** The hole that streaming stands at. */
  get open(): RecordedHole | undefined {
    return this.#holes.find((hole) => hole.resolvedBy === null);
  }

  /**
   * Puts a hole on record, or what is newly known of the one that is open; durable when this returns.
   * @throws {FileSystemError}
   */
  async found(hole: {
    readonly from: WalPosition;
    readonly to: WalPosition | undefined;
    readonly reason: HoleReason;
  }): Promise<RecordedHole> {
    const { from, to, reason } = hole;
    const known = this.open ?? this.#lastAt(from);
    const next: RecordedHole = {
      timelineId: from.timelineId,
      fromLsn: formatLsn(from.lsn),
      toTimelineId: to?.timelineId ?? null,
      toLsn: to === undefined ? null : formatLsn(to.lsn),
      reason: reason === 'slotDropped' ? reason : (known?.reason ?? reason),
      foundAt: known?.foundAt ?? new Date().toISOString(),
      resolvedBy: null,
      resolvedAt: null,
    };
    await this.#replace(known, next);
    return next;
  }

  /**
   * Closes the hole that is open, if one is, since streaming starts at `start`: behind it, or at it.
   * @param how what to call it when it is behind
   */
  async startedAt(start: WalPosition, how: 'continued' | 'reset' = 'continued'): Promise<void> {
    const known = this.open;
    if (known === undefined) return;
    const resolved = { resolvedAt: new Date().toISOString() };
    if (start.lsn > parseLsn(known.fromLsn)) {
      const behind = { toTimelineId: start.timelineId, toLsn: formatLsn(start.lsn) };
      await this.#replace(known, { ...known, ...behind, ...resolved, resolvedBy: how });
    } else {
      await this.#replace(known, { ...known, ...resolved, resolvedBy: 'filled' });
    }
  }

  /** Whether this hole is to be told of: true once for each, in the life of this object. */
  announces(hole: RecordedHole): boolean {
    const isNew = this.#announced !== hole.foundAt;
    this.#announced = hole.foundAt;
    return isNew;
  }

  /** The last hole when it was at the same place: a process that ended before it was past it is there again. */
  #lastAt(from: WalPosition): RecordedHole | undefined {
    const last = this.#holes.at(-1);
    return last?.timelineId === from.timelineId && last.fromLsn === formatLsn(from.lsn) ? last : undefined;
  }

  async #replace(known: RecordedHole | undefined, next: RecordedHole): Promise<void> {
    if (known !== undefined && JSON.stringify(known) === JSON.stringify(next)) return;
    await using _ = await lockOf(this.#path);
    const current = await readHoles(this.#path);
    const others = current.filter((hole) => known === undefined || !isSameHole(hole, known));
    const holes = [...others, next];
    await writeHoles(this.#path, holes);
    this.#holes = holes;
  }
}

function isSameHole(one: RecordedHole, other: RecordedHole): boolean {
  return one.foundAt === other.foundAt && one.fromLsn === other.fromLsn && one.timelineId === other.timelineId;
}

async function writeHoles(path: string, holes: readonly RecordedHole[]): Promise<void> {
  const file: HolesFile = { version: 1, holes };
  await writeFileAtomic(path, `${JSON.stringify(file, undefined, 2)}\n`, { mode: 0o640 });
}

const lockPauseMs = 20;

/** The file is held for the moment of a change, by the receiver and by `heal-wal`. */
async function lockOf(path: string): Promise<FileLock> {
  const lockPath = join(dirname(path), `.${basename(path)}.lock`);
  for (;;) {
    const lock = await tryLock(lockPath);
    if (lock !== undefined) return lock;
    await sleep(lockPauseMs);
  }
}

function parse(text: string): readonly RecordedHole[] | undefined {
  const read = readForm<HolesFile>(text, holesForms);
  return 'value' in read ? read.value.holes : undefined;
}
