import { createServer } from 'node:net';
import { once } from 'node:events';
import { type Cluster, createStandby, installedMajors, startCluster } from '@walvault/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { configured } from '../configured.test-support.ts';
import { isReportedError, type ReportedError } from '../receiver-state.ts';
import { observeServer, type ObserveOptions } from './observe-server.ts';
import type { ServerObservation, SqlFacts, StreamingFacts } from './server-observation.ts';
import { settingBytes, settingMs } from './server-setting.ts';

const patience: ObserveOptions = { patienceMs: 60_000 };

async function observe(pg: Cluster, more: Readonly<Record<string, string>> = {}): Promise<ServerObservation> {
  const options = { conninfo: pg.conninfo(), slot_name: 'barman', ...more };
  await using fixture = await configured(
    Object.entries(options)
      .map(([name, value]) => `${name} = ${value}`)
      .join('\n'),
  );
  return await observeServer(fixture.pg, patience);
}

function known<T extends object>(part: T | ReportedError): T {
  if (isReportedError(part)) throw new Error(`${part.code}: ${part.message}`);
  return part;
}

test.each(installedMajors())(
  'PostgreSQL %i tells what it is, what is set, who streams and what the slot keeps',
  async (major) => {
    await using pg = await startCluster({
      major,
      settings: { archive_mode: 'on', archive_command: 'false', wal_sender_timeout: '90s' },
    });
    await pg.query(`select pg_create_physical_replication_slot('barman', true)`);
    const lsn = BigInt((await pg.value(`select (pg_current_wal_flush_lsn() - '0/0')::text`))!);
    const { streaming, sql } = await observe(pg);
    const walsender: StreamingFacts = known(streaming);
    const facts: SqlFacts = known(sql);
    expect(facts.version).toContain(pg.version);
    expect(Math.floor(facts.versionNumber / 10_000)).toBe(major);
    expect(walsender.versionNumber).toBe(facts.versionNumber);
    expect(walsender.systemIdentifier).toBe(facts.systemIdentifier);
    expect(walsender.timelineId).toBe(facts.timelineId);
    expect(facts.flushLsn).toBeGreaterThanOrEqual(lsn);
    expect(facts.currentLsn).toBeGreaterThanOrEqual(facts.flushLsn);
    expect(facts.isInRecovery).toBe(false);
    expect(facts.currentWalFile).toMatch(/^[0-9A-F]{24}$/);
    expect(facts.dataDirectory).toBe(pg.dataDirectory);
    expect(Math.abs(facts.clockAheadMs)).toBeLessThan(5000);
    expect(facts.role).toEqual({
      name: 'postgres',
      isSuperuser: true,
      mayReplicate: true,
      mayMonitor: true,
      mayBackup: true,
      maySwitchWal: true,
      mayCheckpoint: true,
    });
    expect(settingMs(facts.settings, 'wal_sender_timeout')).toBe(90_000);
    expect(settingBytes(facts.settings, 'wal_segment_size')).toBe(facts.walSegmentSize);
    expect(facts.settings.get('archive_command')).toBe('false');
    expect(facts.settings.has('max_slot_wal_keep_size')).toBe(major >= 13);
    expect(facts.slot).toMatchObject({ slotName: 'barman', active: false, walStatus: major >= 13 ? 'reserved' : undefined });
    expect(facts.slot?.retainedBytes).toBeGreaterThanOrEqual(0);
    expect(facts.slotCount).toBe(1);
    expect(facts.walSenders.filter(({ state }) => state === 'streaming')).toEqual([]);
    expect(facts.archiver.archivedCount).toBe(0);
  },
);

test('a role that may do nothing learns what everybody may know, and that the rest is hidden from it', async () => {
  await using pg = await startCluster();
  await using standby = await createStandby(pg);
  await pg.waitFor(`select count(*) = 1 from pg_stat_replication where state = 'streaming'`);
  await pg.query('create role nobody_much login');
  const { streaming, sql } = await observe(pg, { conninfo: pg.conninfo({ user: 'nobody_much' }) });
  expect(streaming).toMatchObject({ code: 'ERR_SERVER' });
  const facts = known(sql);
  const { name, ...rights } = facts.role;
  expect(name).toBe('nobody_much');
  expect(Object.values(rights)).toEqual([false, false, false, false, false, false]);
  expect(facts.dataDirectory).toBeUndefined();
  expect(facts.walSenders).toMatchObject([{ state: undefined, sentLsn: undefined }]);
  expect(facts.slot).toBeUndefined();
  const { sql: ofStandby } = await observe(standby);
  const seen = known(ofStandby);
  expect(seen).toMatchObject({ isInRecovery: true, currentWalFile: undefined, systemIdentifier: facts.systemIdentifier });
  expect(seen.currentLsn).toBeGreaterThan(0n);
});

test('rights that were granted one by one count', async () => {
  await using pg = await startCluster();
  await pg.query(`
    create role barman login replication in role pg_read_all_settings, pg_read_all_stats, pg_checkpoint;
    grant execute on function pg_backup_start(text, bool), pg_backup_stop(bool), pg_switch_wal(), pg_create_restore_point(text) to barman`);
  const { sql } = await observe(pg, { conninfo: pg.conninfo({ user: 'barman' }) });
  expect(known(sql).role).toMatchObject({
    isSuperuser: false,
    mayReplicate: true,
    mayMonitor: true,
    mayBackup: true,
    maySwitchWal: true,
    mayCheckpoint: true,
  });
});

test('a server that takes the connection and says nothing costs what was agreed on, and no more', async () => {
  const silent = createServer((socket) => socket.on('error', () => undefined)).listen(0, '127.0.0.1');
  onTestFinished(() => void silent.close());
  await once(silent, 'listening');
  const { port } = silent.address() as { port: number };
  await using fixture = await configured(`conninfo = host=127.0.0.1 port=${port} user=x sslmode=disable`);
  const { streaming, sql } = await observeServer(fixture.pg, { patienceMs: 200 });
  expect(streaming).toMatchObject({ code: 'ERR_NO_ANSWER_IN_TIME', message: 'the server did not answer within 0.2 s' });
  expect(sql).toMatchObject({ code: 'ERR_NO_ANSWER_IN_TIME' });
});
