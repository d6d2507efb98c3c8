import { once } from 'node:events';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { ServerConfig } from '@walvault/config';
import { type Cluster, createStandby, startCluster } from '@walvault/testkit';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { configured } from '../configured.test-support.ts';
import { identityPath } from '../server-paths.ts';
import { CheckedWorld, look, sectionOf, troubles } from './checked-world.test-support.ts';

const stack = new AsyncDisposableStack();
let world: CheckedWorld;
let pg: Cluster;
/** Follows `pg`. */
let standby: Cluster;
/** Of another system, with minimal WAL and an archive_command. */
let other: Cluster;

beforeAll(async () => {
  world = stack.use(await CheckedWorld.create());
  ({ pg } = world);
  standby = stack.use(await createStandby(pg));
  other = stack.use(await startCluster({ segmentSizeMb: 1, settings: { wal_level: 'minimal', max_wal_senders: 0 } }));
  await pg.query(`
    create role nobody_much login;
    select pg_create_physical_replication_slot('idle', true), pg_create_physical_replication_slot('empty')`);
});

afterAll(() => stack[Symbol.asyncDispose]());

test('a server that nothing was done for fails what matters, and nothing is made, switched or archived to find out', async () => {
  await using fixture = await configured(sectionOf(other));
  const before = await other.value('select pg_current_wal_insert_lsn()');
  const results = await look(fixture.pg);
  expect(troubles(results)).toEqual([
    'WAL archive',
    'PostgreSQL streaming',
    'wal_level',
    'replication slot',
    'receive-wal running',
    'receive lag',
    'last received',
    'RPO',
  ]);
  expect(results.get('wal_level')).toBe(`failed: please set it to a higher level than 'minimal'`);
  expect(await readdir(fixture.home)).toEqual(['walvault.conf']);
  expect(await other.value('select pg_current_wal_insert_lsn()')).toBe(before);
});

test('where all is well all is said in the order of Barman, and what it has not behind', async () => {
  const results = await look({ ...world.server, lastWalMaximumAgeMs: 3_600_000 });
  expect(troubles(results)).toEqual([]);
  expect([...results.keys()]).toEqual([
    'PostgreSQL',
    'PostgreSQL streaming',
    'wal_level',
    'replication slot',
    'directories',
    'retention policy settings',
    'wal maximum age',
    'wal size',
    'compression settings',
    'systemid coherence',
    'receive-wal running',
    'archiver errors',
    'monitoring privileges',
    'receive lag',
    'last received',
    'slot retention',
    'holes',
    'free disk space',
    'archive queue',
    'WAL verification',
    'RPO',
  ]);
});

/** The connections of another server, or of another role. */
function connecting(to: string): Partial<ServerConfig> {
  return { conninfo: to, walConninfo: to };
}

function streamingFrom(to: string): Partial<ServerConfig> {
  return { streamingConninfo: to, walStreamingConninfo: to };
}

test.each<[string, () => Partial<ServerConfig>, string | RegExp]>([
  ['PostgreSQL', () => connecting('host=127.0.0.1 port=1 user=x'), /^failed: connection to server at "127.0.0.1", port 1 failed/],
  [
    'PostgreSQL streaming',
    () => streamingFrom(pg.conninfo({ user: 'nobody_much' })),
    /^failed: .*permission|^failed: .*privilege|^failed: .*walsender/i,
  ],
  [
    'replication slot',
    () => ({ slotName: 'none' }),
    `failed: replication slot 'none' doesn't exist. Please execute 'walvault receive-wal --create-slot pg'`,
  ],
  ['replication slot', () => ({ slotName: 'idle' }), `failed: slot 'idle' not active: is 'receive-wal' running?`],
  ['replication slot', () => ({ slotName: 'empty' }), `failed: slot 'empty' not initialised: is 'receive-wal' running?`],
  [
    'systemid coherence',
    () => connecting(other.conninfo()),
    'failed: is the streaming DSN targeting the same server of the PostgreSQL connection string?',
  ],
  [
    'monitoring privileges',
    () => connecting(pg.conninfo({ user: 'nobody_much' })),
    /^warning: .*GRANT pg_monitor TO "nobody_much"$/,
  ],
  ['wal_level', () => connecting(other.conninfo()), `failed: please set it to a higher level than 'minimal'`],
  [
    'no access to monitoring functions (WAL streaming)',
    () => ({ walConninfo: pg.conninfo({ user: 'nobody_much' }) }),
    /^failed: privileges/,
  ],
  ['PostgreSQL (WAL streaming)', () => ({ walConninfo: 'host=127.0.0.1 port=1' }), /^failed: connection/],
  ['PostgreSQL streaming (WAL streaming)', () => ({ walStreamingConninfo: 'host=127.0.0.1 port=1' }), /^failed: connection/],
  ['systemid coherence (WAL streaming)', () => ({ walConninfo: other.conninfo() }), /^failed: is the streaming DSN/],
  [
    'replication slot (WAL streaming)',
    () => ({ walConninfo: standby.conninfo() }),
    /^failed: replication slot 'barman' doesn't exist/,
  ],
  [
    'PostgreSQL server is standby',
    () => ({ primaryConninfo: pg.conninfo() }),
    'failed: conninfo should point to a standby server if primary_conninfo is set',
  ],
  [
    'Primary server is not a standby',
    () => ({ ...connecting(standby.conninfo()), primaryConninfo: standby.conninfo() }),
    'failed: primary_conninfo should point to a primary server, not a standby',
  ],
  [
    'Primary and standby have same system ID',
    () => ({ ...connecting(standby.conninfo()), primaryConninfo: other.conninfo() }),
    'failed: primary_conninfo and conninfo should point to primary and standby servers which share the same system identifier',
  ],
  ['archive_mode', () => ({ archiver: true }), `failed: please set it to 'on' or 'always'`],
  ['archive_command', () => ({ archiver: true }), 'failed: please set it accordingly to documentation'],
])('%s fails where it should', async (name, change, expected) => {
  const said = (await look({ ...world.server, ...change() })).get(name);
  expect(said).toEqual(typeof expected === 'string' ? expected : expect.stringMatching(expected));
});

test('a standby with its primary, and WAL from another host than base backups, are fine', async () => {
  const fromStandby = { ...connecting(standby.conninfo()), ...streamingFrom(standby.conninfo()), primaryConninfo: pg.conninfo() };
  const results = await look({ ...world.server, ...fromStandby, slotName: undefined });
  for (const name of [
    'PostgreSQL server is standby',
    'Primary server is not a standby',
    'Primary and standby have same system ID',
  ])
    expect(results.get(name)).toBe('ok');
  const split = await look({ ...world.server, conninfo: standby.conninfo(), streamingConninfo: standby.conninfo() });
  expect([...split].filter(([name]) => name.endsWith('(WAL streaming)'))).toEqual([
    ['has monitoring privileges (WAL streaming)', 'ok'],
    ['PostgreSQL streaming (WAL streaming)', 'ok'],
    ['wal_level (WAL streaming)', 'ok'],
    ['systemid coherence (WAL streaming)', 'ok'],
    ['replication slot (WAL streaming)', 'ok'],
  ]);
  expect(troubles(split)).toEqual([]);
});

test('another cluster under the same name, and an identity that cannot be read, are told', async () => {
  const path = identityPath(world.server);
  const { systemIdentifier } = await pg
    .query<{ systemIdentifier: string }>('select system_identifier::text as "systemIdentifier" from pg_control_system()')
    .then(([row]) => row!);
  try {
    await writeFile(path, '{"systemid": "1", "version": "18"}');
    expect((await look(world.server)).get('systemid coherence')).toBe(
      `failed: the system Id of the connected PostgreSQL server changed, stored in "${path}"`,
    );
    await writeFile(path, 'half of it');
    expect((await look(world.server)).get('systemid coherence')).toMatch(/^failed: .*does not hold the identity/);
  } finally {
    await writeFile(path, `{"systemid": "${systemIdentifier}", "version": "18"}\n`);
  }
  expect((await look(world.server)).get('systemid coherence')).toBe('ok');
});

test('archive_command is watched where WAL comes by it', async () => {
  await using archiving = await startCluster({ segmentSizeMb: 1, settings: { archive_mode: 'on', archive_command: 'false' } });
  await using fixture = await configured(`conninfo = ${archiving.conninfo()}\narchiver = on\n`);
  expect(troubles(await look(fixture.pg))).toEqual(['WAL archive']);
  await archiving.switchWal();
  await archiving.waitFor('select failed_count > 0 from pg_stat_archiver');
  const failing = await look(fixture.pg);
  expect([failing.get('archive_mode'), failing.get('archive_command')]).toEqual(['ok', 'ok']);
  expect(failing.get('continuous archiving')).toMatch(/^failed: archiving [0-9A-F]{24} failed at /);
  await archiving.query(`alter system set archive_command = 'true'`);
  await archiving.reload();
  await archiving.waitFor('select archived_count > 0 from pg_stat_archiver');
  expect((await look(fixture.pg)).get('continuous archiving')).toBe('ok');
});

test('a server that does not answer is given up in time, and everything else is said', async () => {
  const silent = createServer((socket) => socket.on('error', () => undefined)).listen(0, '127.0.0.1');
  onTestFinished(() => void silent.close());
  await once(silent, 'listening');
  const to = `host=127.0.0.1 port=${(silent.address() as { port: number }).port} user=x sslmode=disable`;
  const results = await look({ ...world.server, ...connecting(to), ...streamingFrom(to) }, 3000);
  expect(results.get('PostgreSQL')).toBe('failed: the server did not answer within 2.4 s');
  expect(results.get('holes')).toBe('ok');
  expect([...results].at(-1)).toEqual(['check timeout', 'failed: walvault check command timed out']);
});

test('directories that cannot be used are told, those that can be made are not', async () => {
  const { directories } = world.server;
  const file = join(world.fixture.home, 'a-file');
  await writeFile(file, '');
  onTestFinished(() => rm(file));
  const blocked = { ...world.server, directories: { ...directories, errors: join(file, 'errors') } };
  expect((await look(blocked)).get('directories')).toMatch(/^failed: ".*a-file.*" /);
  await mkdir(join(world.fixture.home, 'room'), { recursive: true });
  const fine = { ...world.server, directories: { ...directories, errors: join(world.fixture.home, 'room', 'a', 'b') } };
  expect((await look(fine)).get('directories')).toBe('ok');
  expect(await readdir(join(world.fixture.home, 'room'))).toEqual([]);
});
