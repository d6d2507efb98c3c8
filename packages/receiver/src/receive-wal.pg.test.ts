/** Receiving from real servers: the same bytes, no byte twice or missed, and a good end. */
import { mkdir, readdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { bulkLoad, type Cluster, startCluster, startWorkload } from '@walvault/testkit';
import {
  invalidLsn,
  offsetInSegment,
  parseLsn,
  roundDownToSegment,
  segmentEndLsn,
  segmentNumberOf,
  toTimelineId,
  toWalSegmentSize,
} from '@walvault/wal';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { connectReplication, resolveConnection } from '@walvault/protocol';
import { Positions } from './positions.ts';
import { receiveWal } from './receive-wal.ts';
import { expectSameAsServer, receive, slotRestartLsn, walFilesIn } from './receive.test-support.ts';
import { HistoryFiles } from './timeline-history.ts';
import { test } from './test-directory.test-support.ts';

const size = toWalSegmentSize(1024 * 1024);

describe.each([
  [18, 1],
  [18, 16],
  [14, 1],
  [14, 16],
] as const)('PostgreSQL %d with segments of %d MiB', (major, segmentSizeMb) => {
  test('what is received under load is what the server has, byte for byte', async ({ directory }) => {
    await using cluster = await startCluster({ major, segmentSizeMb });
    await using reception = await receive({ cluster, directory });
    await using workload = await startWorkload(cluster, { clients: 3, rowBytes: 2000 });
    await bulkLoad(cluster, 2.5 * segmentSizeMb);
    await cluster.switchWal();
    await cluster.switchWal();
    await workload.stop();
    await reception.caughtUp(cluster);
    expect(await expectSameAsServer(cluster, directory, reception.positions)).toBeGreaterThanOrEqual(4);
    expect(reception.completed).toEqual((await walFilesIn(directory)).filter((name) => !name.endsWith('.partial')));
    expect(reception.flushTimesMs.length).toBeGreaterThan(0);
    expect(reception.flushTimesMs.every((ms) => ms > 0)).toBe(true);
    expect(await reception.stop()).toBe('stopped');
  });
});

describe('with one server', () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startCluster({ segmentSizeMb: 1 });
  });
  afterAll(() => cluster[Symbol.asyncDispose]());

  test('a stop under load is quick, and the last report is all that was received', async ({ directory }) => {
    await cluster.query(`select pg_create_physical_replication_slot('stopped', true)`);
    await using reception = await receive({ cluster, directory, slotName: 'stopped' });
    await using workload = await startWorkload(cluster, { clients: 4, rowBytes: 4000, table: 'stopped' });
    await reception.until(() => reception.completed.length >= 3);
    const stoppedAt = performance.now();
    expect(await reception.stop()).toBe('stopped');
    expect(performance.now() - stoppedAt).toBeLessThan(30_000);
    const { flushedLsn, writtenLsn } = reception.positions;
    expect(flushedLsn).toBe(writtenLsn);
    expect(await slotRestartLsn(cluster, 'stopped')).toBe(flushedLsn);
    await workload.stop();
    await expectSameAsServer(cluster, directory, reception.positions);
  });

  test('stopping an idle stream reports the position of the server', async ({ directory }) => {
    await cluster.query(`select pg_create_physical_replication_slot('idle', true)`);
    await using reception = await receive({ cluster, directory, slotName: 'idle' });
    await reception.caughtUp(cluster);
    await reception.stop();
    expect(await slotRestartLsn(cluster, 'idle')).toBe(parseLsn(await cluster.currentLsn()));
    expect(reception.positions.serverLsn).toBe(reception.positions.flushedLsn);
  });

  test('a stop before the start receives nothing and leaves the connection as it is', async ({ directory }) => {
    const signal = new AbortController().signal;
    const parameters = await resolveConnection(cluster.conninfo(), { environment: {}, replication: true });
    await using connection = await connectReplication(parameters, { signal });
    const { flushLsn } = await connection.identifySystem();
    const positions = new Positions({ timelineId: toTimelineId(1), lsn: roundDownToSegment(flushLsn, size) });
    const end = await receiveWal({
      connection,
      directory,
      histories: new HistoryFiles({ connection, directory }),
      walSegmentSize: size,
      positions,
      stop: AbortSignal.abort(),
    });
    expect(end).toBe('stopped');
    expect(await readdir(directory)).toEqual([]);
    expect((await connection.identifySystem()).timelineId).toBe(1);
  });

  test('after a stop the connection takes commands again, and stays', async ({ directory }) => {
    const parameters = await resolveConnection(cluster.conninfo(), { environment: {}, replication: true });
    await using connection = await connectReplication(parameters, { signal: new AbortController().signal });
    const { flushLsn } = await connection.identifySystem();
    const positions = new Positions({ timelineId: toTimelineId(1), lsn: roundDownToSegment(flushLsn, size) });
    const stop = new AbortController();
    const ended = receiveWal({
      connection,
      directory,
      histories: new HistoryFiles({ connection, directory }),
      walSegmentSize: size,
      positions,
      stop: stop.signal,
      observer: { streaming: () => stop.abort() }, // between the start of the stream and the first pull
    });
    expect(await ended).toBe('stopped');
    expect(await connection.show('wal_segment_size')).toBe('1MB');
  });

  test('a reception that was cut off goes on in a new one, again and again, without a hole', async ({ directory }) => {
    await using workload = await startWorkload(cluster, { clients: 3, rowBytes: 3000, table: 'cut_off' });
    for (let round = 0; round < 4; round += 1) {
      await using reception = await receive({ cluster, directory });
      expect(reception.start.source).toBe(round === 0 ? 'server' : 'directory');
      const goal = reception.start.lsn + BigInt(size) + BigInt(round * 200_000); // inside of the next segment
      await reception.until(() => reception.positions.writtenLsn > goal);
      await reception.abort();
    }
    await workload.stop();
    await using reception = await receive({ cluster, directory });
    await reception.caughtUp(cluster);
    expect(await expectSameAsServer(cluster, directory, reception.positions)).toBeGreaterThanOrEqual(4);
  });

  test('a reconnect goes on where the flush was, in the middle of a segment', async ({ directory }) => {
    await using first = await receive({ cluster, directory });
    await cluster.query(`select pg_switch_wal()`);
    await bulkLoad(cluster, 0.3);
    await first.caughtUp(cluster);
    await first.abort();
    const flushed = { timelineId: first.positions.timelineId, lsn: first.positions.flushedLsn };
    await using second = await receive({ cluster, directory, flushed });
    expect(second.start).toMatchObject({ source: 'directory', lsn: flushed.lsn });
    await bulkLoad(cluster, 1.5);
    await second.caughtUp(cluster);
    expect(await expectSameAsServer(cluster, directory, second.positions)).toBeGreaterThanOrEqual(2);
  });

  test('a new process goes on behind the last whole record, and the server hears no less than before', async ({ directory }) => {
    await cluster.query(`select pg_create_physical_replication_slot('inside', true)`);
    await cluster.query(`select pg_switch_wal()`);
    let acknowledged = invalidLsn;
    for (const kilobytes of [100, 200, 300]) {
      await using reception = await receive({ cluster, directory, slotName: 'inside' });
      expect(reception.start.lsn >= acknowledged).toBe(true);
      expect(offsetInSegment(reception.start.lsn, size) > 0).toBe(acknowledged !== invalidLsn);
      await bulkLoad(cluster, kilobytes / 1000);
      await reception.caughtUp(cluster);
      await reception.until(() => reception.positions.acknowledgedLsn === reception.positions.verifiedLsn);
      acknowledged = reception.positions.acknowledgedLsn;
      await reception.abort();
      await expectSameAsServer(cluster, directory, reception.positions);
      await cluster.waitFor(`select not active from pg_replication_slots where slot_name = 'inside'`);
    }
  });

  test("the slot's restart_lsn never goes back, over any number of restarts", async ({ directory }) => {
    await cluster.query(`select pg_create_physical_replication_slot('forward', true)`);
    await using workload = await startWorkload(cluster, { clients: 2, rowBytes: 2000, table: 'forward' });
    let highest = invalidLsn;
    let checks = 0;
    const check = async (): Promise<boolean> => {
      const now = (await slotRestartLsn(cluster, 'forward'))!;
      expect(now).toBeGreaterThanOrEqual(highest);
      highest = now;
      checks += 1;
      return true;
    };
    for (let round = 0; round < 6; round += 1) {
      await using reception = await receive({ cluster, directory, slotName: 'forward', statusIntervalMs: 50 });
      // from the first status of the new process, through what it receives again, to beyond it
      const goal = reception.start.acknowledgedLsn + 300_000n;
      await reception.until(async () => (await check()) && reception.positions.flushedLsn > goal);
      await reception.until(async () => (await check()) && highest > reception.start.acknowledgedLsn);
      if (round % 2 === 0) await reception.stop();
      else await reception.abort();
      await cluster.waitFor(`select not active from pg_replication_slots where slot_name = 'forward'`);
      await check();
    }
    await workload.stop();
    expect(checks).toBeGreaterThan(20);
  });

  test('with flush = segment the server hears of whole segments only, and of the rest at the end', async ({ directory }) => {
    await cluster.query(`select pg_create_physical_replication_slot('whole', true)`);
    await cluster.switchWal();
    const options = { cluster, directory, slotName: 'whole', flushPolicy: 'segment' as const, statusIntervalMs: 60_000 };
    await using reception = await receive(options);
    await bulkLoad(cluster, 3.4);
    const target = parseLsn(await cluster.currentLsn());
    await reception.until(() => reception.positions.writtenLsn >= target);
    await reception.until(() => reception.positions.flushedLsn === roundDownToSegment(target, size));
    // not beyond the last record that had come whole by then
    expect(await slotRestartLsn(cluster, 'whole')).toBe(reception.positions.acknowledgedLsn);
    expect(reception.positions.flushedLsn - reception.positions.acknowledgedLsn).toBeLessThan(20_000n);
    expect(reception.flushTimesMs).toHaveLength(reception.completed.length);
    await reception.stop();
    expect(await slotRestartLsn(cluster, 'whole')).toBe(reception.positions.writtenLsn);
    await expectSameAsServer(cluster, directory, reception.positions);
  });

  test('with flush = segment a server that asks gets an answer that is flushed', async ({ directory }) => {
    await using reception = await receive({ cluster, directory, flushPolicy: 'segment', statusIntervalMs: 1000 });
    const client = await cluster.client();
    await client.query(`set synchronous_commit = local`);
    await bulkLoad(cluster, 0.1);
    const target = parseLsn(await cluster.currentLsn());
    await reception.until(() => reception.positions.writtenLsn >= target);
    await client.end();
    await reception.stop();
    expect(reception.positions.flushedLsn).toBe(reception.positions.writtenLsn);
  });

  test('a failed completion ends receiving with its reason; nothing from there on was acknowledged', async ({ directory }) => {
    await cluster.query(`select pg_create_physical_replication_slot('unlucky', true)`);
    await cluster.switchWal();
    const unlucky = (await cluster.value(`select pg_walfile_name(pg_current_wal_insert_lsn())`))!;
    await using reception = await receive({ cluster, directory, slotName: 'unlucky' });
    await mkdir(join(directory, unlucky)); // nothing can be renamed to that
    const limit = segmentEndLsn(segmentNumberOf(parseLsn(await cluster.currentLsn()), size), size);
    await bulkLoad(cluster, 2.5);
    await expect(reception.ended).rejects.toThrow(
      expect.objectContaining({ name: 'FileSystemError', code: 'ERR_FILE_SYSTEM', path: join(directory, `${unlucky}.partial`) }),
    );
    expect(reception.positions.flushedLsn).toBeLessThan(limit);
    expect(await slotRestartLsn(cluster, 'unlucky')).toBeLessThan(limit);
    expect((await walFilesIn(directory)).filter((name) => name > `${unlucky}.partial`)).toEqual([]);
    expect((await stat(join(directory, `${unlucky}.partial`))).size).toBe(1_048_576);
    await cluster.waitFor(`select not active from pg_replication_slots where slot_name = 'unlucky'`);
  });

  test('an error of the server while streaming is thrown as it is', async ({ directory }) => {
    await using reception = await receive({ cluster, directory });
    await reception.caughtUp(cluster);
    await cluster.query(`select pg_terminate_backend(pid) from pg_stat_replication`);
    await expect(reception.ended).rejects.toThrow(expect.objectContaining({ name: 'ServerError', sqlState: '57P01' }));
  });

  test('a directory that goes away is an error that names it', async ({ directory }) => {
    const streaming = join(directory, 'streaming');
    await mkdir(streaming);
    await using reception = await receive({ cluster, directory: streaming });
    await reception.caughtUp(cluster);
    await rename(streaming, join(directory, 'elsewhere'));
    await bulkLoad(cluster, 1.2);
    await expect(reception.ended).rejects.toThrow(expect.objectContaining({ code: 'ERR_PATH_MISSING' }));
  });
});

test('a fast shutdown of the server is not held up, ends with serverShutdown, and its last byte is here', async ({
  directory,
}) => {
  await using cluster = await startCluster({ segmentSizeMb: 1 });
  for (const flushPolicy of ['continuous', 'segment'] as const) {
    const into = join(directory, flushPolicy);
    await mkdir(into);
    await using reception = await receive({ cluster, directory: into, flushPolicy });
    await bulkLoad(cluster, 1.3);
    const stoppedAt = performance.now();
    await cluster.stop('fast');
    expect(performance.now() - stoppedAt).toBeLessThan(30_000);
    expect(await reception.ended).toBe('serverShutdown');
    expect(reception.positions.flushedLsn).toBe(reception.positions.writtenLsn);
    await expectSameAsServer(cluster, into, reception.positions);
    await cluster.start();
    // what the server wrote first after its shutdown checkpoint comes right behind what we have
    const checkpoint = await cluster.value('select checkpoint_lsn from pg_control_checkpoint()');
    expect(parseLsn(checkpoint!)).toBeLessThanOrEqual(reception.positions.flushedLsn);
  }
});
