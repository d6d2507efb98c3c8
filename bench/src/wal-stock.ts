/**
 * Complete segments of real WAL in a directory, for benches that read files. The server that wrote them is gone before anything is
 * measured.
 */
import { constants } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Cluster, type PostgresMajor, runAsServerUser, startCluster, temporaryDirectory } from '@walvault/testkit';
import { defaultWalSegmentSize } from '@walvault/wal';
import { requireProgram } from './contenders.ts';
import { BenchFailure } from './failure.ts';
import { hashSegments, type SegmentHashes } from './receive/segment-hashes.ts';
import { type WalKind, type WalMaker, walKinds } from './receive/wal-kinds.ts';

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
const sliceSeconds = 2;
const sliceMegabytes = 32;

/** What is in the WAL: what `pgbench -N` writes with a checkpoint every GB, as a server has it, or one of the quicker {@link walKinds}. */
export type StockKind = 'pgbench' | WalKind;

/** What a stock is made of. */
export interface WalStockOptions {
  /** Number of segments of 16 MiB. */
  readonly segments: number;
  readonly wal: StockKind;
  readonly major: PostgresMajor;
  /** What else is wanted of the server while it is there. */
  readonly server?: StockServer | undefined;
}

/** What is done with the server that makes a stock. */
export interface StockServer {
  /** Before the WAL is made; gives the segment to begin with. */
  begin(cluster: Cluster): Promise<string>;
  /** When all are complete. */
  complete(cluster: Cluster, names: readonly string[]): Promise<void>;
}

/** Makes the segments. */
export async function makeWalStock({ segments, wal, major, server }: WalStockOptions): Promise<WalStock> {
  await using stack = new AsyncDisposableStack();
  const place = stack.use(await temporaryDirectory('stock'));
  await using cluster = await startCluster({ major, settings: serverSettings(segments) });
  const maker = wal === 'pgbench' ? pgbenchMaker(segments) : walKinds[wal];
  await maker.prepare(cluster);
  const first = (await server?.begin(cluster)) ?? (await beginSegment(cluster));
  let names: readonly string[];
  do {
    await maker.write(cluster, sliceMegabytes);
    names = await fullSegments(cluster, first);
  } while (names.length <= segments);
  for (const name of names) await copyFile(join(cluster.walDirectory, name), join(place.path, name), constants.COPYFILE_EXCL);
  const hashes = await hashSegments(place.path, names.slice(0, segments));
  await server?.complete(cluster, [...hashes.keys()]);
  const owned = stack.move();
  return {
    directory: place.path,
    hashes,
    partial: names[segments] ?? '',
    serverVersion: cluster.version,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** The longer it is to run, the more it has to touch. */
function pgbenchMaker(segments: number): Pick<WalMaker, 'prepare' | 'write'> {
  const who = ['--builtin', 'simple-update', '--client', '4', '--jobs', '2', '--protocol', 'prepared'];
  const scale = Math.min(greatestScale, segments);
  return {
    prepare: async (cluster) => pgbench(cluster, ['--initialize', '--quiet', '--scale', String(scale)]),
    write: async (cluster) => pgbench(cluster, [...who, '--no-vacuum', '--time', String(sliceSeconds)]),
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
