import { expect, test } from 'vitest';
import { formatAge, formatBytes } from './format.ts';

test.each([
  [0, '0 B'],
  [1, '1 B'],
  [1023, '1023 B'],
  [1024, '1.0 KiB'],
  [1536, '1.5 KiB'],
  [16 * 1024 ** 2, '16.0 MiB'],
  [1024 ** 5, '1.0 PiB'],
  [5000 * 1024 ** 5, '5000.0 PiB'],
])('%i bytes are %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

test.each([
  [0, '0 s ago'],
  [119, '119 s ago'],
  [120, '2 min ago'],
  [7199, '119 min ago'],
  [7200, '2 h ago'],
  [172_799, '47 h ago'],
  [172_800, '2 days ago'],
])('%i seconds ago reads %s', (seconds, text) => {
  const nowMs = Date.parse('2026-03-04T05:06:07Z');
  expect(formatAge(new Date(nowMs - seconds * 1000).toISOString(), nowMs)).toBe(text);
});

test('a clock that was set back makes nothing come from the future', () => {
  expect(formatAge('2026-03-04T05:06:07Z', Date.parse('2026-03-04T05:00:00Z'))).toBe('0 s ago');
});
