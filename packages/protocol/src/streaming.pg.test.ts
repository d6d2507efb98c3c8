import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  firstTimelineId,
  formatLsn,
  type Lsn,
  parseLsn,
  roundDownToSegment,
  toLsn,
  toTimelineId,
  toWalSegmentSize,
  walFileName,
  segmentNumberOf,
} from '@walvault/wal';
import { type Cluster, createStandby, faultProxy, startCluster } from '@walvault/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestParameters, testParameters } from './parameters.test-support.ts';
import { connectReplication } from './connect.ts';
import type { ReplicationConnection, StartReplicationOptions } from './replication-connection.ts';
import { ReplicationStream } from './replication-stream.ts';

const { signal } = new AbortController();
const segmentSize = toWalSegmentSize(1024 * 1024);

async function connect(
  pg: Cluster,
  options: { signal?: AbortSignal; transport?: Partial<TestParameters> } = {},
): Promise<ReplicationConnection> {
  return await connectReplication(testParameters({ port: pg.port, ...options.transport }), { signal: options.signal ?? signal });
}

async function start(connection: ReplicationConnection, options: StartReplicationOptions): Promise<ReplicationStream> {
  const stream = await connection.startReplication(options);
  if (stream instanceof ReplicationStream) return stream;
  throw new Error('the timeline ends at its start');
}

/** Collects WAL until `endLsn` is there or the stream ends; checks that no byte is missing between messages. */
async function collect(stream: ReplicationStream, startLsn: Lsn, endLsn?: Lsn): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let at = startLsn;
  for await (const batch of stream) {
    for (const message of batch) {
      if (message.kind !== 'walData') continue;
      if (message.dataStart !== at) throw new Error(`WAL at ${formatLsn(message.dataStart)} instead of ${formatLsn(at)}`);
      pieces.push(Buffer.from(message.data));
      at = toLsn(at + BigInt(message.data.length));
    }
    if (endLsn !== undefined && at >= endLsn) stream.stop();
  }
  return Buffer.concat(pieces);
}

/** The bytes of the server's own files from `startLsn` on, as many as there are in `length`. */
async function serverWal(pg: Cluster, startLsn: Lsn, length: number, timelineId = firstTimelineId): Promise<Buffer> {
  const files: Buffer[] = [];
  for (let at = startLsn; at < startLsn + BigInt(length); at = toLsn(at + BigInt(segmentSize))) {
    files.push(await readFile(join(pg.walDirectory, walFileName(timelineId, segmentNumberOf(at, segmentSize), segmentSize))));
  }
  return Buffer.concat(files).subarray(0, length);
}

async function writeWal(pg: Cluster, megabytes: number): Promise<void> {
  await pg.query(
    `select pg_logical_emit_message(false, 'test', repeat(md5(n::text), 3200)) from generate_series(1, $1::int * 10) as n`,
    [megabytes],
  );
  await pg.switchWal();
}

describe.each([18, 14] as const)('streaming from PostgreSQL %i', (major) => {
  let pg: Cluster;
  beforeAll(async () => {
    pg = await startCluster({ major, segmentSizeMb: 1, tls: true });
  });
  afterAll(async () => {
    await pg?.[Symbol.asyncDispose]();
  });

  test('the server tells who it is', async () => {
    await using connection = await connect(pg);
    const system = await connection.identifySystem();
    const [control] = await pg.query<{ id: string; tli: number }>(
      'select system_identifier::text as id, timeline_id as tli from pg_control_system(), pg_control_checkpoint()',
    );
    expect(system).toMatchObject({
      systemIdentifier: BigInt(control?.id ?? ''),
      timelineId: control?.tli,
      databaseName: undefined,
    });
    expect(system.flushLsn).toBeGreaterThan(0n);
    expect(connection.majorVersion).toBe(major);
    expect(await connection.show('wal_segment_size')).toBe('1MB');
    await expect(connection.show('no_such_setting')).rejects.toMatchObject({ sqlState: '42704' });
    expect(connection.parameterStatus.get('server_version')).toContain(String(major));
  });

  test('a slot is made, read, found twice, and dropped', async () => {
    await using connection = await connect(pg);
    await connection.createReplicationSlot({ slotName: 'made', reserveWal: true });
    await expect(connection.createReplicationSlot({ slotName: 'made', reserveWal: true })).rejects.toMatchObject({
      sqlState: '42710',
    });
    await connection.createReplicationSlot({ slotName: 'empty', reserveWal: false, temporary: true });
    const slots = await pg.query(
      `select slot_name, temporary, restart_lsn is not null as reserved from pg_replication_slots where slot_name in ('made', 'empty') order by 1`,
    );
    expect(slots).toEqual([
      { slot_name: 'empty', temporary: true, reserved: false },
      { slot_name: 'made', temporary: false, reserved: true },
    ]);
    if (major >= 15) {
      const restartLsn = parseLsn(
        (await pg.value(`select restart_lsn from pg_replication_slots where slot_name = 'made'`)) ?? '',
      );
      expect(await connection.readReplicationSlot('made')).toEqual({ slotType: 'physical', restartLsn, restartTimelineId: 1 });
      expect(await connection.readReplicationSlot('empty')).toEqual({
        slotType: 'physical',
        restartLsn: undefined,
        restartTimelineId: undefined,
      });
      expect(await connection.readReplicationSlot('none')).toBeUndefined();
    }
    await connection.dropReplicationSlot('made', { wait: true });
    await expect(connection.dropReplicationSlot('made')).rejects.toMatchObject({ sqlState: '42704', retry: 'fatal' });
    await expect(connection.identifySystem()).resolves.toBeDefined();
  });

  test.each<[string, (pg: Cluster) => Partial<TestParameters>]>([
    ['TCP', () => ({})],
    ['TLS', () => ({ tls: { mode: 'require' } })],
    ['a Unix socket', (server) => ({ host: server.socketDirectory })],
  ])(
    'the stream over %s is the WAL of the server, byte for byte, and the connection goes on after it',
    async (_name, transport) => {
      await using connection = await connect(pg, { transport: transport(pg) });
      const { flushLsn, timelineId } = await connection.identifySystem();
      const startLsn = roundDownToSegment(flushLsn, segmentSize);
      await writeWal(pg, 3);
      const endLsn = (await connection.identifySystem()).flushLsn;
      expect(endLsn - startLsn).toBeGreaterThanOrEqual(3n * 1024n * 1024n);
      const stream = await start(connection, { startLsn, timelineId });
      const received = await collect(stream, startLsn, endLsn);
      expect(received.equals(await serverWal(pg, startLsn, received.length))).toBe(true);
      expect(received.length).toBeGreaterThanOrEqual(Number(endLsn - startLsn));
      expect(stream.end).toEqual({ kind: 'stopped' });
      const middle = toLsn(startLsn + 12_344n);
      const again = await collect(await start(connection, { startLsn: middle, timelineId }), middle, endLsn);
      expect(again.subarray(0, 1000).equals(received.subarray(12_344, 13_344))).toBe(true);
    },
  );

  test('a status moves the slot, and can ask for an answer', async () => {
    await using connection = await connect(pg);
    await connection.createReplicationSlot({ slotName: 'moved', reserveWal: true });
    await pg.switchWal();
    const { flushLsn, timelineId } = await connection.identifySystem();
    const stream = await start(connection, { slotName: 'moved', startLsn: flushLsn, timelineId });
    stream.sendStandbyStatus({ writeLsn: flushLsn, flushLsn, applyLsn: toLsn(0), replyRequested: true });
    const pulls = stream[Symbol.asyncIterator]();
    for (let answered = false; !answered; ) {
      const { value } = await pulls.next();
      answered = value?.some((message) => message.kind === 'primaryKeepalive') ?? false;
      for (const message of value ?? []) expect(Math.abs(message.sendTimeUs / 1000 - Date.now())).toBeLessThan(600_000);
    }
    await pg.waitFor(`select restart_lsn = '${formatLsn(flushLsn)}' from pg_replication_slots where slot_name = 'moved'`);
    const [sender] = await pg.query(
      `select application_name, flush_lsn::text, replay_lsn from pg_stat_replication where pid = ${connection.backendPid}`,
    );
    expect(sender).toMatchObject({ application_name: 'protocol-test', flush_lsn: formatLsn(flushLsn), replay_lsn: null });
    await using other = await connect(pg);
    await expect(start(other, { slotName: 'moved', startLsn: flushLsn, timelineId })).rejects.toMatchObject({
      sqlState: '55006',
      retry: 'retry',
    });
    await connection[Symbol.asyncDispose]();
    await other.dropReplicationSlot('moved', { wait: true });
  });

  test('what cannot be streamed is an error, after which the connection goes on', async () => {
    await using connection = await connect(pg);
    const { flushLsn, timelineId } = await connection.identifySystem();
    const ahead = await start(connection, { startLsn: toLsn(flushLsn + 0x1000_0000n), timelineId });
    await expect(collect(ahead, flushLsn)).rejects.toMatchObject({ sqlState: 'XX000', retry: 'retry' });
    const removed = await start(connection, { startLsn: parseLsn('0/100000'), timelineId });
    await expect(collect(removed, parseLsn('0/100000'))).rejects.toMatchObject({ sqlState: '58P01', retry: 'fatal' });
    await expect(start(connection, { startLsn: flushLsn, timelineId: toTimelineId(7) })).rejects.toMatchObject({
      sqlState: 'XX000',
    });
    await expect(start(connection, { slotName: 'none', startLsn: flushLsn, timelineId })).rejects.toMatchObject({
      sqlState: '42704',
    });
    await expect(connection.timelineHistory(toTimelineId(7))).rejects.toMatchObject({ sqlState: '58P01' });
    expect(await connection.show('wal_segment_size')).toBe('1MB');
  });

  test('a walsender that is terminated says so, and may be tried again', async () => {
    await using connection = await connect(pg);
    const { flushLsn, timelineId } = await connection.identifySystem();
    const received = collect(await start(connection, { startLsn: flushLsn, timelineId }), flushLsn);
    const outcome = expect(received).rejects.toMatchObject({
      code: 'ERR_SERVER',
      sqlState: '57P01',
      severity: 'FATAL',
      retry: 'retry',
    });
    await pg.query('select pg_terminate_backend($1)', [connection.backendPid]);
    await outcome;
    await using idle = await connect(pg);
    await pg.query('select pg_terminate_backend($1)', [idle.backendPid]);
    await pg.waitFor(`select count(*) = 0 from pg_stat_activity where pid = ${idle.backendPid}`);
    await expect(idle.identifySystem()).rejects.toMatchObject({ retry: 'retry' });
  });

  test.each(['disable', 'require'] as const)('an abort ends a waiting pull with its reason (TLS: %s)', async (mode) => {
    const controller = new AbortController();
    await using connection = await connect(pg, { signal: controller.signal, transport: { tls: { mode } } });
    const { flushLsn, timelineId } = await connection.identifySystem();
    const received = collect(await start(connection, { startLsn: flushLsn, timelineId }), flushLsn);
    const reason = new Error('leave now');
    setTimeout(() => controller.abort(reason), 20);
    await expect(received).rejects.toBe(reason);
    await pg.waitFor(`select count(*) = 0 from pg_stat_activity where pid = ${connection.backendPid}`);
  });

  test('a network that breaks is a lost connection, and one that falls silent does not hold up closing', async () => {
    await using proxy = await faultProxy({ target: pg });
    await using direct = await connect(pg);
    const { flushLsn, timelineId } = await direct.identifySystem();
    const startLsn = roundDownToSegment(flushLsn, segmentSize);
    await writeWal(pg, 1);
    await using broken = await connectReplication(testParameters({ port: proxy.port }), { signal });
    const stream = await start(broken, { startLsn, timelineId });
    proxy.cutAfter(300_000);
    await expect(collect(stream, startLsn)).rejects.toMatchObject({ code: 'ERR_CONNECTION_LOST', retry: 'retry' });
    const silent = await connectReplication(testParameters({ port: proxy.port }), { signal });
    proxy.stall();
    const answer = expect(silent.identifySystem()).rejects.toMatchObject({ code: 'ERR_CONNECTION_LOST' });
    await silent[Symbol.asyncDispose]();
    await answer;
  });

  test('a fast shutdown is the end of the stream, with all that the server had', async () => {
    await using connection = await connect(pg);
    const { flushLsn, timelineId } = await connection.identifySystem();
    const stream = await start(connection, { startLsn: flushLsn, timelineId });
    const stopped = pg.stop('fast');
    const pieces: Buffer[] = [];
    let at = flushLsn;
    for await (const batch of stream) {
      for (const message of batch) {
        if (message.kind === 'walData') pieces.push(Buffer.from(message.data));
        if (message.kind === 'walData') at = toLsn(message.dataStart + BigInt(message.data.length));
      }
      stream.sendStandbyStatus({ writeLsn: at, flushLsn: at, applyLsn: toLsn(0) });
    }
    await stopped;
    expect(stream.end).toEqual({ kind: 'serverShutdown' });
    const received = Buffer.concat(pieces);
    const segmentStart = roundDownToSegment(flushLsn, segmentSize);
    const offset = Number(flushLsn - segmentStart);
    const own = (await serverWal(pg, segmentStart, offset + received.length)).subarray(offset);
    expect(received.length).toBeGreaterThan(0);
    expect(received.equals(own)).toBe(true);
    await expect(connectReplication(testParameters({ port: pg.port }), { signal })).rejects.toMatchObject({
      code: 'ERR_CONNECT',
    });
    await pg.start();
  });

  test('a server that is killed is a lost connection', async () => {
    await using connection = await connect(pg);
    const { flushLsn, timelineId } = await connection.identifySystem();
    const received = collect(await start(connection, { startLsn: flushLsn, timelineId }), flushLsn);
    const outcome = expect(received).rejects.toMatchObject({ code: 'ERR_CONNECTION_LOST', retry: 'retry' });
    await pg.kill();
    await outcome;
    await pg.start();
  });
});

describe.each([18, 14] as const)('a timeline of PostgreSQL %i that has ended', (major) => {
  test('is streamed to its end, names the next one, and is skipped when there is nothing left of it', async () => {
    await using primary = await startCluster({ major, segmentSizeMb: 1 });
    await using standby = await createStandby(primary);
    const startLsn = roundDownToSegment(parseLsn(await primary.currentLsn()), segmentSize);
    await writeWal(primary, 1);
    await standby.waitFor(`select pg_last_wal_replay_lsn() >= '${await primary.currentLsn()}'`);
    await standby.promote();
    await using connection = await connect(standby);
    const second = toTimelineId(2);
    expect((await connection.identifySystem()).timelineId).toBe(second);

    const stream = await start(connection, { startLsn, timelineId: firstTimelineId });
    const received = await collect(stream, startLsn);
    const { end } = stream;
    if (end?.kind !== 'endOfTimeline') throw new Error('the stream has not ended with its timeline');
    expect(end).toEqual({
      kind: 'endOfTimeline',
      nextTimelineId: second,
      nextStartLsn: toLsn(startLsn + BigInt(received.length)),
    });
    expect(received.equals(await serverWal(primary, startLsn, received.length))).toBe(true);

    const history = await connection.timelineHistory(second);
    expect(history).toEqual({
      fileName: '00000002.history',
      content: await readFile(join(standby.walDirectory, '00000002.history')),
    });
    expect(history.content.toString()).toContain(`1\t${formatLsn(end.nextStartLsn)}\t`);

    expect(await connection.startReplication({ startLsn: end.nextStartLsn, timelineId: firstTimelineId })).toEqual(end);
    const next = roundDownToSegment(end.nextStartLsn, segmentSize);
    const flushLsn = (await connection.identifySystem()).flushLsn;
    const onSecond = await collect(await start(connection, { startLsn: next, timelineId: second }), next, flushLsn);
    expect(onSecond.equals(await serverWal(standby, next, onSecond.length, second))).toBe(true);
  });
});
