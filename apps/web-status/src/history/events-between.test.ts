import { expect, test } from 'vitest';
import { EventLog } from './event-log.ts';
import type { EventBaseline } from './event-baseline.ts';
import { eventsBetween } from './events-between.ts';
import { HistoryFile } from './history-file.ts';

const nowMs = Date.parse('2026-07-01T10:00:00Z');
const streaming = {
  phase: 'streaming',
  pid: 17,
  reconnects: 0,
  timelineId: 1,
  flushedLsn: '0/3000148',
  lastError: null,
  divergence: null,
} as const;
const lost = { code: 'ERR_CONNECTION_LOST', message: 'the connection was lost', hint: 'Wait.', at: '2026-07-01T09:59:58.000Z' };
const hole = {
  timelineId: 1,
  fromLsn: '0/4000000',
  toTimelineId: 1,
  toLsn: '0/6000000',
  reason: 'walRemoved',
  foundAt: '2026-07-01T09:00:00.000Z',
  resolvedBy: null,
  resolvedAt: null,
} as const;

function kinds(before: EventBaseline, now: EventBaseline): readonly string[] {
  return eventsBetween(before, now, nowMs).map(({ kind }) => kind);
}

test('a lost connection is an error with its code, then a reconnect, then WAL again', () => {
  const waiting = { ...streaming, phase: 'waiting', reconnects: 1, lastError: lost } as const;
  const found = eventsBetween({ receiver: streaming }, { receiver: waiting }, nowMs);
  expect(found).toMatchObject([
    { kind: 'error', code: 'ERR_CONNECTION_LOST', hint: 'Wait.', at: lost.at },
    { kind: 'reconnect' },
  ]);
  expect(kinds({ receiver: waiting }, { receiver: { ...waiting, phase: 'streaming' } })).toEqual(['caughtUp']);
});

test('a switch of timeline, and another process after one that was killed', () => {
  expect(kinds({ receiver: streaming }, { receiver: { ...streaming, timelineId: 2 } })).toEqual(['timelineSwitch']);
  expect(kinds({ receiver: streaming }, { receiver: { ...streaming, phase: 'dead' } })).toEqual(['receiverDied']);
  const next = { receiver: { ...streaming, pid: 18 } };
  expect(kinds({ receiver: { ...streaming, phase: 'dead' } }, next)).toEqual(['receiverStarted', 'caughtUp']);
  expect(kinds({ receiver: streaming }, next)).toEqual(['receiverDied', 'receiverStarted', 'caughtUp']);
});

test('a hole is found at its own time, also by the first look, and later healed', () => {
  expect(eventsBetween({}, { holes: [hole] }, nowMs)).toMatchObject([{ kind: 'holeFound', at: hole.foundAt, lsn: '0/4000000' }]);
  const healed = { ...hole, resolvedBy: 'healed', resolvedAt: '2026-07-01T09:30:00.000Z' } as const;
  expect(eventsBetween({ holes: [hole] }, { holes: [healed] }, nowMs)).toMatchObject([{ kind: 'healed', at: healed.resolvedAt }]);
  expect(kinds({ holes: [healed] }, { holes: [healed] })).toEqual([]);
});

test('what is seen for the first time is no change', () => {
  const now = {
    receiver: streaming,
    slot: { level: 'critical', reason: '' },
    unreachable: 'no',
    failedChecks: { a: '' },
    badSegments: [],
  };
  expect(kinds({}, now)).toEqual([]);
  expect(kinds({ unreachable: null }, { unreachable: 'refused' })).toEqual(['serverUnreachable']);
  expect(kinds({ failedChecks: {} }, { failedChecks: { a: '' } })).toEqual(['checkFailed']);
});

test('the first receiver there is, where one was looked for before, is an event', () => {
  expect(kinds({ receiver: null }, { receiver: streaming })).toEqual(['receiverStarted', 'caughtUp']);
});

function checkFailed(at: number): ReturnType<typeof eventsBetween> {
  return eventsBetween({ failedChecks: {} }, { failedChecks: { a: '' } }, at);
}

test('events come by when they happened, page by page, also where that was seen late', () => {
  using file = new HistoryFile(':memory:');
  const log = new EventLog(file);
  log.note('pg', checkFailed(nowMs), {});
  log.note('pg', eventsBetween({}, { holes: [hole] }, nowMs), {});
  log.note('pg', checkFailed(nowMs + 1000), {});
  const page = (before?: number) => log.list('pg', { before, limit: 2 });
  expect(page().events.map(({ id }) => id)).toEqual([3, 1]);
  expect(page(1)).toMatchObject({ events: [{ id: 2, kind: 'holeFound' }], hasMore: false });
});

test('events are kept in their order, with what was known, and only the latest of them', () => {
  using file = new HistoryFile(':memory:');
  const log = new EventLog(file);
  const events = eventsBetween({}, { holes: [hole] }, nowMs);
  for (let count = 0; count < 2100; count += 1) log.note('pg', events, { holes: [hole] });
  log.note('other', events, {});
  expect(log.baseline('pg')).toEqual({ holes: [hole] });
  const first = log.list('pg', { before: undefined, limit: 3 });
  expect(first.events.map(({ id }) => id)).toEqual([2100, 2099, 2098]);
  expect(first.hasMore).toBe(true);
  expect(log.list('pg', { before: 2098, limit: 1 }).events[0]?.id).toBe(2097);
  expect(Number(file.rows('SELECT count(*) AS rows FROM event')[0]?.['rows'])).toBe(2001);
});
