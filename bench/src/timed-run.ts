/**
 * One program receives the backlog once, and is watched from outside in a way that is the same for all: every few milliseconds
 * a look whether the last segment has its final name, and at /proc for what the process has used.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type RunningProgram, runAsServerUser, startAsServerUser, temporaryDirectory } from '@walvault/testkit';
import type { Backlog } from './backlog.ts';
import type { Contender } from './contenders.ts';
import { BenchFailure } from './failure.ts';
import { type ProcessUsage, readProcessUsage } from './process-usage.ts';
import type { FlushPolicy } from './receive-options.ts';
import { completeSegments, firstDifference, hashSegments } from './segment-hashes.ts';

/** What one run took. */
export interface Measurement {
  /** From the start of the process until the last segment had its final name, in seconds. */
  readonly wallSeconds: number;
  /** The part of it from the first file on: without the start of the program and the connecting. */
  readonly streamSeconds: number;
  /** Processor time of the process up to its end, in seconds. */
  readonly cpuSeconds: number;
  /** Most resident memory, in bytes. */
  readonly peakBytes: number;
}

const pollMs = 5;
const slowestBytesPerSecond = 2_000_000;
const startSeconds = 60;
/** Deleted files of the run before may still be trimmed by the disk behind our back. */
const settleMs = 1000;

/**
 * Runs a program over the whole backlog, into fresh directories, and checks each byte of what it has received.
 * @throws {BenchFailure} when it fails, takes for ever, or leaves segments that are not those of the server
 */
export async function timedRun(contender: Contender, backlog: Backlog, flush: FlushPolicy): Promise<Measurement> {
  await using target = await temporaryDirectory('received');
  await using home = await temporaryDirectory('home');
  await using slot = await backlog.slot();
  const task = { directory: target.path, home: home.path, slotName: slot.name, endLsn: backlog.endLsn, flush };
  const { argv, env } = await contender.prepare({ ...task, conninfo: backlog.cluster.conninfo({ dbname: undefined }) });
  await settleDisk(target.path);
  const startedAt = performance.now();
  await using program = await startAsServerUser(argv, { env });
  const measurement = await watch(program, startedAt, { contender, backlog, directory: target.path });
  const received = await hashSegments(target.path, await completeSegments(target.path));
  const difference = firstDifference(received, backlog.hashes);
  if (difference !== undefined) throw new BenchFailure(`${contender.name} did not receive what the server has: ${difference}`);
  return measurement;
}

/** So that no run pays for what was written or deleted before it. */
async function settleDisk(directory: string): Promise<void> {
  await runAsServerUser(['sync', '-f', directory], { timeoutMs: 600_000 });
  await sleep(settleMs);
}

interface Watched {
  readonly contender: Contender;
  readonly backlog: Backlog;
  readonly directory: string;
}

async function watch(program: RunningProgram, startedAt: number, run: Watched): Promise<Measurement> {
  const last = join(run.directory, run.backlog.lastSegment);
  const giveUpAt = startedAt + (startSeconds + run.backlog.bytes / slowestBytesPerSecond) * 1000;
  let usage: ProcessUsage = { cpuSeconds: 0, peakBytes: 0 };
  let firstFileAt: number | undefined;
  let doneAt: number | undefined;
  while (program.running) {
    usage = readProcessUsage(program.pid) ?? usage;
    const now = performance.now();
    if (firstFileAt === undefined && readdirSync(run.directory).length > 0) firstFileAt = now;
    if (doneAt === undefined && existsSync(last)) {
      doneAt = now;
      if (!run.contender.endsByItself) program.signal('SIGTERM');
    }
    if (now > giveUpAt) throw new BenchFailure(`${run.contender.name} is not done in time\n${program.stderr}`);
    await sleep(pollMs);
  }
  const { code, signal, stderr } = await program.exited;
  if (code !== 0) throw new BenchFailure(`${run.contender.name} ended with ${code ?? signal}\n${stderr}`);
  // a program that ends by itself may have done so between two looks
  doneAt ??= existsSync(last) ? performance.now() : undefined;
  if (doneAt === undefined) throw new BenchFailure(`${run.contender.name} ended before the last segment\n${stderr}`);
  return {
    ...usage,
    wallSeconds: (doneAt - startedAt) / 1000,
    streamSeconds: (doneAt - (firstFileAt ?? startedAt)) / 1000,
  };
}
