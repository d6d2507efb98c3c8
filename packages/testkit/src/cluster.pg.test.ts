import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Client } from 'pg';
import { describe, expect, test } from 'vitest';
import {
  ServerStartError,
  createStandby,
  fillSegments,
  serverUser,
  startCluster,
  startExisting,
  temporaryDirectory,
} from './index.ts';
import { processesBelow } from './processes.ts';

describe.each([11, 12, 18] as const)('a cluster of PostgreSQL %i', (major) => {
  test('starts, stops, dies and comes back with what was committed', async () => {
    await using pg = await startCluster({ major });
    expect(pg.version).toMatch(new RegExp(`^${major}\\.`));
    await pg.query('create table t (a int); insert into t values (1)');
    await pg.restart();
    const pid = pg.pid;
    await pg.kill();
    expect(pg.running).toBe(false);
    expect(processesBelow(pg.dataDirectory)).toEqual([]);
    await pg.start();
    expect(pg.pid).not.toBe(pid);
    await pg.stop('immediate');
    await pg.start();
    expect(await pg.query('select a from t')).toEqual([{ a: 1 }]);
    expect(await pg.log()).toContain('automatic recovery in progress');
  });

  test('leaves no process and no folder behind, and may be disposed twice', async () => {
    const pg = await startCluster({ major });
    const home = dirname(pg.dataDirectory);
    await pg[Symbol.asyncDispose]();
    await pg[Symbol.asyncDispose]();
    expect(existsSync(home)).toBe(false);
    expect(processesBelow(home)).toEqual([]);
    expect(pg.running).toBe(false);
  });

  test('has a standby that follows and takes over', async () => {
    await using pg = await startCluster({ major, segmentSizeMb: 1 });
    await using standby = await createStandby(pg);
    await pg.query('create table t as select 42 as a');
    await standby.waitFor(`select to_regclass('t') is not null`);
    await pg.kill();
    await standby.promote();
    await standby.query('insert into t values (43)');
    expect(await standby.switchWal()).toMatch(/^00000002/);
  });
});

test.each([1, 16])('writes segments of %i MiB', async (segmentSizeMb) => {
  await using pg = await startCluster({ segmentSizeMb });
  expect(await pg.value('show wal_segment_size')).toBe(`${segmentSizeMb}MB`);
  const files = await fillSegments(pg, 2);
  expect(files.length).toBeGreaterThanOrEqual(2);
  expect(await pg.switchWal()).toMatch(/^0000000100000000000000[0-9A-F]{2}$/);
  expect((await pg.walFiles()).slice(0, files.length)).toEqual(expect.arrayContaining(files.slice(1)));
});

test('is another cluster than those before it, by its system identifier', async () => {
  await using one = await startCluster({ segmentSizeMb: 1 });
  await using other = await startCluster({ segmentSizeMb: 1 });
  const identifier = 'select system_identifier from pg_control_system()';
  expect(await one.value(identifier)).toMatch(/^[1-9]\d{17,18}$/);
  expect(await one.value(identifier)).not.toBe(await other.value(identifier));
});

test('takes settings, access rules and another superuser, and says how to reach it', async () => {
  await using pg = await startCluster({
    user: 'boss',
    settings: { max_wal_senders: 3, log_statement: 'all' },
    hba: ['host all guest 127.0.0.1/32 scram-sha-256'],
  });
  await pg.query(`create role guest login password 'it''s "secret"'`);
  expect(await pg.value('show max_wal_senders')).toBe('3');
  expect(pg.conninfo({ user: 'guest', password: `it's "secret"`, dbname: undefined })).toBe(
    `host=127.0.0.1 port=${pg.port} user=guest password='it\\'s "secret"'`,
  );
  expect(pg.conninfo({ socket: true })).toBe(`host=${pg.socketDirectory} port=${pg.port} user=boss dbname=postgres`);
  await expect(pg.client({ host: pg.host, user: 'guest', password: 'wrong' })).rejects.toMatchObject({ code: '28P01' });
  await pg.query(`alter system set work_mem = '5MB'`);
  await pg.reload();
  await pg.waitFor(`select current_setting('work_mem') = '5MB'`);
});

test('has TLS whose certificate verifies', async () => {
  await using pg = await startCluster({ tls: true });
  const ca = await readFile(pg.tlsAuthorityFile!, 'utf8');
  const client = new Client({
    host: pg.host,
    port: pg.port,
    user: 'postgres',
    database: 'postgres',
    ssl: { ca, host: 'localhost' },
  });
  await client.connect();
  const { rows } = await client.query('select version, ssl from pg_stat_ssl where pid = pg_backend_pid()');
  await client.end();
  expect(rows).toEqual([{ version: 'TLSv1.3', ssl: true }]);
});

test('is restored from a base backup and the WAL that a restore command brings', async () => {
  await using pg = await startCluster({ segmentSizeMb: 1 });
  await using folder = await temporaryDirectory('restore');
  await pg.query('create table t as select 1 as a');
  const restored = join(folder.path, 'data');
  await pg.baseBackup(restored);
  await pg.query('insert into t values (2)');
  await pg.switchWal();
  const settings = { restore_command: `cp ${pg.walDirectory}/%f %p` };
  await using copy = await startExisting(restored, { recover: 'recovery', settings });
  await copy.waitFor('select not pg_is_in_recovery()');
  expect(await copy.query('select a from t order by a')).toEqual([{ a: 1 }, { a: 2 }]);
});

test('runs on a cold copy, which stays when the server that ran on it is disposed', async () => {
  await using pg = await startCluster({ major: 15 });
  await using folder = await temporaryDirectory('copy');
  const target = join(folder.path, 'data');
  await expect(pg.coldCopy(target)).rejects.toThrow('the server runs');
  await pg.stop();
  await pg.coldCopy(target);
  await pg.destroyData();
  expect(existsSync(pg.dataDirectory)).toBe(false);
  {
    await using copy = await startExisting(target);
    expect(copy.major).toBe(15);
  }
  expect(existsSync(join(target, 'PG_VERSION'))).toBe(true);
});

test('says what the server said when it does not start, and leaves nothing behind', async () => {
  await using probe = await temporaryDirectory();
  const failure = await startCluster({ settings: { wal_level: 'nonsense' } }).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(ServerStartError);
  expect((failure as ServerStartError).log).toContain('invalid value for parameter "wal_level": "nonsense"');
  expect(processesBelow(dirname(probe.path))).toEqual([]);
});

test('never runs its servers as root', async () => {
  await using pg = await startCluster();
  const user = serverUser();
  const [, uid] = /^Uid:\s+(\d+)/m.exec(await readFile(`/proc/${pg.pid}/status`, 'utf8'))!;
  expect(Number(uid)).toBe(user?.uid ?? process.getuid!());
  expect(uid).not.toBe('0');
});
