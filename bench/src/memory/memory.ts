/** `bench memory`: whether the memory of one stream stays flat, over much WAL, and while the disk is slower than the server. */
import { type Cluster, temporaryDirectory } from '@walvault/testkit';
import { setTimeout as sleep } from 'node:timers/promises';
import { majorOption, programOption, receivingOption } from '../common-options.ts';
import { walvault, type WalvaultOptions } from '../contenders.ts';
import { startCommitServer } from '../commit-server.ts';
import { BenchFailure } from '../failure.ts';
import { describeMachine, formatMachine } from '../machine.ts';
import { numberOption, type OptionValues } from '../options.ts';
import { makeBacklog } from '../receive/backlog.ts';
import { walKinds } from '../receive/wal-kinds.ts';
import { type ReceiverProcess, startReceiver, stopReceiver, untilStreaming } from '../receiver-process.ts';
import { scenario, type Voice } from '../scenario.ts';
import { removeSegments } from '../segment-remover.ts';
import { type MemorySample, sampleMemory } from './memory-samples.ts';
import { formatLongStream, formatSlowDisk } from './report.ts';

const options = {
  gigabytes: numberOption({
    help: 'how much one process streams, in GB; 0 for not at all',
    fallback: 10,
    least: 0,
    most: 10_000,
  }),
  seconds: numberOption({ help: 'how long the disk is slow; 0 for not at all', fallback: 30, least: 0, most: 3600 }),
  'disk-mb': numberOption({ help: 'how much the slow disk takes, in MB/s', fallback: 20, least: 1, most: 1000 }),
  'sync-ms': numberOption({ help: 'how much longer a flush of it takes', fallback: 20, least: 0, most: 10_000 }),
  directory: receivingOption,
  major: majorOption,
  program: programOption,
};

type MemoryOptions = OptionValues<typeof options>;

/** What was seen of the two streams. */
export interface MemoryResult {
  readonly long: readonly MemorySample[];
  readonly slow: readonly MemorySample[];
}

const name = 'bench_memory';
const sliceMegabytes = 32;
/** The server's WAL may run ahead by this, so that the receiver never waits for the next slice. */
const leadBytes = 128 * 1024 * 1024;
const segmentBytes = 16 * 1024 * 1024;

export const memory = scenario({
  name: 'memory',
  summary: 'Memory of walvault over a long stream, and with a disk that is slower than the server.',
  options,
  measure: measureMemory,
});

/** Measures and reports; gives what it measured. */
export async function measureMemory(options: MemoryOptions, voice: Voice): Promise<MemoryResult> {
  await using place = await temporaryDirectory('bench');
  const { version } = walvault(options);
  const machine = await describeMachine(options.directory === '' ? place.path : options.directory);
  voice.report(`${formatMachine(machine)}\nreceiver     walvault ${version}\nunits        MB = 10^6 bytes of resident memory`);
  const long = options.gigabytes === 0 ? [] : await streamLong(options, voice);
  if (long.length > 0) voice.report(`\n${formatLongStream(long)}`);
  const slow = options.seconds === 0 ? [] : await streamSlow(options, voice);
  if (slow.length > 0) voice.report(`\n${formatSlowDisk(slow, options['disk-mb'])}`);
  return { long, slow };
}

/** WAL is made all the time, and segments are taken away as they become complete. */
async function streamLong(options: MemoryOptions, voice: Voice): Promise<readonly MemorySample[]> {
  const settings = { fsync: false, synchronous_commit: 'off', max_wal_size: '2GB', checkpoint_timeout: '5min' };
  await using cluster = await startCommitServer({ major: options.major, settings });
  await walKinds.bulk.prepare(cluster);
  await using receiver = await startStream(options, cluster);
  using remover = removeSegments(receiver.directory);
  using sampler = sampleMemory(receiver, () => remover.completed * segmentBytes);
  let toldGigabytes = 0;
  while (remover.completed * segmentBytes < options.gigabytes * 1e9) {
    await walKinds.bulk.write(cluster, sliceMegabytes);
    await untilNear(receiver);
    const gigabytes = Math.floor((remover.completed * segmentBytes) / 1e9);
    if (gigabytes > toldGigabytes) voice.progress(`${gigabytes} of ${options.gigabytes} GB streamed`);
    toldGigabytes = gigabytes;
  }
  await stopReceiver(receiver);
  return [...sampler.samples];
}

/** The WAL is all there before, so the server sends from memory whatever the receiver takes. */
async function streamSlow(options: MemoryOptions, voice: Voice): Promise<readonly MemorySample[]> {
  const bytesPerSecond = options['disk-mb'] * 1e6;
  const bytes = 2 * bytesPerSecond * options.seconds;
  voice.progress(`making ${(bytes / 1e9).toFixed(1)} GB of WAL for a disk of ${options['disk-mb']} MB/s`);
  await using backlog = await makeBacklog({ major: options.major, bytes, wal: 'bulk' });
  const preload = {
    module: new URL('./slow-disk.ts', import.meta.url).href,
    env: { BENCH_DISK_BYTES_PER_SECOND: String(bytesPerSecond), BENCH_DISK_SYNC_MS: String(options['sync-ms']) },
  };
  await using receiver = await startStream(options, backlog.cluster, { preload, createSlot: backlog.createSlot });
  using remover = removeSegments(receiver.directory);
  using sampler = sampleMemory(receiver, () => remover.completed * segmentBytes);
  await sleep(options.seconds * 1000);
  if (!receiver.program.running) throw new BenchFailure(`walvault ended on a slow disk\n${receiver.program.stderr}`);
  return [...sampler.samples];
}

interface StreamOptions {
  readonly preload?: WalvaultOptions['preload'];
  readonly createSlot?: string;
}

async function startStream(
  { directory, program }: MemoryOptions,
  cluster: Cluster,
  { preload, createSlot }: StreamOptions = {},
): Promise<ReceiverProcess> {
  const manner = { name, flush: 'continuous', place: directory, createSlot } as const;
  await using stack = new AsyncDisposableStack();
  const receiver = stack.use(await startReceiver({ contender: walvault({ program, preload }), cluster, ...manner }));
  if (createSlot === undefined) await untilStreaming(receiver);
  stack.move();
  return receiver;
}

/** Waits until the receiver is not far behind. @throws {BenchFailure} with what it said, when it has ended */
async function untilNear({ cluster, program }: ReceiverProcess): Promise<void> {
  const sql = `select coalesce(max(pg_wal_lsn_diff(pg_current_wal_lsn(), flush_lsn)), 1e12)
    from pg_stat_replication where application_name = $1`;
  while (Number(await cluster.value(sql, [name])) > leadBytes) {
    if (!program.running) throw new BenchFailure(`walvault ended in the midst of the stream\n${program.stderr}`);
    await sleep(20);
  }
}
