/** `bench receive`: the same backlog, received by pg_receivewal and by walvault in turn, with the same durability. */
import { temporaryDirectory } from '@walvault/testkit';
import { type Backlog, makeBacklog, neededBytes } from './backlog.ts';
import { type Contender, pgReceivewal, walvault } from './contenders.ts';
import { BenchFailure } from './failure.ts';
import { describeMachine, type Machine } from './machine.ts';
import type { FlushPolicy, ReceiveOptions } from './receive-options.ts';
import { formatSeries, type Pair, type Series } from './report.ts';
import { timedRun } from './timed-run.ts';

/** Where the report goes, and where the news of what is going on. */
export interface Voice {
  readonly report: (text: string) => void;
  readonly progress: (text: string) => void;
}

interface Contest {
  readonly backlog: Backlog;
  readonly peer: Contender;
  readonly ours: Contender;
  readonly voice: Voice;
}

/**
 * Measures and reports. Everything that it made is gone when it returns or throws.
 * @throws {BenchFailure} when there is no room or no pg_receivewal, or when a program fails or receives anything but the
 * server's own bytes
 */
export async function benchReceive(options: ReceiveOptions, voice: Voice): Promise<readonly Series[]> {
  await using place = await temporaryDirectory('bench');
  const machine = await describeMachine(place.path);
  const wanted = options.gigabytes * 1e9;
  checkRoom(machine, wanted, place.path);
  const [peer, ours] = [await pgReceivewal(options.major), walvault(options.program)];
  voice.progress(`making ${options.gigabytes} GB of WAL on PostgreSQL ${options.major}`);
  await using backlog = await makeBacklog(options.major, wanted);
  const contest = { backlog, peer, ours, voice };
  voice.report(header(machine, contest));
  await warmUp(contest, options.flush);
  const all: Series[] = [];
  for (const flush of options.flush) {
    const series = { flush, bytes: backlog.bytes, pairs: await runPairs(contest, flush, options.pairs) };
    voice.report(`\n${formatSeries(series)}`);
    all.push(series);
  }
  voice.report(`\nAll ${backlog.hashes.size} segments of all runs are byte for byte those of the server (SHA-256).`);
  return all;
}

function checkRoom(machine: Machine, backlogBytes: number, directory: string): void {
  const needed = neededBytes(backlogBytes);
  if (machine.freeBytes >= needed) return;
  const [has, needs] = [machine.freeBytes, needed].map((bytes) => (bytes / 1e9).toFixed(1));
  throw new BenchFailure(
    `${has} GB are free below "${directory}" and ${needs} GB are needed: choose another disk with TMPDIR, or fewer --gigabytes`,
  );
}

function header(machine: Machine, { backlog, peer, ours }: Contest): string {
  const { cluster, bytes, hashes } = backlog;
  return [
    `processor    ${machine.processor}, ${machine.cores} cores, ${(machine.memoryBytes / 1e9).toFixed(1)} GB memory`,
    `kernel       Linux ${machine.kernel}`,
    `file system  ${machine.fileSystem}`,
    `server       PostgreSQL ${cluster.version} on this machine, over TCP`,
    `backlog      ${(bytes / 1e6).toFixed(0)} MB in ${hashes.size} segments, from a slot, up to the end of ${backlog.lastSegment}`,
    `peer         ${peer.name} ${peer.version}`,
    `ours         ${ours.name} ${ours.version}`,
    'units        MB = 10^6 bytes; wall from the start of the process until the last segment has its final name,',
    '             stream the part of it from the first file on; ratio = walvault / pg_receivewal of the same pair',
  ].join('\n');
}

/** The first read of the WAL may come from the disk and the first start of a program too: nobody should have to pay for it. */
async function warmUp({ backlog, peer, ours, voice }: Contest, policies: readonly FlushPolicy[]): Promise<void> {
  const flush = policies[0] ?? 'segment';
  for (const contender of [peer, ours]) {
    voice.progress(`warming up with ${contender.name}`);
    await timedRun(contender, backlog, flush);
  }
}

/** Whoever comes second may find the disk in another state: so the first place goes round. */
async function runPairs(contest: Contest, flush: FlushPolicy, count: number): Promise<readonly Pair[]> {
  const { backlog, peer, ours, voice } = contest;
  const measure = async (contender: Contender, number: number) => {
    voice.progress(`flush ${flush}, pair ${number} of ${count}: ${contender.name}`);
    return timedRun(contender, backlog, flush);
  };
  const pairs: Pair[] = [];
  for (let number = 1; number <= count; number += 1) {
    const early = number % 2 === 1 ? await measure(peer, number) : undefined;
    const own = await measure(ours, number);
    pairs.push({ peer: early ?? (await measure(peer, number)), ours: own });
  }
  return pairs;
}
