import {
  type Lsn,
  parseWalFileName,
  segmentStartLsn,
  type SegmentNumber,
  type TimelineId,
  type TimelineSwitch,
  toTimelineId,
} from '@walvault/wal';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { segmentName, segmentSize } from '../../testing.ts';
import { Timelines } from '../wal-files/timelines.ts';
import { type AgedFile, type NeededBackup, planRetention, type RetentionFacts, type RetentionPlan } from './plan-retention.ts';

const day = 86_400_000;
const now = 1_795_364_256_000;

function aged(name: string, daysOld: number): AgedFile {
  const file = parseWalFileName(name);
  if (file.kind === 'history') throw new Error('history files have no age');
  return { file, time: now - daysOld * day, size: segmentSize };
}

function backup(beginWal: string | undefined, status = 'DONE'): NeededBackup {
  return { id: '20261101T000000', status, beginWal };
}

function plan(files: readonly AgedFile[], more: Partial<RetentionFacts> = {}): RetentionPlan {
  const timelines = new Timelines(new Map());
  return planRetention({
    policy: { kind: 'main' },
    files,
    listed: [],
    backups: [],
    timelines,
    walSegmentSize: segmentSize,
    now,
    ...more,
  });
}

const window = (days: number): RetentionFacts['policy'] => ({ kind: 'recoveryWindow', windowMs: days * day });
const names = (found: RetentionPlan): readonly string[] => found.remove.map((file) => file.name);
/** Segments of a timeline, the first of them `daysOld`, each a day younger than the one before. */
const daily = (timelineId: number, first: number, last: number, daysOld: number): readonly AgedFile[] =>
  Array.from({ length: last - first + 1 }, (_, index) => aged(segmentName(timelineId, first + index), daysOld - index));

test('a clock that jumps ahead while WAL comes costs nothing: commits have the time of the server', () => {
  const jumped = now + 365 * day;
  const old = daily(1, 1, 10, 10).map((file) => ({ ...file, lastCommit: file.time }));
  const fresh = { ...aged(segmentName(1, 11), -365), lastCommit: now };
  expect(names(plan([...old, fresh], { policy: window(7), now: jumped }))).toEqual([segmentName(1, 1), segmentName(1, 2)]);
  expect(names(plan([...daily(1, 1, 10, 10), aged(segmentName(1, 11), 0)], { policy: window(7) }))).toEqual([
    segmentName(1, 1),
    segmentName(1, 2),
  ]);
});

describe('main', () => {
  test('without base backups nothing goes', () => {
    expect(plan(daily(1, 1, 9, 900))).toMatchObject({ remove: [], blockedBy: { kind: 'noBackups' } });
  });

  test('what lies before the oldest base backup goes, by name: all later timelines stay', () => {
    const label = aged(`${segmentName(1, 4)}.00000028.backup`, 10);
    const files = [...daily(1, 3, 6, 10), label, ...daily(2, 1, 2, 10)];
    const found = plan(files, { backups: [backup(segmentName(2, 2)), backup(segmentName(1, 5))] });
    expect(names(found)).toEqual([segmentName(1, 3), segmentName(1, 4), label.file.name]);
    expect(found.oldestBackup?.beginWal).toBe(segmentName(1, 5));
  });

  test.each(['DONE', 'FAILED', 'WAITING_FOR_WALS', 'STARTED', 'SYNCING', 'of the future'])(
    'a backup that is %s counts',
    (status) => {
      const backups = [backup(segmentName(1, 2), status), backup(segmentName(1, 5))];
      expect(names(plan(daily(1, 1, 6, 10), { backups }))).toEqual([segmentName(1, 1)]);
    },
  );

  test('a backup that is begun and does not say where stops everything; one that failed before it began does not count', () => {
    const backups = [backup(segmentName(1, 5)), backup(undefined, 'STARTED')];
    expect(plan(daily(1, 1, 6, 10), { backups })).toMatchObject({
      remove: [],
      blockedBy: { kind: 'unknownBegin', backup: backups[1] },
    });
    expect(plan(daily(1, 1, 6, 10), { backups, policy: window(1) }).remove).toEqual([]);
    expect(names(plan(daily(1, 4, 6, 10), { backups: [backup(segmentName(1, 5)), backup(undefined, 'FAILED')] }))).toHaveLength(
      1,
    );
  });

  test('a backup that is kept to stand alone keeps its own segments and is not the oldest', () => {
    const alone = { ...backup(segmentName(1, 2)), needsOnlyTo: segmentName(1, 3) };
    const label = aged(`${segmentName(1, 2)}.00000028.backup`, 10);
    const files = [...daily(1, 1, 6, 10), label];
    expect(names(plan(files, { backups: [alone, backup(segmentName(1, 5))] }))).toEqual([segmentName(1, 1), segmentName(1, 4)]);
    expect(plan(files, { backups: [alone] }).blockedBy).toEqual({ kind: 'noBackups' });
  });

  test('the newest segment stays also when the backup begins behind it', () => {
    const files = [...daily(1, 1, 3, 10), aged(`${segmentName(1, 4)}.partial`, 6)];
    const found = plan(files, { backups: [backup(segmentName(1, 9))] });
    expect(names(found)).toEqual([segmentName(1, 1), segmentName(1, 2)]);
  });
});

describe('a recovery window', () => {
  test('keeps what is younger, and the segment before it', () => {
    // 1 to 10 are 10 to 1 days old; the window ends with the newest.
    expect(names(plan(daily(1, 1, 10, 10), { policy: window(3) }))).toEqual(
      [1, 2, 3, 4, 5].map((number) => segmentName(1, number)),
    );
  });

  test('and whatever lies behind what is younger, however old it looks', () => {
    const files = [aged(segmentName(1, 1), 90), aged(segmentName(1, 2), 80), aged(segmentName(1, 3), 2), ...daily(1, 4, 5, 70)];
    expect(names(plan(files, { policy: window(7) }))).toEqual([segmentName(1, 1)]);
  });

  test('does not move on without new WAL, nor when the clock jumps', () => {
    const found = plan(daily(1, 1, 10, 110), { policy: window(3) });
    expect(names(found)).toHaveLength(5);
    expect(found.windowStart).toBe(now - 104 * day);
    expect(names(plan(daily(1, 1, 10, 10), { policy: window(3), now: now + 9999 * day }))).toHaveLength(5);
  });

  test('counts from now where the newest WAL seems to come from the future', () => {
    expect(names(plan([...daily(1, 1, 10, 10), aged(segmentName(1, 11), -500)], { policy: window(3) }))).toHaveLength(6);
  });

  test('keeps beside it what base backups need', () => {
    const backups = [backup(segmentName(1, 3))];
    expect(names(plan(daily(1, 1, 10, 10), { policy: window(3), backups }))).toEqual([segmentName(1, 1), segmentName(1, 2)]);
  });

  test('keeps an incomplete segment that is younger, and goes back to its begin', () => {
    const files = [...daily(1, 1, 3, 30), aged(`${segmentName(1, 4)}.partial`, 3), ...daily(2, 4, 6, 2)];
    expect(names(plan(files, { policy: window(7) }))).toEqual([segmentName(1, 1), segmentName(1, 2)]);
  });

  test('a backup that ended in the window needs WAL from where it began, which its history file tells', () => {
    const files = [...daily(1, 1, 10, 10), aged(`${segmentName(1, 2)}.00000028.backup`, 3)];
    expect(names(plan(files, { policy: window(5) }))).toEqual([]);
  });

  test('a branch that was left long ago goes, one that came from what is kept stays', () => {
    const branches = { 2: left(1, 3), 3: left(1, 8) };
    const timelines = timelinesOf(branches);
    const old = (timelineId: number, first: number, last: number): readonly AgedFile[] =>
      daily(timelineId, first, last, 90).map((file) => ({ ...file, time: now - 90 * day }));
    const files = [...daily(1, 1, 10, 10), ...old(2, 3, 5), ...old(3, 8, 9), ...old(4, 1, 2)];
    // Nobody knows where timeline 4 came from.
    expect(names(plan(files, { policy: window(5), timelines }))).toEqual([
      segmentName(1, 1),
      segmentName(1, 2),
      segmentName(1, 3),
      segmentName(2, 3),
      segmentName(2, 4),
      segmentName(2, 5),
    ]);
  });
});

test('what is listed and not there is struck off only where it would have gone', () => {
  const listed = [1, 2, 5, 8].map((number) => aged(segmentName(1, number), 0).file);
  const found = plan([...daily(1, 3, 4, 8), ...daily(1, 6, 10, 5)], { listed, backups: [backup(segmentName(1, 5))] });
  expect(found.forget.map((file) => file.name)).toEqual([segmentName(1, 1), segmentName(1, 2)]);
});

// Laws

interface World {
  readonly branches: Readonly<Record<number, TimelineSwitch>>;
  readonly files: readonly AgedFile[];
  readonly backups: readonly NeededBackup[];
  readonly windowDays: number | undefined;
}

/** Each timeline but the first leaves an earlier one somewhere; each has segments, some of them missing, with ages that mostly fall. */
const worlds: fc.Arbitrary<World> = fc
  .record({
    parents: fc.array(fc.record({ parent: fc.nat(), at: fc.integer({ min: 2, max: 14 }) }), { maxLength: 4 }),
    lengths: fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 5, maxLength: 5 }),
    missing: fc.array(fc.nat({ max: 60 }), { maxLength: 6 }),
    jitter: fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 8, maxLength: 8 }),
    backups: fc.array(fc.record({ timeline: fc.nat({ max: 4 }), number: fc.integer({ min: 1, max: 20 }) }), { maxLength: 3 }),
    windowDays: fc.option(fc.integer({ min: 1, max: 30 }), { nil: undefined }),
  })
  .map(({ parents, lengths, missing, jitter, backups, windowDays }) => {
    const branches = Object.fromEntries(
      parents.map(({ parent, at }, index) => [index + 2, left((parent % (index + 1)) + 1, at)] as const),
    );
    const files: AgedFile[] = [];
    for (let timelineId = 1; timelineId <= parents.length + 1; timelineId += 1) {
      const first = timelineId === 1 ? 1 : numberOf(branches[timelineId]!.switchLsn);
      for (let number = first; number <= first + (lengths[timelineId - 1] ?? 0); number += 1) {
        if (missing.includes(files.length)) continue;
        files.push(aged(segmentName(timelineId, number), 40 - number - timelineId * 2 + (jitter[files.length % 8] ?? 0)));
      }
    }
    const begun = backups.map(({ timeline, number }) => backup(segmentName((timeline % (parents.length + 1)) + 1, number)));
    return { branches, files, backups: begun, windowDays };
  });

function factsOf({ branches, files, backups, windowDays }: World): RetentionFacts {
  const policy = windowDays === undefined ? ({ kind: 'main' } as const) : window(windowDays);
  return { policy, files, listed: [], backups, timelines: timelinesOf(branches), walSegmentSize: segmentSize, now };
}

function afterwards(world: World): World {
  const gone = new Set(names(planRetention(factsOf(world))));
  return { ...world, files: world.files.filter(({ file }) => !gone.has(file.name)) };
}

/** The names that recovery from one place to another one asks for, as PostgreSQL does: the youngest timeline that has the place. */
function path(
  world: World,
  start: { timeline: number; number: number },
  end: { timeline: number; number: number },
): readonly string[] {
  const line: { timeline: number; from: number }[] = [];
  for (let timeline = end.timeline; ; ) {
    const branch = world.branches[timeline];
    line.unshift({ timeline, from: branch === undefined ? 1 : numberOf(branch.switchLsn) });
    if (branch === undefined) break;
    timeline = branch.timelineId;
  }
  const at = line.findIndex(({ timeline }) => timeline === start.timeline);
  const next = line[at + 1];
  // The start is not in the history of the end.
  if (at === -1 || (next !== undefined && next.from < start.number)) return [];
  const needed: string[] = [];
  for (let number = start.number; number <= end.number; number += 1) {
    const owner = line.slice(at).findLast(({ from }, index) => index === 0 || from <= number);
    needed.push(segmentName(owner?.timeline ?? 0, number));
  }
  return needed;
}

function placeOf({ file }: AgedFile): { timeline: number; number: number } {
  return { timeline: file.timelineId, number: Number.parseInt(file.name.slice(16, 24), 16) };
}

test('law: whoever could be recovered to a point inside the window still can, from a known backup or from a point in the window', () => {
  fc.assert(
    fc.property(worlds, (world) => {
      const before = new Set(world.files.map(({ file }) => file.name));
      const after = new Set(afterwards(world).files.map(({ file }) => file.name));
      const { windowStart } = planRetention(factsOf(world));
      const inWindow = world.files.filter(({ time }) => windowStart !== undefined && time >= windowStart);
      const starts = [...world.backups.map(({ beginWal }) => placeOf(aged(beginWal ?? '', 0))), ...inWindow.map(placeOf)];
      for (const start of starts) {
        for (const end of world.files.map(placeOf)) {
          const needed = path(world, start, end);
          if (needed.every((name) => before.has(name))) expect(needed.filter((name) => !after.has(name))).toEqual([]);
        }
      }
    }),
    { numRuns: 400 },
  );
});

test('law: a second time nothing more goes, also when the first one ended anywhere', () => {
  fc.assert(
    fc.property(worlds, fc.nat(), (world, cut) => {
      const first = names(planRetention(factsOf(world)));
      const gone = new Set(first.slice(0, cut % (first.length + 1)));
      const interrupted = { ...world, files: world.files.filter(({ file }) => !gone.has(file.name)) };
      expect(afterwards(interrupted).files).toEqual(afterwards(world).files);
      expect(names(planRetention(factsOf(afterwards(world))))).toEqual([]);
    }),
    { numRuns: 400 },
  );
});

test('law: the newest segment stays, and what stays of a timeline is its end', () => {
  fc.assert(
    fc.property(worlds, (world) => {
      const after = afterwards(world).files;
      if (world.files.length > 0) expect(after.length).toBeGreaterThan(0);
      const last = world.files
        .map(({ file }) => file.name)
        .toSorted()
        .at(-1);
      if (last !== undefined) expect(after.map(({ file }) => file.name)).toContain(last);
      for (const timelineId of [1, 2, 3, 4, 5]) {
        const of = (files: readonly AgedFile[]): readonly string[] =>
          files.filter(({ file }) => file.timelineId === timelineId).map(({ file }) => file.name);
        const [all, kept] = [of(world.files), of(after)];
        expect(kept).toEqual(all.slice(all.length - kept.length));
      }
    }),
    { numRuns: 200 },
  );
});

function left(timelineId: number, number: number): TimelineSwitch {
  const switchLsn = (segmentStartLsn(BigInt(number) as SegmentNumber, segmentSize) + 0x1000n) as Lsn;
  return { timelineId: toTimelineId(timelineId), switchLsn, reason: 'no recovery target specified' };
}

function numberOf(lsn: Lsn): number {
  return Number(lsn / BigInt(segmentSize));
}

/** Each history lists all ancestors. */
function timelinesOf(branches: Readonly<Record<number, TimelineSwitch>>): Timelines {
  const histories = new Map<TimelineId, readonly TimelineSwitch[]>();
  for (const [id, branch] of Object.entries(branches))
    histories.set(toTimelineId(Number(id)), [...(histories.get(branch.timelineId) ?? []), branch]);
  return new Timelines(histories);
}
