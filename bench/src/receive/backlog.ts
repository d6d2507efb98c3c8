/**
 * The WAL that is received: made once, kept by a slot of its own, and left alone while it is measured.
 *
 * Both ends lie on segment boundaries. The server runs without fsync and writes its checkpoints before, because its own disk work
 * is not what is measured.
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
import { type Cluster, type PostgresMajor, startCluster } from '@walvault/testkit';
import { type RecordSize, recordSize } from './record-size.ts';
import { hashSegments, type SegmentHashes } from './segment-hashes.ts';
import { type WalKind, walKinds } from './wal-kinds.ts';

/** A server with a backlog for whoever has a slot at its start. Disposing stops the server and removes everything. */
export interface Backlog extends AsyncDisposable {
  readonly cluster: Cluster;
  /** Volume, in bytes; whole segments. */
  readonly bytes: number;
  /** Just before the last byte of the last segment: pg_receivewal --endpos stops when it is beyond. */
  readonly endLsn: string;
  readonly lastSegment: string;
  /** Of the server's own files, from the first segment to the last. */
  readonly hashes: SegmentHashes;
  /** Of the segment in the middle; undefined where nothing can count them. */
  readonly recordSize: RecordSize | undefined;
  /** SQL that makes a physical slot `$1` at the start of the backlog. */
  readonly createSlot: string;
}

/** What a backlog is made of. */
export interface BacklogOptions {
  readonly major: PostgresMajor;
  /** Least volume, in bytes. */
  readonly bytes: number;
  readonly wal: WalKind;
}

const mebibyte = 1024 * 1024;
const segmentBytes = defaultWalSegmentSize;
const sliceMegabytes = 64;
const keeper = 'bench_backlog';

/** Room that is needed in bytes: for the server with its WAL, and for what one run receives. */
export function neededBytes(backlogBytes: number): { readonly server: number; readonly received: number } {
  return { server: backlogBytes + 500_000_000, received: backlogBytes + 100_000_000 };
}

/** Starts a server and makes a backlog on it. */
export async function makeBacklog({ major, bytes, wal }: BacklogOptions): Promise<Backlog> {
  await using stack = new AsyncDisposableStack();
  const cluster = stack.use(await startCluster({ major, settings: serverSettings(bytes) }));
  await walKinds[wal].prepare(cluster);
  const firstSegment = await beginBacklog(cluster);
  await fill(cluster, wal, bytes);
  const lastSegment = await cluster.switchWal();
  await cluster.query('checkpoint');
  const names = (await cluster.walFiles()).filter((name) => name >= firstSegment && name <= lastSegment);
  const hashes = await hashSegments(cluster.walDirectory, names);
  const middle = await recordSize(cluster, names[Math.floor(names.length / 2)] ?? firstSegment);
  stack.move();
  return {
    cluster,
    bytes: names.length * segmentBytes,
    endLsn: formatLsn(lastByteOf(lastSegment)),
    lastSegment,
    hashes,
    recordSize: middle,
    createSlot: `select pg_copy_physical_replication_slot('${keeper}', $1)`,
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  };
}

function serverSettings(bytes: number): Readonly<Record<string, string | boolean>> {
  const room = `${Math.ceil((4 * bytes) / mebibyte) + 1024}MB`;
  return { max_wal_size: room, checkpoint_timeout: '1d', fsync: false, full_page_writes: true, shared_buffers: '128MB' };
}

/** The first segment: a slot that is made with its WAL reserved begins at the last checkpoint. */
async function beginBacklog(cluster: Cluster): Promise<string> {
  await cluster.switchWal();
  await cluster.query('checkpoint');
  const sql = 'select pg_walfile_name(lsn) from pg_create_physical_replication_slot($1, true)';
  return basename((await cluster.value(sql, [keeper])) ?? '');
}

/** In slices, so that the tables never become large themselves. */
async function fill(cluster: Cluster, wal: WalKind, bytes: number): Promise<void> {
  const start = await cluster.currentLsn();
  for (;;) {
    const done = Number(await cluster.value('select pg_wal_lsn_diff(pg_current_wal_lsn(), $1)', [start]));
    if (done >= bytes) return;
    await walKinds[wal].write(cluster, Math.min(sliceMegabytes, (bytes - done) / mebibyte));
  }
}

function lastByteOf(segment: string): Lsn {
  const file = parseWalFileName(segment);
  if (file.kind !== 'segment') throw new Error(`the server named "${segment}" as its segment`);
  return toLsn(segmentEndLsn(segmentNumberOfName(file, segmentBytes), segmentBytes) - 1n);
}
