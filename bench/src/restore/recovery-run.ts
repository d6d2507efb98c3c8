/** One recovery of a copy of the base backup, from the first question to the last, by the server's own log. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Cluster, runAsServerUser, startExisting } from '@walvault/testkit';
import { BenchFailure } from '../failure.ts';
import { receivingDirectory } from '../receiving-directory.ts';
import type { RecoveryStock } from './recovery-stock.ts';
import type { Restorer } from './restorers.ts';

/** What one took. */
export interface RecoveryRun {
  /** From the start of the recovery until the archive had no more. */
  readonly wallSeconds: number;
  /** Processor time that all processes of the machine have used meanwhile, in seconds. */
  readonly cpuSeconds: number;
  /** Where the recovered server left the timeline of the first: how far it came. */
  readonly end: string;
}

const settleMs = 1000;
const longestMs = 1_800_000;

/**
 * Recovers through one of the programs.
 * @throws {BenchFailure} when the server stops, or has not got every segment from the archive
 */
export async function recoveryRun(stock: RecoveryStock, restorer: Restorer, fsync: boolean): Promise<RecoveryRun> {
  await using home = await receivingDirectory(stock.home);
  const dataDirectory = join(home.path, 'data');
  await runAsServerUser(['cp', '-a', stock.backup, dataDirectory], { timeoutMs: longestMs });
  const restore_command = await restorer.restoreCommand({ dataDirectory, home: home.path });
  await runAsServerUser(['sync', '-f', home.path], { timeoutMs: longestMs });
  await sleep(settleMs);
  const before = await machineCpuSeconds();
  const settings = { restore_command, fsync, max_wal_size: '20GB', shared_buffers: '256MB', log_min_messages: 'log' };
  await using server = await startExisting(dataDirectory, { recover: 'recovery', settings, startTimeoutMs: longestMs });
  await server.waitFor('select not pg_is_in_recovery()', longestMs);
  const cpuSeconds = (await machineCpuSeconds()) - before;
  const log = await server.log();
  const restored = [...log.matchAll(/restored log file "[0-9A-F]{24}" from archive/g)].length;
  if (restored < stock.names.length) {
    throw new BenchFailure(`${restorer.name} gave ${restored} of ${stock.names.length} segments:\n${log.slice(-2000)}`);
  }
  return { wallSeconds: recoverySeconds(log), cpuSeconds, end: await endOfTimeline(server) };
}

/** Between two lines of the log, which bear milliseconds. */
export function recoverySeconds(log: string): number {
  const [start, end] = [/^(.{23}) UTC .*starting (?:archive|backup) recovery/m, /^(.{23}) UTC .*archive recovery complete/m].map(
    (pattern) => Date.parse(`${pattern.exec(log)?.[1]?.replace(' ', 'T')}Z`),
  ) as [number, number];
  if (!(end > start)) throw new BenchFailure(`the log does not tell how long the recovery took:\n${log.slice(-2000)}`);
  return (end - start) / 1000;
}

async function endOfTimeline(server: Cluster): Promise<string> {
  const history = await readFile(join(server.walDirectory, '00000002.history'), 'utf8');
  return /^1\t(\S+)/m.exec(history)?.[1] ?? 'unknown';
}

/** The first line of /proc/stat: in hundredths of a second, idle and waiting left out. */
async function machineCpuSeconds(): Promise<number> {
  const [line = ''] = (await readFile('/proc/stat', 'latin1')).split('\n');
  const [user = 0, nice = 0, system = 0] = line.split(/\s+/).slice(1).map(Number);
  return (user + nice + system) / 100;
}
