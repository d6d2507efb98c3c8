/** `bench run`: many servers in one `walvault run`, half of them down, one slow, one flooding. */
import { existsSync } from 'node:fs';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { bulkLoad, type RunningProgram, startAsServerUser } from '@walvault/testkit';
import { walvaultProgram } from '../built-program.ts';
import { majorOption, programOption } from '../common-options.ts';
import { BenchFailure } from '../failure.ts';
import { describeMachine, formatMachine } from '../machine.ts';
import { numberOption, type OptionValues, wholeNumberOption } from '../options.ts';
import { readProcessUsage } from '../process-usage.ts';
import { scenario, type Voice } from '../scenario.ts';
import { type Fleet, flooding, leastServers, slow, startFleet } from './fleet.ts';
import { formatRun, type RunResult } from './report.ts';

const options = {
  servers: wholeNumberOption({ help: 'how many servers, half of them down', fallback: 50, least: leastServers, most: 500 }),
  seconds: numberOption({ help: 'how long to watch while nothing happens', fallback: 30, least: 1, most: 3600 }),
  settle: numberOption({ help: 'seconds before that', fallback: 10, least: 0, most: 3600 }),
  'flood-mb': numberOption({ help: 'how much the flooding server writes, in MiB', fallback: 1024, least: 16, most: 100_000 }),
  major: majorOption,
  program: programOption,
};

type RunOptions = OptionValues<typeof options>;

const startMs = 60_000;
/** Bytes a second of the slow server. */
const slowPace = 64 * 1024;

export const run = scenario({
  name: 'run',
  summary: 'One `walvault run` with many servers: memory, idle processor time, fair progress beside a flood, a crash of one.',
  options,
  measure: measureRun,
});

/** Measures and reports; gives what it measured. */
export async function measureRun(given: RunOptions, voice: Voice): Promise<RunResult> {
  const { main } = walvaultProgram(given.program);
  await using fleet = await startFleet(given);
  const argv = [process.execPath, main, '-c', fleet.configFile, 'run'];
  await using program = await startAsServerUser(argv, { env: { UV_THREADPOOL_SIZE: '32' } });
  voice.progress(`waiting until ${fleet.quiet.length + 2} servers stream`);
  await untilAll([...fleet.quiet, flooding, slow], (name) => isStreaming(fleet, name), program);
  voice.progress(`watching for ${given.settle + given.seconds} s`);
  await sleep(given.settle * 1000);
  const idle = await watchIdle(program, given.seconds);
  const alone = await segmentMs(fleet, program);
  voice.progress(`a flood of ${given['flood-mb']} MiB, and a server at ${slowPace / 1024} KiB/s`);
  fleet.proxy.throttle(slowPace);
  const flood = await measureFlood(fleet, program, given['flood-mb']);
  voice.progress('a crash of one receiver');
  const crash = await crashOne(fleet, program);
  const peakBytes = usageOf(program).peakBytes;
  const stopMs = await stop(program);
  const result = { servers: given.servers, ...idle, aloneMs: alone, ...flood, ...crash, peakBytes, stopMs };
  voice.report(`${formatMachine(await describeMachine(fleet.home))}\n\n${formatRun(result, given.seconds)}`);
  return result;
}

async function watchIdle(program: RunningProgram, seconds: number): Promise<Pick<RunResult, 'idleCpuPercent' | 'idleBytes'>> {
  const [before, startedAtMs] = [usageOf(program), performance.now()];
  await sleep(seconds * 1000);
  const after = usageOf(program);
  const elapsed = (performance.now() - startedAtMs) / 1000;
  return { idleCpuPercent: ((after.cpuSeconds - before.cpuSeconds) / elapsed) * 100, idleBytes: after.residentBytes };
}

type Flood = Pick<RunResult, 'floodMegabytesPerSecond' | 'besideMs' | 'slowMegabytes'>;

/** Meanwhile the quiet servers complete a segment now and then; the last one of them to archive it counts. */
async function measureFlood(fleet: Fleet, program: RunningProgram, megabytes: number): Promise<Flood> {
  const [slowBefore, startedAtMs] = [await receivedBytes(fleet, slow), performance.now()];
  const over = new AbortController();
  const flood = bulkLoad(fleet.floodingCluster, megabytes).finally(() => over.abort());
  const beside: number[] = [];
  while (!over.signal.aborted) beside.push(await segmentMs(fleet, program));
  await flood;
  const end = await fleet.floodingCluster.value('select pg_walfile_name(pg_switch_wal())');
  await untilAll([flooding], async (name) => isArchived(fleet, name, end ?? ''), program);
  const seconds = (performance.now() - startedAtMs) / 1000;
  const slowMegabytes = ((await receivedBytes(fleet, slow)) - slowBefore) / 1024 ** 2;
  return { floodMegabytesPerSecond: megabytes / seconds, besideMs: beside, slowMegabytes };
}

/** From the end of a segment of the quiet cluster until the last of its receivers has it in the archive, in milliseconds. */
async function segmentMs(fleet: Fleet, program: RunningProgram): Promise<number> {
  await fleet.quietCluster.query(`select pg_logical_emit_message(true, 'bench', 'segment')`);
  const startedAtMs = performance.now();
  const name = await fleet.quietCluster.value('select pg_walfile_name(pg_switch_wal())');
  await untilAll(fleet.quiet, async (server) => isArchived(fleet, server, name ?? ''), program);
  return performance.now() - startedAtMs;
}

/** Takes the directory of one receiver away, waits until it has crashed, gives it back, and waits until it streams again. */
async function crashOne(fleet: Fleet, program: RunningProgram): Promise<Pick<RunResult, 'crashes' | 'otherRestarts' | 'backMs'>> {
  const [victim = ''] = fleet.quiet;
  const others = [...fleet.quiet.slice(1), flooding];
  const before = await Promise.all(others.map((name) => lives(fleet, name)));
  const streaming = join(fleet.home, victim, 'streaming');
  await rename(streaming, `${streaming}.aside`);
  await writeFile(streaming, '');
  for (let times = 0; times < 3; times += 1)
    await fleet.quietCluster.query(`select pg_switch_wal(), pg_logical_emit_message(true, 'bench', 'crash')`);
  await untilAll([victim], async (name) => (await restarts(fleet, name)) > 0, program);
  await rm(streaming);
  await rename(`${streaming}.aside`, streaming);
  const startedAtMs = performance.now();
  await untilAll([victim], (name) => isStreaming(fleet, name), program);
  const backMs = performance.now() - startedAtMs;
  const after = await Promise.all(others.map((name) => lives(fleet, name)));
  const otherRestarts = after.filter((life, index) => life !== before[index]).length;
  return { crashes: await restarts(fleet, victim), otherRestarts, backMs };
}

/** SIGTERM, and the time until it has ended. @throws {BenchFailure} when it ends otherwise than well */
async function stop(program: RunningProgram): Promise<number> {
  const startedAtMs = performance.now();
  const { code, signal, stderr } = await program.kill('SIGTERM');
  if (code !== 0) throw new BenchFailure(`walvault run ended with ${code ?? signal}\n${stderr.slice(-4000)}`);
  return performance.now() - startedAtMs;
}

async function untilAll(
  names: readonly string[],
  isSo: (name: string) => Promise<boolean>,
  program: RunningProgram,
): Promise<void> {
  const deadline = performance.now() + startMs;
  for (const name of names) {
    while (!(await isSo(name))) {
      if (!program.running) throw new BenchFailure(`walvault run has ended\n${program.stderr.slice(-4000)}`);
      if (performance.now() > deadline) throw new BenchFailure(`nothing happens for ${name}\n${program.stderr.slice(-4000)}`);
      await sleep(10);
    }
  }
}

function usageOf(program: RunningProgram): NonNullable<ReturnType<typeof readProcessUsage>> {
  const usage = readProcessUsage(program.pid);
  if (usage === undefined) throw new BenchFailure(`walvault run has ended\n${program.stderr.slice(-4000)}`);
  return usage;
}

function isArchived(fleet: Fleet, server: string, name: string): boolean {
  return existsSync(join(fleet.home, server, 'wals', name.slice(0, 16), name));
}

async function isStreaming(fleet: Fleet, server: string): Promise<boolean> {
  return (await stateOf(fleet, server, 'receive-wal.json'))?.['phase'] === 'streaming';
}

async function receivedBytes(fleet: Fleet, server: string): Promise<number> {
  return Number((await stateOf(fleet, server, 'receive-wal.json'))?.['receivedBytes'] ?? 0);
}

/** Changes with each start of the receiver and each new stream. */
async function lives(fleet: Fleet, server: string): Promise<string> {
  const state = await stateOf(fleet, server, 'receive-wal.json');
  return `${String(state?.['startedAt'])} ${String(state?.['reconnects'])}`;
}

async function restarts(fleet: Fleet, server: string): Promise<number> {
  const receiver = (await stateOf(fleet, server, 'run.json'))?.['receiver'] as { readonly restarts: number } | undefined;
  return receiver?.restarts ?? 0;
}

async function stateOf(fleet: Fleet, server: string, file: string): Promise<Readonly<Record<string, unknown>> | undefined> {
  const text = await readFile(join(fleet.home, server, file), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as Record<string, unknown>);
}
