/** The report of `bench status-page`. */
import { alignColumns } from '../table.ts';
import { percentile, spread } from '../statistics.ts';
import { formatTarget, type Target } from '../target.ts';
import type { AnswerTimes } from './answer-times.ts';
import type { PageTimes } from './in-browser.ts';

/** What was measured. */
export interface StatusPageResult {
  readonly servers: number;
  readonly segments: number;
  /** Answers while all servers are looked at for the first time, and then while it is watched in a browser; milliseconds. */
  readonly firstLooks: readonly number[];
  readonly later: readonly number[];
  /** From the start until the large archive was looked at. */
  readonly surveyedMs: number;
  readonly answers: readonly AnswerTimes[];
  readonly page: PageTimes;
  readonly residentBytes: number;
  readonly peakBytes: number;
  /** Of one core, while all is as ever and nobody watches. */
  readonly idleCpuPercent: number;
}

const answerTargetMs = 100;
const firstPaintTargetMs = 1000;
const taskTargetMs = 200;
const busyTargetMs = 200;

/** Tables, then whether the targets are met. */
export function formatStatusPage(result: StatusPageResult): string {
  const { servers, segments, surveyedMs, answers, page, idleCpuPercent } = result;
  const slowest = Math.max(...answers.map(({ milliseconds }) => spread(milliseconds).median));
  const targets: readonly Target[] = [
    { what: 'slowest answer, ms', bound: { atMost: answerTargetMs }, value: slowest, taken: 'median', digits: 1 },
    { what: 'first paint, ms', bound: { atMost: firstPaintTargetMs }, value: page.firstPaint, taken: 'once', digits: 0 },
    { what: 'longest task of the page, ms', bound: { atMost: taskTargetMs }, value: page.longestTask, taken: 'once', digits: 0 },
    busyTarget('while all is looked at for the first time', result.firstLooks),
    busyTarget('later', result.later),
  ];
  return [
    `${servers} servers, of which one has ${segments} segments`,
    '',
    alignColumns([['question', 'bytes', 'median ms', 'least', 'greatest'], ...answers.map(rowOf)]),
    '',
    alignColumns([
      ['the page', 'ms'],
      ['first paint', page.firstPaint.toFixed(0)],
      ['all servers seen', page.allServers.toFixed(0)],
      ['map of the large archive', page.map.toFixed(0)],
      ['longest task', page.longestTask.toFixed(0)],
    ]),
    '',
    alignColumns([
      ['the process', ''],
      ['large archive looked at after, s', (surveyedMs / 1000).toFixed(1)],
      ['resident MB, most', `${megabytes(result.residentBytes)}, ${megabytes(result.peakBytes)}`],
      ['CPU, % of a core', idleCpuPercent.toFixed(1)],
      ...latencyRows('first looks', result.firstLooks),
      ...latencyRows('later', result.later),
    ]),
    '',
    ...targets.map(formatTarget),
  ].join('\n');
}

function busyTarget(when: string, milliseconds: readonly number[]): Target {
  const value = Math.max(...milliseconds);
  return { what: `main thread busy ${when}, ms`, bound: { atMost: busyTargetMs }, value, taken: 'greatest', digits: 0 };
}

function latencyRows(when: string, milliseconds: readonly number[]): readonly (readonly string[])[] {
  const sorted = milliseconds.toSorted((a, b) => a - b);
  const [p50, p99, most] = [percentile(sorted, 0.5), percentile(sorted, 0.99), percentile(sorted, 1)];
  return [[`/healthz, ${when}: p50, p99, most of ${sorted.length}, ms`, [p50, p99, most].map((ms) => ms.toFixed(1)).join(', ')]];
}

function rowOf({ path, bytes, milliseconds }: AnswerTimes): readonly string[] {
  const { median, min, max } = spread(milliseconds);
  return [path, String(bytes), ...[median, min, max].map((ms) => ms.toFixed(1))];
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}
