/**
 * A command from its start to its end. The shell around it counts the processor time of all its descendants (times(1) of
 * POSIX, in hundredths of a second): some programs leave the work to others that they start.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runAsServerUser, temporaryDirectory } from '@walvault/testkit';
import type { Launch } from './contenders.ts';
import { BenchFailure } from './failure.ts';

/** What a command took. */
export interface CommandTime {
  /** From its start to its end, in seconds. */
  readonly wallSeconds: number;
  /** Processor time of it and all that it started and waited for, in seconds. */
  readonly cpuSeconds: number;
}

/** Which command, and what to make of what it says. */
export interface TimedCommandOptions extends Launch {
  /** For failures. */
  readonly name: string;
  /** A file that its standard output is written to; the bench reads it otherwise. */
  readonly output?: string | undefined;
  readonly timeoutMs?: number | undefined;
}

const longestMs = 3_600_000;
const script =
  'out=$1 times=$2; shift 2; if [ -n "$out" ]; then "$@" > "$out"; else "$@"; fi; code=$?; times > "$times"; exit $code';

/**
 * Runs a command as the user that servers run as.
 * @throws {BenchFailure} with what it said, when it ends with anything but 0
 */
export async function timedCommand(options: TimedCommandOptions): Promise<CommandTime> {
  await using directory = await temporaryDirectory('times');
  const times = join(directory.path, 'times');
  const argv = ['sh', '-c', script, 'sh', options.output ?? '', times, ...options.argv];
  const startedAtMs = performance.now();
  const result = await runAsServerUser(argv, { env: options.env, timeoutMs: options.timeoutMs ?? longestMs });
  const wallSeconds = (performance.now() - startedAtMs) / 1000;
  const { code, signal, stdout, stderr } = result;
  if (code !== 0) throw new BenchFailure(`${options.name} ended with ${code ?? signal}\n${stdout}${stderr}`);
  return { wallSeconds, cpuSeconds: cpuSecondsOf(await readFile(times, 'latin1')) };
}

/** The second line of what `times` prints is about descendants: `0m1.230000s 0m0.450000s`, in user and in kernel mode. */
export function cpuSecondsOf(times: string): number {
  const [, descendants = ''] = times.split('\n');
  const spans = [...descendants.matchAll(/(\d+)m([\d.]+)s/g)];
  if (spans.length !== 2) throw new BenchFailure(`the shell says "${times}" about processor time`);
  return spans.reduce((sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds), 0);
}
