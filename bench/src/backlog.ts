/**
 * The WAL that is received: made once, kept by a slot of its own, and left alone while it is measured.
 *
 * Three quarters are rows of random bytes, one to a page (bulkLoad of the testkit), and one quarter small rows with an index, so
 * that there are large and small records and nothing that a compressing disk could make less of. Both ends lie on segment
 * boundaries. The server runs without fsync and writes its checkpoints before, because its own disk work is not what is measured.
 */
import { basename } from 'node:path';
import {
  defaultWalSegmentSize,
  formatLsn,
  type Lsn,
  parseWalFileName,
  segmentEndLsn,
  segmentNumberOfName,
  toLsn,
} from '@walvault/wal';
import { bulkLoad, type Cluster, type PostgresMajor, startCluster } from '@walvault/testkit';
import { hashSegments, type SegmentHashes } from './segment-hashes.ts';

/** A server with a backlog for whoever copies its slot. Disposing stops the server and removes everything. */
export interface Backlog extends AsyncDisposable {
  readonly cluster: Cluster;
  /** Volume, in bytes; whole segments. */
  readonly bytes: number;
  /** Just before the last byte of the last segment: pg_receivewal --endpos stops when it is beyond. */
  readonly endLsn: string;
  readonly lastSegment: string;
  /** Of the server's own files, from the first segment to the last. */
  readonly hashes: SegmentHashes;
  /** Makes a slot at the start of the backlog; disposing drops it. */
  slot(): Promise<BacklogSlot>;
}

/** A physical slot at the start of the backlog. */
export interface BacklogSlot extends AsyncDisposable {
  readonly name: string;
}

const mebibyte = 1024 * 1024;
const segmentBytes = defaultWalSegmentSize;
const sliceMegabytes = 64;
const smallRowsPerMegabyte = 6500;
const keeper = 'bench_backlog';
const runSlot = 'bench_run';

/** Room for all that stays on the disk at a time: the server's WAL, what one run receives, the server itself. */
export function neededBytes(backlogBytes: number): number {
  return 2 * backlogBytes + 600_000_000;
}

/** Starts a server and makes a backlog of at least `bytes` on it. */
export async function makeBacklog(major: PostgresMajor, bytes: number): Promise<Backlog> {
  await using stack = new AsyncDisposableStack();
  const cluster = stack.use(await startCluster({ major, settings: serverSettings(bytes) }));
  const firstSegment = await beginBacklog(cluster);
  await fill(cluster, bytes);
  const lastSegment = await cluster.switchWal();
  await cluster.query('checkpoint');
  const names = (await cluster.walFiles()).filter((name) => name >= firstSegment && name <= lastSegment);
  const hashes = await hashSegments(cluster.walDirectory, names);
  stack.move();
  return {
    cluster,
    bytes: names.length * segmentBytes,
    endLsn: formatLsn(lastByteOf(lastSegment)),
    lastSegment,
    hashes,
    slot: () => copySlot(cluster),
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  };
}

function serverSettings(bytes: number): Readonly<Record<string, string | boolean>> {
  const room = `${Math.ceil((4 * bytes) / mebibyte) + 1024}MB`;
  return { max_wal_size: room, checkpoint_timeout: '1d', fsync: false, full_page_writes: true, shared_buffers: '128MB' };
}

/** The first segment: a slot that is made with its WAL reserved begins at the last checkpoint. */
async function beginBacklog(cluster: Cluster): Promise<string> {
  await cluster.query('create table ledger (id bigint generated always as identity primary key, account int, note text)');
  await cluster.switchWal();
  await cluster.query('checkpoint');
  const sql = 'select pg_walfile_name(lsn) from pg_create_physical_replication_slot($1, true)';
  return basename((await cluster.value(sql, [keeper])) ?? '');
}

/** In slices, so that the table of the large rows never becomes large itself. */
async function fill(cluster: Cluster, bytes: number): Promise<void> {
  const start = await cluster.currentLsn();
  for (;;) {
    const done = Number(await cluster.value('select pg_wal_lsn_diff(pg_current_wal_lsn(), $1)', [start]));
    const megabytes = Math.min(sliceMegabytes, (bytes - done) / mebibyte);
    if (megabytes <= 0) return;
    await bulkLoad(cluster, megabytes * 0.75);
    await cluster.query(`insert into ledger (account, note) select random() * 1e6, md5(n::text)
      from generate_series(1, ${Math.ceil(megabytes * 0.25 * smallRowsPerMegabyte)}) as n`);
    await cluster.query('truncate bulk, ledger');
  }
}

function lastByteOf(segment: string): Lsn {
  const file = parseWalFileName(segment);
  if (file.kind !== 'segment') throw new Error(`the server named "${segment}" as its segment`);
  return toLsn(segmentEndLsn(segmentNumberOfName(file, segmentBytes), segmentBytes) - 1n);
}

async function copySlot(cluster: Cluster): Promise<BacklogSlot> {
  await cluster.query('select pg_copy_physical_replication_slot($1, $2)', [keeper, runSlot]);
  return {
    name: runSlot,
    [Symbol.asyncDispose]: async () => {
      await cluster.waitFor(`select not active from pg_replication_slots where slot_name = '${runSlot}'`);
      await cluster.query('select pg_drop_replication_slot($1)', [runSlot]);
    },
  };
}
