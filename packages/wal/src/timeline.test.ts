import { expect, test } from 'vitest';
import { WalFormatError } from './errors.ts';
import { firstTimelineId, toTimelineId } from './timeline.ts';

test('takes every whole number from 1 to 2^32-1', () => {
  expect(toTimelineId(1)).toBe(firstTimelineId);
  expect(toTimelineId(0xffff_ffff)).toBe(4294967295);
});

test.each([0, -1, 1.5, 2 ** 32, Number.NaN, Number.POSITIVE_INFINITY])('refuses %d', (value) => {
  expect(() => toTimelineId(value)).toThrow(WalFormatError);
  expect(() => toTimelineId(value)).toThrow(`invalid timeline ID ${value}`);
  expect(() => toTimelineId(value)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_TIMELINE', retry: 'fatal' }));
});
