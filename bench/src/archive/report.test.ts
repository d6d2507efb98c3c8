import { expect, test } from 'vitest';
import { formatArchiveSeries } from './report.ts';

const barman = { wallSeconds: 16, cpuSeconds: 15, storedBytes: 100e6 };

test('gzip should take a fifth of the time of Barman, zstd an eighth and less room', () => {
  const gzip = { wallSeconds: 3, cpuSeconds: 5, storedBytes: 100e6 };
  const zstd = { wallSeconds: 2.5, cpuSeconds: 4, storedBytes: 90e6 };
  const text = formatArchiveSeries({ bytes: 1e9, codecs: ['gzip', 'zstd'], rounds: [[barman, gzip, zstd]] });
  expect(text).toMatch(/1 {2}walvault zstd +2\.50 +400 +4\.00 +90\.0/);
  expect(text.split('\n').filter((line) => line.startsWith('target'))).toEqual([
    'target wall ratio gzip <= 0.200: met (median 0.188)',
    'target wall ratio zstd <= 0.125: MISSED (median 0.156)',
    'target archived bytes ratio zstd <= 1.000: met (median 0.900)',
  ]);
});

test('other compressions have no target', () => {
  expect(formatArchiveSeries({ bytes: 1e9, codecs: ['lz4'], rounds: [[barman, barman]] })).not.toContain('target');
});
