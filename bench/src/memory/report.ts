/** The measurements of `bench memory` as text, and what they should be. */
import { slope } from '../statistics.ts';
import { alignColumns } from '../table.ts';
import { formatTarget, type Target } from '../target.ts';
import type { MemorySample } from './memory-samples.ts';

const peakTargetMb = 120;
/** By so much memory may grow over the second half of a stream; in the first one a program comes to its working size. */
const growthTargetMb = 10;
const rowCount = 10;

/** Memory at each tenth of a long stream, and how much it grows. */
export function formatLongStream(samples: readonly MemorySample[]): string {
  const end = samples.at(-1);
  const title = `${gigabytes(end as MemorySample).toFixed(1)} GB streamed by one process in ${seconds(end).toFixed(0)} s`;
  return format(title, samples, { unit: 'GB', digits: 1, of: gigabytes });
}

/** Memory at each tenth of the time with a slow disk. The rate shows that the disk was what the stream waited for. */
export function formatSlowDisk(samples: readonly MemorySample[], diskMegabytes: number): string {
  const end = samples.at(-1);
  const megabytes = (end?.streamedBytes ?? 0) / 1e6;
  const rate = `${megabytes.toFixed(0)} MB in whole segments, ${(megabytes / seconds(end)).toFixed(0)} MB/s`;
  const title = `a fast server and a disk of ${diskMegabytes} MB/s: ${rate}`;
  return format(title, samples, { unit: 's', digits: 0, of: (sample) => sample.atMs / 1000 });
}

interface Axis {
  readonly unit: string;
  readonly digits: number;
  readonly of: (sample: MemorySample) => number;
}

function format(title: string, samples: readonly MemorySample[], axis: Axis): string {
  const last = axis.of(samples.at(-1) as MemorySample);
  const rows = Array.from({ length: rowCount }, (_, index) => {
    const sample = samples.find((candidate) => axis.of(candidate) >= (last * (index + 1)) / rowCount) ?? samples.at(-1);
    return row(sample as MemorySample, axis);
  });
  return [
    title,
    '',
    alignColumns([[axis.unit, 'resident MB', 'peak MB'], ...rows]),
    '',
    ...targets(samples, axis).map(formatTarget),
  ].join('\n');
}

function row(sample: MemorySample, axis: Axis): readonly string[] {
  const megabytes = [sample.residentBytes, sample.peakBytes].map((bytes) => (bytes / 1e6).toFixed(1));
  return [axis.of(sample).toFixed(axis.digits), ...megabytes];
}

function targets(samples: readonly MemorySample[], { of }: Axis): readonly Target[] {
  const last = of(samples.at(-1) as MemorySample);
  const settled = samples.filter((sample) => of(sample) >= last / 2);
  const points = settled.map((sample) => ({ x: of(sample), y: sample.residentBytes / 1e6 }));
  const growth = (slope(points) * last) / 2;
  const peak = Math.max(...samples.map(({ peakBytes }) => peakBytes)) / 1e6;
  return [
    {
      what: 'growth MB over the second half',
      bound: { atMost: growthTargetMb },
      value: growth,
      taken: 'by a straight line',
      digits: 1,
    },
    { what: 'peak MB', bound: { atMost: peakTargetMb }, value: peak, taken: 'greatest', digits: 0 },
  ];
}

function seconds(sample: MemorySample | undefined): number {
  return (sample?.atMs ?? 0) / 1000;
}

function gigabytes({ streamedBytes }: MemorySample): number {
  return streamedBytes / 1e9;
}
