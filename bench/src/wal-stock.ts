/**
 * Complete segments of real WAL in a directory, for benches that read files: made by pgbench on a server that is gone before
 * anything is measured.
 */
import { constants } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Cluster, type PostgresMajor, runAsServerUser, startCluster, temporaryDirectory } from '@walvault/testkit';
import { defaultWalSegmentSize } from '@walvault/wal';
import { requireProgram } from './contenders.ts';
import { BenchFailure } from './failure.ts';
import { hashSegments, type SegmentHashes } from './receive/segment-hashes.ts';

/** Disposing removes the files. */
export interface WalStock extends AsyncDisposable {
  readonly directory: string;
  /** Of the complete segments, in order. */
  readonly hashes: SegmentHashes;
  /** The segment that follows them, which is only begun. */
  readonly partial: string;
  readonly serverVersion: string;
}

/** Room that is needed in bytes: for the server, whose WAL is copied before it goes, and for the copy. */
export function neededForStock(segments: number): number {
  return 2 * (segments + 10) * defaultWalSegmentSize + 1_000_000_000;
}

/** 100,000 accounts each: enough that many pages are touched between two checkpoints. */
const greatestScale = 20;
const sliceSeconds = 1;

/** Makes so many segments of 16 MiB, with the load of `pgbench -N` and a checkpoint every GB, as a server has it. */
export async function makeWalStock(segments: number, major: PostgresMajor): Promise<WalStock> {
  await using stack = new AsyncDisposableStack();
  const place = stack.use(await temporaryDirectory('stock'));
  await using cluster = await startCluster({ major, settings: serverSettings(segments) });
  await pgbench(cluster, ['--initialize', '--quiet', '--scale', String(Math.min(greatestScale, segments))]);
  const first = await beginSegment(cluster);
  let names: readonly string[];
  do {
    const who = ['--builtin', 'simple-update', '--client', '4', '--jobs', '2', '--protocol', 'prepared'];
    await pgbench(cluster, [...who, '--no-vacuum', '--time', String(sliceSeconds)]);
    names = await fullSegments(cluster, first);
  } while (names.length <= segments);
  for (const name of names) await copyFile(join(cluster.walDirectory, name), join(place.path, name), constants.COPYFILE_EXCL);
  const hashes = await hashSegments(place.path, names.slice(0, segments));
  const owned = stack.move();
  return {
    directory: place.path,
    hashes,
    partial: names[segments] ?? '',
    serverVersion: cluster.version,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function serverSettings(segments: number): Readonly<Record<string, string | boolean>> {
  const kept = `${(segments + 64) * 16 * 4}MB`;
  return { wal_keep_size: kept, fsync: false, synchronous_commit: 'off', shared_buffers: '256MB', max_wal_size: '1GB' };
}

/** The segment that begins now. */
async function beginSegment(cluster: Cluster): Promise<string> {
  await cluster.query('checkpoint');
  await cluster.switchWal();
  await cluster.query(`select pg_logical_emit_message(true, 'bench', 'begin')`);
  return (await cluster.value('select pg_walfile_name(pg_current_wal_lsn())')) ?? '';
}

async function fullSegments(cluster: Cluster, first: string): Promise<readonly string[]> {
  const current = (await cluster.value('select pg_walfile_name(pg_current_wal_lsn())')) ?? '';
  return (await cluster.walFiles()).filter((name) => name >= first && name < current);
}

async function pgbench(cluster: Cluster, args: readonly string[]): Promise<void> {
  const program = requireProgram('pgbench');
  const argv = [program.path, ...args, cluster.conninfo({ socket: true })];
  const { code, signal, stderr } = await runAsServerUser(argv, { env: program.env, timeoutMs: 300_000 });
  if (code !== 0) throw new BenchFailure(`pgbench ended with ${code ?? signal}\n${stderr}`);
}
