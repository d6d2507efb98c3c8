import { readdir, rm } from 'node:fs/promises';
import type { ServerConfig } from '@walvault/config';
import { readIdentity } from '@walvault/receiver';
import { type Cluster, fillSegments, startCluster } from '@walvault/testkit';
import { formatLsn, silentLogger } from '@walvault/wal';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { archiveServer } from './archive-server.ts';
import { configured } from './configured.test-support.ts';
import type { StreamStarted } from './receive-attempt.ts';
import { runReceiver, type ReceiveServiceOptions } from './receive-service.ts';
import { readReceiverState } from './receiver-state.ts';
import { identityPath, statePath } from './server-paths.ts';
import { createServerSlot, dropServerSlot } from './slot-commands.ts';

const stack = new AsyncDisposableStack();
let pg: Cluster;
let old: Cluster;

beforeAll(async () => {
  pg = stack.use(await startCluster({ segmentSizeMb: 1, settings: { max_slot_wal_keep_size: '1MB', wal_keep_size: 0 } }));
  old = stack.use(await startCluster({ major: 14, segmentSizeMb: 1 }));
});

afterAll(() => stack[Symbol.asyncDispose]());

afterEach(async () => {
  for (const server of [pg, old]) await server.query('select pg_drop_replication_slot(slot_name) from pg_replication_slots');
});

function section(server: Cluster, more = ''): string {
  return `conninfo = ${server.conninfo()}\nstreaming_archiver = on\nslot_name = barman\n${more}`;
}

/** A receiver that a test can wait for and stop. */
function receive(
  options: Omit<ReceiveServiceOptions, 'stop'>,
): AsyncDisposable & { started: Promise<StreamStarted>; ended: Promise<void> } {
  const stop = new AbortController();
  const started = Promise.withResolvers<StreamStarted>();
  const ended = runReceiver({ ...options, stop: stop.signal, onStreaming: (stream) => started.resolve(stream) });
  ended.catch((error: unknown) => started.reject(error));
  started.promise.catch(() => undefined);
  return {
    started: started.promise,
    ended,
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await ended.catch(() => undefined);
    },
  };
}

test('creates the slot, receives from where it keeps WAL, tells each segment, and goes on there the next time', async () => {
  await using fixture = await configured(section(pg));
  const { signal } = new AbortController();
  await createServerSlot(fixture.pg, signal);
  const segments: string[] = [];
  {
    await using receiver = receive({ server: fixture.pg, onSegment: (name) => segments.push(name) });
    const { timelineId, startLsn } = await receiver.started;
    expect(timelineId).toBe(1);
    expect(await pg.value('select $1::pg_lsn <= restart_lsn from pg_replication_slots', [formatLsn(startLsn)])).toBe('true');
    const full = await fillSegments(pg, 2);
    await expect.poll(() => segments).toEqual(expect.arrayContaining(full));
  }
  const stopped = await readReceiverState(statePath(fixture.pg));
  expect(stopped).toMatchObject({ phase: 'stopped', segmentsCompleted: segments.length, lastError: null });
  {
    await using receiver = receive({ server: fixture.pg });
    const { startLsn } = await receiver.started;
    expect(stopped!.partialName).toBe(
      `${await pg.value('select pg_walfile_name($1::pg_lsn + 1)', [formatLsn(startLsn)])}.partial`,
    );
  }
  await dropServerSlot(fixture.pg, signal);
  expect(await pg.value('select count(*) from pg_replication_slots')).toBe('0');
});

test('a receiver whose server kills its connection comes back by itself and loses nothing', async () => {
  await using fixture = await configured(section(pg, 'create_slot = auto\n'));
  const segments: string[] = [];
  await using receiver = receive({ server: fixture.pg, onSegment: (name) => segments.push(name) });
  await receiver.started;
  const before = await fillSegments(pg, 1);
  await pg.query('select pg_terminate_backend(pid) from pg_stat_replication');
  const after = await fillSegments(pg, 1);
  await expect.poll(() => segments).toEqual(expect.arrayContaining([...before, ...after]));
  expect(segments).toEqual(segments.toSorted());
  await expect.poll(() => readReceiverState(statePath(fixture.pg))).toMatchObject({ phase: 'streaming' });
  // More than once where the server was slow to free the slot.
  expect((await readReceiverState(statePath(fixture.pg)))!.reconnects).toBeGreaterThanOrEqual(1);
});

test('the first attempt must succeed, unless the caller wants to wait', async () => {
  await using fixture = await configured();
  await expect(receive({ server: fixture.pg }).ended).rejects.toMatchObject({ code: 'ERR_CONNECT' });
  expect(await readReceiverState(statePath(fixture.pg))).toMatchObject({ phase: 'failed' });
  {
    await using _ = receive({ server: fixture.pg, firstAttempt: 'retry' });
    await expect.poll(() => readReceiverState(statePath(fixture.pg))).toMatchObject({ phase: 'waiting', reconnects: 1 });
  }
  expect(await readReceiverState(statePath(fixture.pg))).toMatchObject({ phase: 'stopped' });
});

test('two receivers in one process exclude each other as two processes do', async () => {
  await using fixture = await configured();
  await using _ = receive({ server: fixture.pg, firstAttempt: 'retry' });
  await expect.poll(() => readReceiverState(statePath(fixture.pg))).toMatchObject({ phase: 'waiting' });
  await expect(receive({ server: fixture.pg }).ended).rejects.toMatchObject({
    code: 'ERR_ALREADY_RUNNING',
    hint: `Process ${process.pid} is at work (it holds the lock). Stop it with: walvault receive-wal --stop pg`,
  });
});

test('a slot that keeps nothing yet is streamed with, and warned about', async () => {
  await pg.query(`select pg_create_physical_replication_slot('barman')`);
  await using fixture = await configured(section(pg));
  const warnings: object[] = [];
  const log = { ...silentLogger, warn: (fields: object) => void warnings.push(fields) };
  await using receiver = receive({ server: fixture.pg, log });
  await receiver.started;
  expect(warnings).toEqual([{ slot: 'barman', state: 'notReserving' }]);
});

test('a slot that has lost its WAL is refused at the first attempt, and waited for with the way out', async () => {
  await using fixture = await configured(section(pg));
  await createServerSlot(fixture.pg, new AbortController().signal);
  await fillSegments(pg, 4);
  await pg.query('checkpoint');
  await pg.waitFor(`select wal_status = 'lost' from pg_replication_slots`);
  const lost = {
    code: 'ERR_SLOT_UNUSABLE',
    message: `replication slot 'barman' has lost the WAL that it kept (wal_removed)`,
    hint: expect.stringContaining('base backup'),
  };
  await expect(receive({ server: fixture.pg }).ended).rejects.toMatchObject(lost);
  await using _ = receive({ server: fixture.pg, firstAttempt: 'retry' });
  await expect.poll(() => readReceiverState(statePath(fixture.pg))).toMatchObject({ phase: 'waiting', lastError: lost });
});

test('before PostgreSQL 15 a slot is looked up by the ordinary connection', async () => {
  await using fixture = await configured(section(old));
  await expect(receive({ server: fixture.pg }).ended).rejects.toMatchObject({ code: 'ERR_SLOT_UNUSABLE' });
  await createServerSlot(fixture.pg, new AbortController().signal);
  await using receiver = receive({ server: fixture.pg });
  const { startLsn } = await receiver.started;
  expect(await old.value('select $1::pg_lsn <= restart_lsn from pg_replication_slots', [formatLsn(startLsn)])).toBe('true');
});

test('before PostgreSQL 15, without an ordinary connection, START_REPLICATION itself tells about the slot', async () => {
  const streamingOnly = section(old).replace('conninfo', 'streaming_conninfo');
  await using fixture = await configured(streamingOnly);
  expect(fixture.pg.walConninfo).toBeUndefined();
  await expect(receive({ server: fixture.pg }).ended).rejects.toMatchObject({ code: 'ERR_SERVER', sqlState: '42704' });
  await createServerSlot(fixture.pg, new AbortController().signal);
  await using receiver = receive({ server: fixture.pg });
  await receiver.started;
});

test('with the streaming directory and the slot lost, goes on behind the archive instead of leaving a hole', async () => {
  await using fixture = await configured(section(old));
  const { signal } = new AbortController();
  const { streaming } = fixture.pg.directories;
  await createServerSlot(fixture.pg, signal);
  {
    await using receiver = receive({ server: fixture.pg });
    await receiver.started;
    const full = await fillSegments(old, 3);
    await expect.poll(() => readdir(streaming)).toEqual(expect.arrayContaining(full));
  }
  const archived: string[] = [];
  await archiveServer(fixture.pg, { signal, onFile: ({ name }) => archived.push(name) });
  expect(archived.length).toBeGreaterThanOrEqual(3);
  await dropServerSlot(fixture.pg, signal);
  await rm(streaming, { recursive: true });
  await fillSegments(old, 3);
  await old.query('checkpoint');
  await createServerSlot(fixture.pg, signal);

  await using receiver = receive({ server: fixture.pg });
  const { startLsn, timelineId } = await receiver.started;
  const next = await old.value('select pg_walfile_name($1::pg_lsn + 1)', [formatLsn(startLsn)]);
  const last = await old.value('select pg_walfile_name($1::pg_lsn)', [formatLsn(startLsn)]);
  expect({ timelineId, last }).toEqual({ timelineId: 1, last: archived.at(-1) });
  expect(next).not.toBe(last);
});

test('an archive of another cluster is not taken for the beginning of this one, and nothing is pinned', async () => {
  await using fixture = await configured(section(old));
  const { signal } = new AbortController();
  {
    await createServerSlot(fixture.pg, signal);
    await using receiver = receive({ server: fixture.pg });
    await receiver.started;
    const full = await fillSegments(old, 1);
    await expect.poll(() => readdir(fixture.pg.directories.streaming)).toEqual(expect.arrayContaining(full));
  }
  await archiveServer(fixture.pg, { signal });
  await rm(fixture.pg.directories.streaming, { recursive: true });
  await rm(identityPath(fixture.pg));

  const other: ServerConfig = {
    ...fixture.pg,
    conninfo: pg.conninfo(),
    walConninfo: pg.conninfo(),
    walStreamingConninfo: pg.conninfo(),
  };
  await createServerSlot(other, signal);
  await using receiver = receive({ server: other });
  await expect(receiver.ended).rejects.toMatchObject({ code: 'ERR_WAL_FILE_FOREIGN' });
  await expect(readIdentity(identityPath(fixture.pg))).resolves.toBeUndefined();
});
