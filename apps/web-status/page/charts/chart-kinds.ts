/** What is drawn. */
import type { HistoryMetric } from '../../src/schema/history.ts';
import { formatBytes, formatCount, formatRate } from '../format/bytes.ts';
import { formatMilliseconds, formatSeconds } from '../format/duration.ts';

/** A line of a chart. */
export interface Line {
  readonly metric: HistoryMetric;
  readonly label: string;
}

/** A chart of lines with one unit. */
export interface ChartKind {
  readonly title: string;
  /** One sentence about what it shows. */
  readonly about: string;
  readonly lines: readonly Line[];
  readonly format: (value: number) => string;
  readonly unit: 'bytes' | 'seconds' | 'milliseconds' | 'count';
}

/** All of them, in order. */
export const chartKinds: readonly ChartKind[] = [
  {
    title: 'What could be lost',
    about: 'Age of the oldest commit that is not yet there.',
    lines: [
      { metric: 'rpoDurableSeconds', label: 'durable here' },
      { metric: 'rpoArchivedSeconds', label: 'in the archive' },
    ],
    format: formatSeconds,
    unit: 'seconds',
  },
  {
    title: 'Behind the server',
    about: 'WAL that the server has and each place has not.',
    lines: [
      { metric: 'receivedBehindBytes', label: 'received' },
      { metric: 'flushedBehindBytes', label: 'durable here' },
      { metric: 'archivedBehindBytes', label: 'in the archive' },
    ],
    format: formatBytes,
    unit: 'bytes',
  },
  {
    title: 'Lag as the server measures it',
    about: 'From when WAL was flushed there until the receiver said so of itself.',
    lines: [
      { metric: 'writeLagMs', label: 'written' },
      { metric: 'flushLagMs', label: 'flushed' },
    ],
    format: formatMilliseconds,
    unit: 'milliseconds',
  },
  {
    title: 'WAL received',
    about: 'In a second.',
    lines: [{ metric: 'bytesPerSecond', label: 'received' }],
    format: formatRate,
    unit: 'bytes',
  },
  {
    title: 'Flush latency',
    about: 'How long the disk takes to make WAL durable.',
    lines: [
      { metric: 'flushP50Ms', label: 'half within' },
      { metric: 'flushP99Ms', label: '99 % within' },
    ],
    format: formatMilliseconds,
    unit: 'milliseconds',
  },
  {
    title: 'Replication slot',
    about: 'WAL that the server keeps for the slot, and how much more it may.',
    lines: [
      { metric: 'slotRetainedBytes', label: 'kept' },
      { metric: 'slotSafeBytes', label: 'room left' },
    ],
    format: formatBytes,
    unit: 'bytes',
  },
  {
    title: 'Size of the archive',
    about: 'On disk.',
    lines: [{ metric: 'archiveBytes', label: 'archive' }],
    format: formatBytes,
    unit: 'bytes',
  },
  {
    title: 'Waiting to be archived',
    about: 'Complete segments.',
    lines: [{ metric: 'archiveQueue', label: 'segments' }],
    format: formatCount,
    unit: 'count',
  },
];

/** Periods that can be looked at. */
export const periods = {
  '1h': { title: '1 hour', milliseconds: 3_600_000 },
  '24h': { title: '24 hours', milliseconds: 86_400_000 },
  '7d': { title: '7 days', milliseconds: 7 * 86_400_000 },
  '30d': { title: '30 days', milliseconds: 30 * 86_400_000 },
} as const;

export type Period = keyof typeof periods;
