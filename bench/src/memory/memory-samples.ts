/** Resident memory of a process over what it has streamed. */
import { readProcessUsage } from '../process-usage.ts';
import type { ReceiverProcess } from '../receiver-process.ts';

/** One look at a process. */
export interface MemorySample {
  readonly atMs: number;
  /** What it had received by then. */
  readonly streamedBytes: number;
  readonly residentBytes: number;
  readonly peakBytes: number;
}

/** Looks at work; disposing it stops them. */
export interface MemorySampler extends Disposable {
  /** So far, oldest first. */
  readonly samples: readonly MemorySample[];
}

const everyMs = 100;

/** Starts to look at a receiver again and again. @param streamedBytes tells what it has received */
export function sampleMemory({ program }: ReceiverProcess, streamedBytes: () => number): MemorySampler {
  const samples: MemorySample[] = [];
  const startedAtMs = performance.now();
  const timer = setInterval(() => {
    const usage = readProcessUsage(program.pid);
    if (usage === undefined) return;
    const { residentBytes, peakBytes } = usage;
    samples.push({ atMs: performance.now() - startedAtMs, streamedBytes: streamedBytes(), residentBytes, peakBytes });
  }, everyMs);
  return { samples, [Symbol.dispose]: () => clearInterval(timer) };
}
