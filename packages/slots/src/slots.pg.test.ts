import {
  connectReplication,
  connectSql,
  type ReplicationConnection,
  resolveConnection,
  type SqlConnection,
} from '@walvault/protocol';
import { type Cluster, fillSegments, type PostgresMajor, startCluster } from '@walvault/testkit';
import { parseLsn } from '@walvault/wal';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createSlot } from './create-slot.ts';
import { dropSlot } from './drop-slot.ts';
import { judgeSlot } from './judge-slot.ts';
import { readSlot } from './read-slot.ts';

const { signal } = new AbortController();

const replicationTo = async (pg: Cluster): Promise<ReplicationConnection> =>
  await connectReplication(await resolveConnection(pg.conninfo(), { replication: true, environment: {} }), { signal });

const sqlTo = async (pg: Cluster): Promise<SqlConnection> =>
  await connectSql(await resolveConnection(pg.conninfo(), { environment: {} }), { signal });

describe.each<PostgresMajor>([14, 18])('slots of PostgreSQL %i', (major) => {
  let pg: Cluster;
  let sql: SqlConnection;

  beforeAll(async () => {
    pg = await startCluster({
      major,
      segmentSizeMb: 1,
      settings: { wal_level: 'logical', max_replication_slots: 3, wal_keep_size: 0 },
    });
    sql = await sqlTo(pg);
  });
  afterAll(async () => {
    await sql[Symbol.asyncDispose]();
    await pg[Symbol.asyncDispose]();
  });
  afterEach(async () => {
    await pg.waitFor('SELECT NOT EXISTS (SELECT FROM pg_replication_slots WHERE active)');
    await pg.query('SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots');
  });

  test('a new slot keeps WAL from the redo point of the last checkpoint on, at once', async () => {
    await using walsender = await replicationTo(pg);
    await createSlot(walsender, 'barman');
    const slot = await readSlot(sql, 'barman');
    const redo = await pg.value('SELECT redo_lsn FROM pg_control_checkpoint()');
    expect(slot).toMatchObject({
      slotName: 'barman',
      slotType: 'physical',
      temporary: false,
      active: false,
      activePid: undefined,
      restartLsn: parseLsn(redo!),
      walStatus: 'reserved',
      safeWalSize: undefined,
      invalidationReason: undefined,
    });
    expect(judgeSlot(slot).kind).toBe('usable');
  });

  test('a slot that exists is not created again', async () => {
    await using walsender = await replicationTo(pg);
    await createSlot(walsender, 'barman');
    await expect(createSlot(walsender, 'barman')).rejects.toMatchObject({
      code: 'ERR_SLOT_EXISTS',
      retry: 'fatal',
      slotName: 'barman',
      message: 'replication slot "barman" already exists',
      cause: { sqlState: '42710' },
    });
  });

  test('a server without a free slot says so', async () => {
    await using walsender = await replicationTo(pg);
    for (const name of ['one', 'two', 'three']) await createSlot(walsender, name);
    await expect(createSlot(walsender, 'four')).rejects.toMatchObject({
      code: 'ERR_SLOTS_EXHAUSTED',
      retry: 'fatal',
      hint: expect.stringContaining('max_replication_slots'),
      cause: { sqlState: '53400' },
    });
    expect(await readSlot(sql, 'four')).toBeUndefined();
  });

  test('a dropped slot is gone, and cannot be dropped again', async () => {
    await using walsender = await replicationTo(pg);
    await createSlot(walsender, 'barman');
    await dropSlot(walsender, 'barman');
    expect(await readSlot(sql, 'barman')).toBeUndefined();
    await expect(dropSlot(walsender, 'barman')).rejects.toMatchObject({
      code: 'ERR_SLOT_MISSING',
      retry: 'fatal',
      message: 'replication slot "barman" does not exist',
      cause: { sqlState: '42704' },
    });
  });

  test('a slot in use is judged so and not dropped before its user is gone', async () => {
    await using walsender = await replicationTo(pg);
    await createSlot(walsender, 'barman2');
    const { timelineId, flushLsn } = await walsender.identifySystem();
    const receiver = await replicationTo(pg);
    await receiver.startReplication({ slotName: 'barman2', startLsn: flushLsn, timelineId });
    const activePid = receiver.backendPid;

    const slot = await readSlot(sql, 'barman2');
    expect(slot).toMatchObject({ active: true, activePid });
    expect(judgeSlot(slot)).toMatchObject({ kind: 'inUse', activePid });
    expect(judgeSlot(slot, { ownPid: activePid }).kind).toBe('usable');
    await expect(dropSlot(walsender, 'barman2')).rejects.toMatchObject({
      code: 'ERR_SLOT_IN_USE',
      retry: 'retry',
      activePid,
      message: `replication slot "barman2" is in use by process ${activePid} of the server`,
      cause: { sqlState: '55006' },
    });

    const dropped = dropSlot(walsender, 'barman2', { wait: true });
    await receiver[Symbol.asyncDispose]();
    await dropped;
    expect(await readSlot(sql, 'barman2')).toBeUndefined();
  });

  test('a slot made without reserving keeps nothing yet', async () => {
    await using walsender = await replicationTo(pg);
    await walsender.createReplicationSlot({ slotName: 'idle', reserveWal: false });
    const slot = await readSlot(sql, 'idle');
    expect(slot).toMatchObject({ restartLsn: undefined, walStatus: undefined });
    expect(judgeSlot(slot).kind).toBe('notReserving');
  });

  test('a logical slot is told from a physical one', async () => {
    await sql.query("SELECT pg_create_logical_replication_slot('decoder', 'pgoutput')");
    const slot = await readSlot(sql, 'decoder');
    expect(slot).toMatchObject({ slotType: 'logical', conflicting: major >= 16 ? false : undefined });
    expect(judgeSlot(slot).kind).toBe('wrongType');
  });

  test('a slot whose WAL the server removed is lost', async () => {
    await using walsender = await replicationTo(pg);
    await createSlot(walsender, 'slow');
    await sql.query('ALTER SYSTEM SET max_slot_wal_keep_size = 1');
    await pg.reload();
    try {
      await fillSegments(pg, 8);
      // The checkpointer reads its configuration when it gets to it.
      const checkpoint = async (): Promise<string | undefined> => {
        await sql.query('CHECKPOINT');
        return (await readSlot(sql, 'slow'))?.walStatus;
      };
      await expect.poll(checkpoint).toBe('lost');
      const slot = await readSlot(sql, 'slow');
      expect(slot).toMatchObject({ restartLsn: undefined, invalidationReason: major >= 17 ? 'wal_removed' : undefined });
      expect(judgeSlot(slot)).toMatchObject({ kind: 'lost', reason: 'wal_removed' });
    } finally {
      await sql.query('ALTER SYSTEM RESET max_slot_wal_keep_size');
      await pg.reload();
    }
  });

  test('a name that PostgreSQL would not take is refused before anything is sent', async () => {
    await using walsender = await replicationTo(pg);
    for (const act of [createSlot(walsender, 'Bad-Name'), dropSlot(walsender, 'Bad-Name'), readSlot(sql, 'Bad-Name')]) {
      await expect(act).rejects.toMatchObject({ code: 'ERR_INVALID_SLOT_NAME', slotName: 'Bad-Name' });
    }
  });

  if (major === 18) {
    test('the server tells since when a slot is idle, whatever its style of dates', async () => {
      await using walsender = await replicationTo(pg);
      const before = Date.now() - 1000;
      await createSlot(walsender, 'barman');
      await sql.query("SET DateStyle = 'German, DMY'");
      const { inactiveSince } = (await readSlot(sql, 'barman'))!;
      await sql.query('RESET DateStyle');
      expect(inactiveSince!.getTime()).toBeGreaterThan(before);
      expect(inactiveSince!.getTime()).toBeLessThan(Date.now() + 1000);
    });

    test('a walsender tells kind, position and timeline', async () => {
      await using walsender = await replicationTo(pg);
      expect(await readSlot(walsender, 'barman')).toBeUndefined();
      await createSlot(walsender, 'barman');
      const seen = await readSlot(walsender, 'barman');
      const { restartLsn } = (await readSlot(sql, 'barman'))!;
      expect(seen).toMatchObject({
        slotType: 'physical',
        restartLsn,
        restartTimelineId: 1,
        active: undefined,
        walStatus: undefined,
      });
      expect(judgeSlot(seen).kind).toBe('usable');
    });

    test('a logical slot is not dropped by mistake', async () => {
      await using walsender = await replicationTo(pg);
      await sql.query("SELECT pg_create_logical_replication_slot('decoder', 'pgoutput')");
      expect(judgeSlot(await readSlot(walsender, 'decoder')).kind).toBe('wrongType');
      await expect(dropSlot(walsender, 'decoder')).rejects.toMatchObject({ code: 'ERR_SLOT_WRONG_TYPE', retry: 'fatal' });
      expect(await readSlot(sql, 'decoder')).toBeDefined();
    });
  } else {
    test('a walsender cannot be asked', async () => {
      await using walsender = await replicationTo(pg);
      await expect(readSlot(walsender, 'barman')).rejects.toMatchObject({ code: 'ERR_UNSUPPORTED_SERVER' });
    });
  }
});
