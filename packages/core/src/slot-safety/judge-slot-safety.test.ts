import { expect, test } from 'vitest';
import { judgeSlotSafety, type SlotRetention, type SlotSafetyOptions } from './judge-slot-safety.ts';

const MB = 1024 ** 2;
const slot: SlotRetention = {
  walStatus: 'reserved',
  safeWalSize: undefined,
  invalidationReason: undefined,
  retainedBytes: 16 * MB,
};
const archive: SlotSafetyOptions = { slotPolicy: 'protect-archive', slotRetainedLimit: undefined };
const server: SlotSafetyOptions = { slotPolicy: 'protect-server', slotRetainedLimit: 100 * MB };

test.each<[string, Partial<SlotRetention>, SlotSafetyOptions, object]>([
  ['no limit at all', { retainedBytes: 1e12 }, archive, { level: 'ok', safeBytes: undefined, isAtLimit: false }],
  ['far below what the server allows', { safeWalSize: 84 * MB }, archive, { level: 'ok', safeBytes: 84 * MB }],
  ['half of what the server allows', { safeWalSize: 16 * MB }, archive, { level: 'warning', safeBytes: 16 * MB }],
  ['four fifths of it', { safeWalSize: 4 * MB }, archive, { level: 'critical', safeBytes: 4 * MB }],
  ['more than the server allows', { walStatus: 'unreserved', safeWalSize: -MB }, archive, { level: 'critical', safeBytes: 0 }],
  ['lost', { walStatus: 'lost', retainedBytes: undefined }, archive, { level: 'critical', isAtLimit: false }],
  ['invalidated', { invalidationReason: 'idle_timeout', retainedBytes: undefined }, archive, { level: 'critical' }],
  ['keeps nothing yet', { walStatus: undefined, retainedBytes: undefined }, archive, { level: 'ok', retainedBytes: undefined }],
  ['below half of our limit', {}, server, { level: 'ok', safeBytes: 84 * MB, isAtLimit: false }],
  ['half of our limit', { retainedBytes: 50 * MB }, server, { level: 'warning', safeBytes: 50 * MB, isAtLimit: false }],
  ['all of our limit', { retainedBytes: 100 * MB }, server, { level: 'critical', safeBytes: 0, isAtLimit: true }],
  [
    'our limit, of which there is only to be warned',
    { retainedBytes: 101 * MB },
    { ...server, slotPolicy: 'protect-archive' },
    { level: 'critical', isAtLimit: true },
  ],
  [
    'two limits, of which that of the server is nearer',
    { retainedBytes: 60 * MB, safeWalSize: 10 * MB },
    server,
    { level: 'critical', safeBytes: 10 * MB, isAtLimit: false },
  ],
  [
    'two limits, of which ours is nearer',
    { retainedBytes: 60 * MB, safeWalSize: 1000 * MB },
    server,
    { level: 'warning', safeBytes: 40 * MB },
  ],
])('%s', (_, facts, options, expected) => {
  expect(judgeSlotSafety({ ...slot, ...facts }, options)).toMatchObject(expected);
});

test('the reason says which limit it is about, with sizes', () => {
  expect(reasonOf({}, archive)).toBe('keeps 16MB of WAL');
  expect(reasonOf({ safeWalSize: 4 * MB }, archive)).toBe(
    'keeps 16MB of WAL; 4MB more, and max_slot_wal_keep_size of the server is reached, from where on it is removed',
  );
  expect(reasonOf({ retainedBytes: 60 * MB }, server)).toBe(
    'keeps 60MB of WAL of the 100MB of slot_retained_limit; at the limit it is dropped (slot_policy = protect-server)',
  );
  expect(reasonOf({ walStatus: 'lost', invalidationReason: 'idle_timeout' }, server)).toBe(
    'has lost the WAL that it kept (idle_timeout)',
  );
});

function reasonOf(facts: Partial<SlotRetention>, options: SlotSafetyOptions): string {
  return judgeSlotSafety({ ...slot, ...facts }, options).reason;
}
