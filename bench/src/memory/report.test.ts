import { describe, expect, test } from 'vitest';
import { formatLongStream, formatSlowDisk } from './report.ts';

/** A stream of 10 GB in 100 s, looked at each second. */
function stream(residentMb: (second: number) => number) {
  return Array.from({ length: 101 }, (_, second) => {
    const residentBytes = residentMb(second) * 1e6;
    return { atMs: second * 1000, streamedBytes: second * 1e8, residentBytes, peakBytes: residentBytes + 1e6 };
  });
}

describe('formatLongStream', () => {
  test('shows memory at each tenth of what was streamed, and that it does not grow', () => {
    const lines = formatLongStream(stream((second) => (second < 30 ? 60 + second : 90))).split('\n');
    expect(lines[0]).toBe('10.0 GB streamed by one process in 100 s');
    expect(lines[2]).toBe('    GB  resident MB  peak MB');
    expect(lines[3]).toBe('   1.0         70.0     71.0');
    expect(lines[12]).toBe('  10.0         90.0     91.0');
    expect(lines.slice(14)).toEqual([
      'target growth MB over the second half <= 10.0: met (by a straight line 0.0)',
      'target peak MB <= 120: met (greatest 91)',
    ]);
  });

  test('finds a leak', () => {
    const text = formatLongStream(stream((second) => 60 + second * 0.7));
    expect(text).toContain('MISSED (by a straight line 35.0)');
    expect(text).toContain('target peak MB <= 120: MISSED (greatest 131)');
  });
});

test('formatSlowDisk says how fast the stream was', () => {
  const lines = formatSlowDisk(
    stream(() => 90),
    20,
  ).split('\n');
  expect(lines[0]).toBe('a fast server and a disk of 20 MB/s: 10000 MB in whole segments, 100 MB/s');
  expect(lines[2]).toBe('    s  resident MB  peak MB');
  expect(lines[3]).toBe('   10         90.0     91.0');
});
