/** `bench latency`: from the last byte of a segment until it is archived, by an archiver that stays (`archive-wal --follow`). */
import { existsSync } from 'node:fs';
import { chown, copyFile, open, readFile, rename, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type RunningProgram, serverUser, startAsServerUser } from '@walvault/testkit';
import { fillStreamingDirectory } from '../archive/archive-run.ts';
import { walvaultArchiver } from '../archive/archivers.ts';
import { majorOption, programOption } from '../common-options.ts';
import { BenchFailure } from '../failure.ts';
import { describeMachine, formatMachine } from '../machine.ts';
import { choiceOption, directoryOption, numberOption, type OptionValues, wholeNumberOption } from '../options.ts';
import { receivingDirectory } from '../receiving-directory.ts';
import { scenario, type Voice } from '../scenario.ts';
import { percentile } from '../statistics.ts';
import { alignColumns } from '../table.ts';
import { formatTarget } from '../target.ts';
import { makeWalStock, type WalStock } from '../wal-stock.ts';

const options = {
  segments: wholeNumberOption({ help: 'segments of 16 MiB, one after another', fallback: 30, least: 1, most: 1000 }),
  pause: numberOption({ help: 'seconds between two of them', fallback: 0.5, least: 0, most: 60 }),
  codec: choiceOption({ help: 'compression', fallback: 'zstd', choices: ['none', 'gzip', 'zstd', 'lz4'] }),
  wal: choiceOption({
    help: 'pgbench: what pgbench -N writes; bulk: large random records; small: very many small ones',
    fallback: 'pgbench',
    choices: ['pgbench', 'bulk', 'small'],
  }),
  directory: directoryOption({
    help: 'where to work, to choose the disk; unless given, in the directory for temporary files (TMPDIR)',
  }),
  major: majorOption,
  program: programOption,
};

type LatencyOptions = OptionValues<typeof options>;

/** For 16 MiB with zstd on a machine that has nothing else to do. */
const targetMs = 200;
/** A look at the directory takes a hundredth of that. */
const lookEveryMs = 0.5;
const patienceMs = 60_000;

export const latency = scenario({
  name: 'latency',
  summary: 'How long a complete segment takes until it is archived, by walvault archive-wal --follow.',
  options,
  measure: measureLatency,
});

/** Measures and reports; gives milliseconds, one for each segment in their order. */
export async function measureLatency(given: LatencyOptions, voice: Voice): Promise<readonly number[]> {
  const { segments, wal, major, codec, program, pause } = given;
  const archiver = walvaultArchiver({ program, codec, level: '' });
  voice.progress(`making ${segments} segments of WAL`);
  await using stock = await makeWalStock({ segments, wal, major });
  await using home = await receivingDirectory(given.directory);
  const server = join(home.path, 'bench');
  await fillStreamingDirectory(server, { ...stock, hashes: new Map() });
  await using launch = await archiver.prepare(home.path, ['archive-wal', '--follow', 'bench']);
  await using follower = await startAsServerUser(launch.argv, { env: launch.env });
  await follower.waitForOutput(/Following the WAL of server bench\n/);
  const times: number[] = [];
  for (const name of stock.hashes.keys()) {
    await sleep(pause * 1000);
    times.push(await archivedAfter(join(stock.directory, name), server, follower));
    voice.progress(`${name}: ${times.at(-1)?.toFixed(0)} ms`);
  }
  await checkArchive(server, stock);
  const machine = formatMachine(await describeMachine(home.path));
  voice.report([machine, `archiver     ${archiver.name} ${archiver.version}`, '', formatLatency(times)].join('\n'));
  return times;
}

/** The table, and whether the target is met. */
export function formatLatency(times: readonly number[]): string {
  const sorted = times.toSorted((a, b) => a - b);
  const shares = [0.5, 0.9, 1].map((share) => percentile(sorted, share).toFixed(0));
  const target = {
    what: 'last byte to archived, ms',
    bound: { atMost: targetMs },
    value: percentile(sorted, 0.9),
    taken: '90th percentile',
    digits: 0,
  };
  return `${alignColumns([
    ['segments', 'median ms', 'p90 ms', 'longest ms'],
    [String(times.length), ...shares],
  ])}\n\n${formatTarget(target)}`;
}

/**
 * Completes a segment as a receiver does: its bytes are durable, then it gets its name. It is archived when it is in the archive,
 * noted, and gone from where it was, which is the last of these.
 */
async function archivedAfter(source: string, server: string, follower: RunningProgram): Promise<number> {
  const name = basename(source);
  const [coming, complete] = [join(server, 'streaming/.coming'), join(server, 'streaming', name)];
  await copyFile(source, coming);
  const owner = serverUser();
  if (owner !== undefined) await chown(coming, owner.uid, owner.gid);
  await using file = await open(coming, 'r+');
  await file.datasync();
  const completeAtMs = performance.now();
  await rename(coming, complete);
  while (existsSync(complete)) {
    if (!follower.running) throw new BenchFailure(`the archiver ended:\n${follower.stdout}${follower.stderr}`);
    if (performance.now() - completeAtMs > patienceMs) throw new BenchFailure(`${name} was not archived:\n${follower.stderr}`);
    await sleep(lookEveryMs);
  }
  return performance.now() - completeAtMs;
}

async function checkArchive(server: string, stock: WalStock): Promise<void> {
  const noted = await readFile(join(server, 'wals/xlog.db'), 'latin1');
  for (const name of stock.hashes.keys()) {
    if (!noted.includes(name)) throw new BenchFailure(`${name} is not in xlog.db`);
    await stat(join(server, 'wals', name.slice(0, 16), name));
  }
}
