import { parseLsn } from '@walvault/wal';
import { expect, test } from 'vitest';
import { type JudgeSlotOptions, judgeSlot, type SlotVerdict } from './judge-slot.ts';
import type { ReplicationSlot } from './replication-slot.ts';

const healthy: ReplicationSlot = {
  slotName: 'barman',
  slotType: 'physical',
  temporary: false,
  active: false,
  activePid: undefined,
  restartLsn: parseLsn('0/3000000'),
  restartTimelineId: undefined,
  walStatus: 'reserved',
  safeWalSize: undefined,
  conflicting: undefined,
  invalidationReason: undefined,
  inactiveSince: undefined,
};

/** A slot as a server before 13 shows it, and as a walsender does. */
const old: ReplicationSlot = { ...healthy, walStatus: undefined };
const seenByWalsender: ReplicationSlot = { ...old, active: undefined, temporary: undefined };
const running = { active: true, activePid: 77 };
const gone = { restartLsn: undefined, walStatus: 'lost' } as const;

/** Each verdict without its hint, of which only the form is tested. */
type WithoutHint<T> = T extends unknown ? Omit<T, 'hint'> : never;

test.each<[string, ReplicationSlot | undefined, JudgeSlotOptions, WithoutHint<SlotVerdict>]>([
  ['no slot', undefined, {}, { kind: 'missing' }],
  ['a healthy slot', healthy, {}, { kind: 'usable' }],
  ['a slot that keeps more than max_wal_size', { ...healthy, walStatus: 'extended' }, {}, { kind: 'usable' }],
  ['a slot of an old server', old, {}, { kind: 'usable' }],
  ['a slot as a walsender shows it', seenByWalsender, {}, { kind: 'usable' }],
  ['a logical slot', { ...healthy, slotType: 'logical' }, {}, { kind: 'wrongType', slotType: 'logical' }],
  ['a slot that another uses', { ...healthy, ...running }, {}, { kind: 'inUse', activePid: 77 }],
  ['a slot that another than we uses', { ...healthy, ...running }, { ownPid: 78 }, { kind: 'inUse', activePid: 77 }],
  ['a slot that we use', { ...healthy, ...running }, { ownPid: 77 }, { kind: 'usable' }],
  [
    'a slot that somebody uses whose process is not shown',
    { ...healthy, active: true },
    {},
    { kind: 'inUse', activePid: undefined },
  ],
  ['a slot that never kept anything', { ...old, restartLsn: undefined }, {}, { kind: 'notReserving' }],
  ['the same as a walsender shows it', { ...seenByWalsender, restartLsn: undefined }, {}, { kind: 'notReserving' }],
  ['a slot whose WAL is gone', { ...healthy, ...gone }, {}, { kind: 'lost', reason: 'wal_removed' }],
  [
    'a slot that was invalidated for another reason',
    { ...healthy, ...gone, invalidationReason: 'idle_timeout' },
    {},
    { kind: 'lost', reason: 'idle_timeout' },
  ],
  ['a lost slot that somebody still uses', { ...healthy, ...gone, ...running }, {}, { kind: 'lost', reason: 'wal_removed' }],
  [
    'a slot that the next checkpoint may lose',
    { ...healthy, walStatus: 'unreserved', safeWalSize: -4096 },
    {},
    { kind: 'atRisk', safeWalSize: -4096 },
  ],
])('judges %s', (_name, slot, options, verdict) => {
  const { hint, ...judged } = judgeSlot(slot, options);
  expect(judged).toEqual(verdict);
  expect(hint).toMatch(/^[A-Z].*\.$/);
});

test("tells of a walsender's slot without position that it may also be lost", () => {
  const { hint } = judgeSlot({ ...seenByWalsender, restartLsn: undefined });
  expect(hint).toContain('lost');
});
