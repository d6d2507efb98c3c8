/** The measurements as text. MB are 10^6 bytes. */
import type { FlushPolicy } from './receive-options.ts';
import { ratios, type Spread, spread } from './statistics.ts';
import type { Measurement } from './timed-run.ts';

/** The two runs of a pair. */
export interface Pair {
  readonly peer: Measurement;
  readonly ours: Measurement;
}

/** Everything that was measured with one flush policy. */
export interface Series {
  readonly flush: FlushPolicy;
  /** Volume of one run, in bytes. */
  readonly bytes: number;
  /** At least one. */
  readonly pairs: readonly Pair[];
}

interface Column {
  readonly title: string;
  readonly digits: number;
  readonly value: (run: Measurement, bytes: number) => number;
}

const columns: readonly Column[] = [
  { title: 'wall s', digits: 2, value: (run) => run.wallSeconds },
  { title: 'MB/s', digits: 0, value: (run, bytes) => bytes / 1e6 / run.wallSeconds },
  { title: 'stream s', digits: 2, value: (run) => run.streamSeconds },
  { title: 'CPU s', digits: 2, value: (run) => run.cpuSeconds },
  { title: 'peak MB', digits: 0, value: (run) => run.peakBytes / 1e6 },
];

const titles: Readonly<Record<FlushPolicy, string>> = {
  segment: 'flush at the end of each segment: pg_receivewal, walvault with flush = segment',
  continuous: 'flush all the time: pg_receivewal --synchronous, walvault with flush = continuous',
};

/** The greatest wall time of ours as a share of the peer's, and the greatest peak of memory in bytes, that walvault aims at. */
const targets = { wallRatio: 1, peakBytes: 150_000_000 };

/** Each pair, then the medians with the least and the greatest value, then whether the targets are met. */
export function formatSeries(series: Series): string {
  const head = ['pair', 'program', ...columns.map((column) => column.title)];
  const rows = [head, ...series.pairs.flatMap((pair, index) => pairRows(pair, series.bytes, String(index + 1)))];
  return [titles[series.flush], '', alignColumns(rows), '', alignColumns(summaryRows(series)), '', ...verdicts(series)].join(
    '\n',
  );
}

function pairRows({ peer, ours }: Pair, bytes: number, number: string): readonly (readonly string[])[] {
  const cells = (run: Measurement) => columns.map((column) => column.value(run, bytes).toFixed(column.digits));
  const ratio = columns.map((column) => quotient(column.value(ours, bytes), column.value(peer, bytes)));
  return [
    [number, 'pg_receivewal', ...cells(peer)],
    [number, 'walvault', ...cells(ours)],
    [number, 'ratio', ...ratio],
  ];
}

function summaryRows({ pairs, bytes }: Series): readonly (readonly string[])[] {
  const head = ['median (min..max)', 'pg_receivewal', 'walvault', 'ratio'];
  const rows = columns.map((column) => {
    const [ours, peer] = [
      pairs.map((pair) => column.value(pair.ours, bytes)),
      pairs.map((pair) => column.value(pair.peer, bytes)),
    ];
    return [column.title, ...[peer, ours].map((values) => spreadText(spread(values), column.digits)), ratioText(ours, peer)];
  });
  return [head, ...rows];
}

function verdicts({ pairs }: Series): readonly string[] {
  const wall = spread(
    ratios(
      pairs.map((pair) => pair.ours.wallSeconds),
      pairs.map((pair) => pair.peer.wallSeconds),
    ),
  );
  const peak = Math.max(...pairs.map((pair) => pair.ours.peakBytes));
  return [
    `target wall ratio <= ${targets.wallRatio.toFixed(2)}: ${verdict(wall.median <= targets.wallRatio)} (median ${wall.median.toFixed(2)})`,
    `target peak memory <= ${targets.peakBytes / 1e6} MB: ${verdict(peak <= targets.peakBytes)} (greatest ${(peak / 1e6).toFixed(0)} MB)`,
  ];
}

function verdict(isMet: boolean): string {
  return isMet ? 'met' : 'MISSED';
}

function spreadText({ median, min, max }: Spread, digits: number): string {
  return `${median.toFixed(digits)} (${min.toFixed(digits)}..${max.toFixed(digits)})`;
}

/** A run that is too short for the kernel's clock has used no processor time that could be compared. */
function ratioText(ours: readonly number[], peer: readonly number[]): string {
  return peer.every((value) => value > 0) ? spreadText(spread(ratios(ours, peer)), 2) : '-';
}

function quotient(ours: number, peer: number): string {
  return peer > 0 ? (ours / peer).toFixed(2) : '-';
}

/** The first column to the left where it is text, the names of programs too, everything else to the right. */
function alignColumns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, index) => Math.max(...rows.map((row) => row[index]?.length ?? 0)));
  const isText = (index: number) => rows.every((row) => !/^[\d-]/.test(row[index] ?? ''));
  const lines = rows.map((row) =>
    row.map((cell, index) => (isText(index) ? cell.padEnd(widths[index] ?? 0) : cell.padStart(widths[index] ?? 0))),
  );
  return lines.map((cells) => `  ${cells.join('  ').trimEnd()}`).join('\n');
}
