import { type Cluster, startCluster } from '@walvault/testkit';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { sectionFor, Vault } from './vault.test-support.ts';

const stack = new AsyncDisposableStack();
let pg: Cluster;
let vault: Vault;

beforeAll(async () => {
  pg = stack.use(await startCluster({ segmentSizeMb: 1, settings: { max_replication_slots: 2, wal_level: 'logical' } }));
  vault = stack.use(await Vault.create({ pg: sectionFor(pg), bare: { conninfo: pg.conninfo(), archiver: 'on' } }));
});

afterAll(() => stack[Symbol.asyncDispose]());

afterEach(async () => {
  await pg.query('select pg_drop_replication_slot(slot_name) from pg_replication_slots where not active');
});

const creating = `Creating physical replication slot 'barman' on server 'pg'\n`;
const dropping = `Dropping physical replication slot 'barman' on server 'pg'\n`;

test('--create-slot says two lines, and the slot keeps WAL from that moment on', async () => {
  expect(await vault.run('receive-wal', '--create-slot', 'pg')).toEqual({
    code: 0,
    signal: null,
    stdout: `${creating}Replication slot 'barman' created\n`,
    stderr: '',
  });
  const [slot] = await pg.query(
    `select slot_type, restart_lsn <= pg_current_wal_lsn() as keeps, active from pg_replication_slots`,
  );
  expect(slot).toEqual({ slot_type: 'physical', keeps: true, active: false });
});

test('--create-slot with JSON output gives the lines as Barman does', async () => {
  const { stdout } = await vault.run('-f', 'json', 'receive-wal', '--create-slot', 'pg');
  expect(JSON.parse(stdout)).toEqual({ _INFO: [creating.trim(), `Replication slot 'barman' created`] });
});

test('a slot that is there already is an error, unless --if-not-exists says that it is fine', async () => {
  await vault.succeed('receive-wal', '--create-slot', 'pg');
  const again = await vault.run('receive-wal', '--create-slot', 'pg');
  expect(again).toMatchObject({ code: 1, stdout: creating });
  expect(again.stderr).toMatch(/^ERROR: Replication slot 'barman' already exists\nHINT: .+\n$/);
  const fine = `Replication slot 'barman' already exists and --if-not-exists was specified. Skipping creation\n`;
  expect(await vault.run('receive-wal', '--create-slot', '--if-not-exists', 'pg')).toMatchObject({
    code: 0,
    stdout: creating + fine,
    stderr: '',
  });
});

test('when all slots are taken, --create-slot says which setting gives more of them', async () => {
  await pg.query(`select pg_create_physical_replication_slot('one'), pg_create_physical_replication_slot('two')`);
  const { code, stderr } = await vault.run('receive-wal', '--create-slot', 'pg');
  expect(code).toBe(1);
  expect(stderr).toMatch(
    /^ERROR: All replication slots for server 'pg' are in use\nFree one or increase the max_replication_slots value on your PostgreSQL server\.\nHINT: .+\n$/,
  );
});

test('--drop-slot says two lines, and the slot is gone', async () => {
  await vault.succeed('receive-wal', '--create-slot', 'pg');
  expect(await vault.run('receive-wal', '--drop-slot', 'pg')).toMatchObject({
    code: 0,
    stdout: `${dropping}Replication slot 'barman' dropped\n`,
    stderr: '',
  });
  expect(await pg.value('select count(*) from pg_replication_slots')).toBe('0');
  const again = await vault.run('receive-wal', '--drop-slot', 'pg');
  expect(again).toMatchObject({ code: 1, stdout: dropping });
  expect(again.stderr).toMatch(/^ERROR: Replication slot 'barman' does not exist\nHINT: .+\n$/);
});

test('a slot that a receiver uses is not dropped', async () => {
  await vault.startReceiving();
  const { code, stderr } = await vault.run('receive-wal', '--drop-slot', 'pg');
  expect(code).toBe(1);
  expect(stderr).toMatch(/^ERROR: Cannot drop replication slot 'barman' on server 'pg' because it is in use\.\nHINT: .+\n$/);
  await vault.succeed('receive-wal', '--stop', 'pg');
  await pg.waitFor('select not active from pg_replication_slots');
});

test('a logical slot of that name is neither dropped nor streamed from', async () => {
  await pg.query(`select pg_create_logical_replication_slot('barman', 'pgoutput')`);
  const drop = await vault.run('receive-wal', '--drop-slot', 'pg');
  expect(drop).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('ERROR: replication slot "barman" is a logical slot\nHINT: '),
  });
  const receive = await vault.run('receive-wal', 'pg');
  expect(receive.code).toBe(1);
  expect(receive.stderr).toMatch(
    /^ERROR: ArchiverFailure:replication slot 'barman' is a logical slot, a physical one is needed\nHINT: .+ choose another slot_name\.\n$/,
  );
  expect(await pg.value(`select slot_type from pg_replication_slots`)).toBe('logical');
});

test('without a slot_name there is nothing to create or drop', async () => {
  for (const verb of ['create', 'drop']) {
    const { code, stdout, stderr } = await vault.run('receive-wal', `--${verb}-slot`, 'bare');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toBe(
      `ERROR: Unable to ${verb} a physical replication slot: slot_name configuration option required\n` +
        'HINT: Set slot_name in section [bare], for example: slot_name = barman\n',
    );
  }
});

test('a receiver does not start without its slot, and makes it itself when create_slot = auto', async () => {
  await using manual = await Vault.create({ pg: sectionFor(pg) });
  const missing = await manual.run('receive-wal', 'pg');
  expect(missing).toMatchObject({ code: 1, stdout: 'Starting receive-wal for server pg\n' });
  expect(missing.stderr).toMatch(
    /^ERROR: ArchiverFailure:replication slot 'barman' doesn't exist\. Please execute 'walvault receive-wal --create-slot pg'\nHINT: .+\n$/,
  );
  expect(manual.names('streaming')).toEqual([]);

  await using auto = await Vault.create({ pg: sectionFor(pg, { create_slot: 'auto' }) });
  await auto.startReceiver();
  expect(await pg.value('select active from pg_replication_slots')).toBe('true');
  await auto.succeed('receive-wal', '--stop', 'pg');
  await pg.waitFor('select not active from pg_replication_slots');
});

test('a slot that somebody else streams from is refused at once', async () => {
  await vault.startReceiving();
  await using other = await Vault.create({ pg: sectionFor(pg) });
  const { code, stderr } = await other.run('receive-wal', 'pg');
  expect(code).toBe(1);
  const walsender = await pg.value('select active_pid from pg_replication_slots');
  expect(stderr).toMatch(
    new RegExp(
      `^ERROR: ArchiverFailure:replication slot 'barman' is already in use by process ${walsender} of the server\nHINT: .+\n$`,
    ),
  );
  expect(other.names('streaming')).toEqual([]);
  await vault.succeed('receive-wal', '--stop', 'pg');
  await pg.waitFor('select not active from pg_replication_slots');
});
