import { expect, test } from 'vitest';
import { formatStatusPage, type StatusPageResult } from './report.ts';
import { measureStatusPage } from './status-page.ts';

test('the bench asks a small status page all its questions, looks at it in a browser, and reports', async () => {
  const said: string[] = [];
  const voice = { report: (text: string) => said.push(text), progress: () => {} };
  const result = await measureStatusPage({ servers: 3, segments: 300, seconds: 1, program: 'source' }, voice);
  expect(result.answers).toHaveLength(5);
  for (const { bytes } of result.answers) expect(bytes).toBeGreaterThan(200);
  expect(result.page.firstPaint).toBeGreaterThan(0);
  expect(result.page.firstPaint).toBeLessThan(Infinity);
  expect(result.firstLooks.length).toBeGreaterThan(0);
  expect(result.residentBytes).toBeGreaterThan(0);
  expect(said.join('\n')).toMatch(
    /3 servers, of which one has 300 segments[^]*target slowest answer, ms <= 100\.0: (met|MISSED)/,
  );
});

test('what is missed is said, with what was measured', () => {
  const page = { firstPaint: 999, allServers: 1200, map: 800, longestTask: 201 };
  const answers = [{ path: '/metrics', bytes: 300_000, milliseconds: [90, 101, 130] }];
  const use = { residentBytes: 200e6, peakBytes: 300e6, idleCpuPercent: 3 };
  const looks = { firstLooks: [1, 2, 150], later: [3, 250], surveyedMs: 3400 };
  const result: StatusPageResult = { servers: 100, segments: 100_000, answers, page, ...use, ...looks };
  const text = formatStatusPage(result);
  expect(text).toContain('target slowest answer, ms <= 100.0: MISSED (median 101.0)');
  expect(text).toContain('target first paint, ms <= 1000: met (once 999)');
  expect(text).toContain('target longest task of the page, ms <= 200: MISSED (once 201)');
  expect(text).toContain('target main thread busy later, ms <= 200: MISSED (greatest 250)');
});
