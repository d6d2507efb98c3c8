/** What `bench run` says. */
import { alignColumns } from '../table.ts';
import { formatTarget } from '../target.ts';

/** What was measured. */
export interface RunResult {
  readonly servers: number;
  /** Of one processor, while half of the servers stream and nothing happens. */
  readonly idleCpuPercent: number;
  readonly idleBytes: number;
  /** Most resident memory since the start, the flood included. */
  readonly peakBytes: number;
  /** From the end of a segment of all quiet servers until the last of them is archived, in milliseconds: while nothing else happens, */
  readonly aloneMs: number;
  /** and, one after another, while one server floods and one is slow. */
  readonly besideMs: readonly number[];
  readonly floodMegabytesPerSecond: number;
  /** What the slow one has received meanwhile, in MiB. */
  readonly slowMegabytes: number;
  /** How often the receiver that was made to crash was started again. */
  readonly crashes: number;
  /** How many others were started again, or have lost their stream. */
  readonly otherRestarts: number;
  /** From the end of the trouble until it streams, in milliseconds. */
  readonly backMs: number;
  /** From SIGTERM to the end, in milliseconds. */
  readonly stopMs: number;
}

const peakTargetMegabytes = 250;
const idleTargetPercent = 3;

/** The table, and whether the targets are met. */
export function formatRun(result: RunResult, seconds: number): string {
  const { servers, besideMs, floodMegabytesPerSecond, slowMegabytes, crashes, otherRestarts } = result;
  const rows = [
    ['servers, half of them down', String(servers)],
    ['resident memory while idle, MB', megabytes(result.idleBytes)],
    ['most resident memory, MB', megabytes(result.peakBytes)],
    ['idle CPU, % of a core', result.idleCpuPercent.toFixed(2)],
    ['a segment of all quiet servers until archived, ms', result.aloneMs.toFixed(0)],
    [
      `the same beside the flood, ms (median and most of ${besideMs.length})`,
      `${median(besideMs).toFixed(0)}, ${Math.max(0, ...besideMs).toFixed(0)}`,
    ],
    ['flood received and archived, MiB/s', floodMegabytesPerSecond.toFixed(1)],
    ['received by the slow one meanwhile, MiB', slowMegabytes.toFixed(2)],
    ['starts of the receiver that crashed', String(crashes)],
    ['others that were touched by that', String(otherRestarts)],
    ['streaming again after, ms', result.backMs.toFixed(0)],
    ['SIGTERM until the end, ms', result.stopMs.toFixed(0)],
  ];
  const targets = [
    {
      what: 'most resident memory, MB',
      bound: { atMost: peakTargetMegabytes },
      value: result.peakBytes / 1e6,
      taken: 'most',
      digits: 0,
    },
    {
      what: 'idle CPU, % of a core',
      bound: { atMost: idleTargetPercent },
      value: result.idleCpuPercent,
      taken: `mean of ${seconds} s,`,
      digits: 2,
    },
    { what: 'others touched by a crash', bound: { atMost: 0 }, value: otherRestarts, taken: 'count', digits: 0 },
  ];
  return [alignColumns([['what', 'figure'], ...rows]), '', ...targets.map(formatTarget)].join('\n');
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
