/**
 * One program receives the backlog once, and is watched from outside in a way that is the same for all: every few milliseconds
 * a look whether the last segment has its final name, and at /proc for what the process has used.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runAsServerUser } from '@walvault/testkit';
import type { FlushPolicy } from '../common-options.ts';
import type { Contender } from '../contenders.ts';
import { BenchFailure } from '../failure.ts';
import { type ProcessUsage, readProcessUsage } from '../process-usage.ts';
import { type ReceiverProcess, startReceiver } from '../receiver-process.ts';
import type { Backlog } from './backlog.ts';
import { completeSegments, firstDifference, hashSegments } from './segment-hashes.ts';

/** What one run took. */
export interface TimedRun {
  /** From the start of the process until the last segment had its final name, in seconds. */
  readonly wallSeconds: number;
  /** The part of it up to the first file: the start of the program, and the connecting. */
  readonly startSeconds: number;
  /** Processor time of the process up to its end, in seconds. */
  readonly cpuSeconds: number;
  /** Most resident memory, in bytes. */
  readonly peakBytes: number;
}

/** How to receive. */
export interface Manner {
  readonly flush: FlushPolicy;
  /** Where the directory of segments is made; beside the server when empty. */
  readonly place: string;
}

const pollMs = 5;
const slowestBytesPerSecond = 2_000_000;
const startMs = 60_000;
/** Deleted files of the run before may still be trimmed by the disk behind our back: so long for so much, and at most. */
const settle = { bytesPerMs: 100_000, mostMs: 1000 };

/**
 * Runs a program over the whole backlog, into fresh directories, and checks each byte of what it has received.
 * @throws {BenchFailure} when it fails, takes for ever, or leaves segments that are not those of the server
 */
export async function timedRun(contender: Contender, backlog: Backlog, { flush, place }: Manner): Promise<TimedRun> {
  const { cluster, endLsn, createSlot } = backlog;
  const manner = { flush, place, endLsn, createSlot };
  const beforeStart = (directory: string) => settleDisk(directory, backlog.bytes);
  await using receiver = await startReceiver({ contender, cluster, name: 'bench_run', beforeStart, ...manner });
  const run = await watch(receiver, backlog);
  const received = await hashSegments(receiver.directory, await completeSegments(receiver.directory));
  const difference = firstDifference(received, backlog.hashes);
  if (difference !== undefined) throw new BenchFailure(`${contender.name} did not receive what the server has: ${difference}`);
  return run;
}

/** So that no run pays for what was written or deleted before it. */
async function settleDisk(directory: string, bytes: number): Promise<void> {
  await runAsServerUser(['sync', '-f', directory], { timeoutMs: 600_000 });
  await sleep(Math.min(settle.mostMs, bytes / settle.bytesPerMs));
}

async function watch({ contender, directory, program, startedAtMs }: ReceiverProcess, backlog: Backlog): Promise<TimedRun> {
  const last = join(directory, backlog.lastSegment);
  const giveUpAtMs = startedAtMs + startMs + (backlog.bytes / slowestBytesPerSecond) * 1000;
  let usage: ProcessUsage = { cpuSeconds: 0, peakBytes: 0, residentBytes: 0 };
  let firstFileAtMs: number | undefined;
  let doneAtMs: number | undefined;
  while (program.running) {
    usage = readProcessUsage(program.pid) ?? usage;
    const nowMs = performance.now();
    if (firstFileAtMs === undefined && readdirSync(directory).length > 0) firstFileAtMs = nowMs;
    if (doneAtMs === undefined && existsSync(last)) {
      doneAtMs = nowMs;
      if (!contender.endsByItself) program.signal(contender.stopSignal);
    }
    if (nowMs > giveUpAtMs) throw new BenchFailure(`${contender.name} is not done in time\n${program.stderr}`);
    await sleep(pollMs);
  }
  const { code, signal, stderr } = await program.exited;
  if (code !== 0) throw new BenchFailure(`${contender.name} ended with ${code ?? signal}\n${stderr}`);
  // a program that ends by itself may have done so between two looks
  doneAtMs ??= existsSync(last) ? performance.now() : undefined;
  if (doneAtMs === undefined) throw new BenchFailure(`${contender.name} ended before the last segment\n${stderr}`);
  const startSeconds = ((firstFileAtMs ?? doneAtMs) - startedAtMs) / 1000;
  const { cpuSeconds, peakBytes } = usage;
  return { cpuSeconds, peakBytes, wallSeconds: (doneAtMs - startedAtMs) / 1000, startSeconds };
}
