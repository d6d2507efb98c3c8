import { describe, expect, test } from 'vitest';
import { median, percentile, ratios, slope, spread } from './statistics.ts';

describe('median', () => {
  test('is the value in the middle, whatever the order', () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([7])).toBe(7);
  });

  test('is the mean of the two in the middle of an even number', () => {
    expect(median([4, 1, 3, 100])).toBe(3.5);
  });

  test('sorts numbers as numbers', () => {
    expect(median([10, 9, 100])).toBe(10);
  });

  test('leaves the list as it was', () => {
    const values = [3, 1, 2];
    median(values);
    expect(values).toEqual([3, 1, 2]);
  });

  test('does not exist for nothing', () => {
    expect(() => median([])).toThrow(RangeError);
  });
});

test('spread gives median, least and greatest', () => {
  expect(spread([2, 8, 4])).toEqual({ median: 4, min: 2, max: 8 });
});

describe('ratios', () => {
  test('compare pair by pair', () => {
    expect(ratios([1, 6], [2, 3])).toEqual([0.5, 2]);
  });

  test('refuse lists of different length', () => {
    expect(() => ratios([1], [1, 2])).toThrow('1 values beside 2');
  });

  test('refuse to divide by what was not measured', () => {
    expect(() => ratios([1], [0])).toThrow('cannot compare with 0');
  });
});

describe('percentile', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => index + 1);

  test.each([
    [0.5, 50],
    [0.99, 99],
    [0.999, 100],
    [1, 100],
  ])('the share %f of 1 to 100 does not exceed %i', (share, value) => {
    expect(percentile(hundred, share)).toBe(value);
  });

  test('of one value is that value, of none does not exist', () => {
    expect(percentile([7], 0.01)).toBe(7);
    expect(() => percentile([], 0.5)).toThrow(RangeError);
  });
});

describe('slope', () => {
  test('is how much y grows with x, whatever lies beside the line on both sides', () => {
    const points = [0, 1, 2, 3].map((x) => ({ x, y: 5 + 2 * x + (x === 0 || x === 3 ? 1 : -1) }));
    expect(slope(points)).toBeCloseTo(2);
  });

  test('is 0 where nothing moves', () => {
    expect(slope([{ x: 1, y: 9 }])).toBe(0);
  });
});
