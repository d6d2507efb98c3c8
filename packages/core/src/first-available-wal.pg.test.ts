import { type Cluster, createStandby, fillSegments, startCluster } from '@walvault/testkit';
import { type Lsn, parseLsn, parseWalSegmentSize, toTimelineId, walFileNameAt } from '@walvault/wal';
import { connectReplication, type ReplicationConnection, resolveConnection } from '@walvault/protocol';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { firstAvailableWal, hasWal } from './first-available-wal.ts';
import type { WalPosition } from './holes.ts';

const walSegmentSize = parseWalSegmentSize('1MB');

const stack = new AsyncDisposableStack();
let pg: Cluster;
/** Promoted from a standby of `pg` in the middle of a segment. */
let promoted: Cluster;
/** A place on timeline 1 that both have had. */
let first: Lsn;

beforeAll(async () => {
  pg = stack.use(await startCluster({ segmentSizeMb: 1 }));
  await pg.query('create role streaming login replication');
  promoted = stack.use(await createStandby(pg));
  first = parseLsn(await pg.currentLsn());
  await fillSegments(pg, 2);
  const lsn = await pg.currentLsn();
  await promoted.waitFor(`select pg_last_wal_replay_lsn() >= '${lsn}'`);
  await promoted.promote();
});

afterAll(() => stack[Symbol.asyncDispose]());

async function connect(server: Cluster): Promise<ReplicationConnection> {
  const parameters = await resolveConnection(server.conninfo({ user: 'streaming' }), { replication: true });
  return connectReplication(parameters, { signal: new AbortController().signal });
}

function on(timeline: number, lsn: Lsn | string): WalPosition {
  return { timelineId: toTimelineId(timeline), lsn: typeof lsn === 'string' ? parseLsn(lsn) : lsn };
}

/** Writes until the first segment that is left lies behind `lsn`; its name. */
async function forget(server: Cluster, lsn: Lsn): Promise<string> {
  const position = walFileNameAt(toTimelineId(1), lsn, walSegmentSize).slice(8);
  await server.query(`alter system set max_wal_size = '2MB'`);
  await server.query(`alter system set min_wal_size = '2MB'`);
  await server.query('alter system set wal_keep_size = 0');
  await server.reload();
  for (;;) {
    await fillSegments(server, 3);
    await server.query('checkpoint');
    const left = (await server.walFiles())[0];
    if (left !== undefined && left.slice(8) > position) return left;
  }
}

test('what is there is said to be there, and the connection takes commands again', async () => {
  await using connection = await connect(pg);
  const { flushLsn } = await connection.identifySystem();
  // The end, where nothing can be sent yet, and a place in the middle of what is written.
  for (const lsn of [flushLsn, first]) expect(await hasWal(connection, on(1, lsn))).toBe(true);
  expect((await connection.identifySystem()).timelineId).toBe(1);
});

test('a timeline that is none of the server is its error, and not a hole', async () => {
  await using connection = await connect(pg);
  await expect(hasWal(connection, on(7, first))).rejects.toMatchObject({ code: 'ERR_SERVER' });
});

test('the first segment that is left is found by a role that may do nothing but stream', async () => {
  const left = await forget(pg, first);
  await using connection = await connect(pg);
  expect(await hasWal(connection, on(1, first))).toBe(false);
  const to = await firstAvailableWal(connection, { missing: on(1, first), walSegmentSize, slotRestartLsn: undefined });
  expect(walFileNameAt(to.timelineId, to.lsn, walSegmentSize)).toBe(left);
  expect(await hasWal(connection, to)).toBe(true);
  expect(await hasWal(connection, { ...to, lsn: (to.lsn - 1n) as Lsn })).toBe(false);
});

test('what a slot keeps counts more than what happens to be there, unless it is gone too', async () => {
  await using connection = await connect(pg);
  const { flushLsn } = await connection.identifySystem();
  const facts = { missing: on(1, first), walSegmentSize };
  const kept = await firstAvailableWal(connection, { ...facts, slotRestartLsn: flushLsn });
  expect(walFileNameAt(kept.timelineId, kept.lsn, walSegmentSize)).toBe(walFileNameAt(toTimelineId(1), flushLsn, walSegmentSize));
  const bisected = await firstAvailableWal(connection, { ...facts, slotRestartLsn: undefined });
  expect(await firstAvailableWal(connection, { ...facts, slotRestartLsn: first })).toEqual(bisected);
});

test('behind a promotion, WAL is looked for on the timeline that it belongs to', async () => {
  await using connection = await connect(promoted);
  expect(await hasWal(connection, on(1, first))).toBe(true);
  const left = await forget(promoted, first);
  expect(await hasWal(connection, on(1, first))).toBe(false);
  const to = await firstAvailableWal(connection, { missing: on(1, first), walSegmentSize, slotRestartLsn: undefined });
  expect(to.timelineId).toBe(2);
  expect(walFileNameAt(to.timelineId, to.lsn, walSegmentSize)).toBe(left);
  expect(await hasWal(connection, to)).toBe(true);
});
