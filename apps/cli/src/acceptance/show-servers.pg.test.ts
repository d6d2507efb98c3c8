/** show-servers and list-servers, beside what a real Barman shows of the same configuration and server. */
import { Barman, barmanSectionFor, type BarmanSection, type Cluster, startCluster } from '@walvault/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Vault } from './vault.test-support.ts';

const stack = new AsyncDisposableStack();
let pg: Cluster;
let vault: Vault;
let barman: Barman;

beforeAll(async () => {
  pg = stack.use(await startCluster({ major: 15, settings: { synchronous_standby_names: 'ANY 1 (one, "two three")' } }));
  await pg.query(`select pg_create_physical_replication_slot('barman', true)`);
  // Nobody of synchronous_standby_names is there to wait for.
  await pg.query('set synchronous_commit = local; create role low login');
  const nowhere = 'host=127.0.0.1 port=1 user=x';
  const streaming: BarmanSection = { streaming_archiver: 'on', slot_name: 'barman' };
  const needed = { backup_method: 'postgres', path_prefix: '/usr/bin' };
  const sections = {
    pg: barmanSectionFor(pg, {
      ...needed,
      description: 'the first',
      streaming_conninfo: pg.conninfo({ password: 'topsecret' }),
    }),
    copy: { ...needed, description: 'a copy', primary_ssh_command: 'ssh nowhere' },
    dead: { ...needed, conninfo: nowhere, ...streaming, compression: 'gzip', minimum_redundancy: '2' },
    off: { ...needed, conninfo: nowhere, description: 'not yet', active: 'false', ...streaming },
    plain: { ...needed, conninfo: nowhere, ...streaming, slot_name: 'other' },
  };
  vault = stack.use(await Vault.create(sections));
  barman = stack.use(await Barman.create(sections, { home: vault.home }));
});

afterAll(() => stack[Symbol.asyncDispose]());

type Servers = Record<string, Record<string, unknown>>;

/** What Barman shows of programs that are not used here, and what it shows of Python's objects. */
const notHere =
  /^(?:pg_basebackup|pg_receivexlog)_|^(?:backup_options|recovery_options|last_backup_maximum_age|current_size|version_supported|streaming_supported|replication_slot_support)$/;

function isHere(line: string): boolean {
  return !notHere.test(/^\t(\w+):/.exec(line)?.[1] ?? '');
}

test('every option and fact that Barman shows has the same name and value', async () => {
  const [ours, barmans] = await Promise.all(
    [vault, barman].map(async (tool) => JSON.parse(await tool.succeed('-f', 'json', 'show-servers', 'pg', 'dead')) as Servers),
  );
  for (const server of ['pg', 'dead']) {
    const expected = Object.entries(barmans![server]!).filter(([name]) => !notHere.test(name));
    expect(expected.length).toBeGreaterThan(80);
    const differing = expected.filter(([name, value]) => JSON.stringify(ours![server]![name]) !== JSON.stringify(value));
    // Barman shows passwords in JSON, and has its own words for a server that does not answer.
    const own = server === 'pg' ? ['streaming_conninfo'] : ['connection_error'];
    expect(differing.map(([name]) => name)).toEqual(own);
  }
  const [console, barmansConsole] = await Promise.all([vault, barman].map((tool) => tool.succeed('show-servers', 'dead')));
  const lines = console!.split('\n');
  expect(lines).toEqual([lines[0], ...lines.slice(1, -1).toSorted(), '']);
  expect(barmansConsole!.split('\n').filter((line) => isHere(line) && !lines.includes(line))).toEqual([
    expect.stringMatching(/^\tconnection_error: connection to server at "127\.0\.0\.1", port 1 failed/),
  ]);
});

test('numbers are numbers, and no password is shown anywhere', async () => {
  const text = await vault.succeed('-f', 'json', 'show-server', 'all');
  expect(text).not.toContain('topsecret');
  const servers = JSON.parse(text) as Servers;
  expect(Object.keys(servers)).toEqual(['copy', 'dead', 'off', 'pg', 'plain']);
  expect(servers['pg']).toMatchObject({
    streaming_conninfo: expect.stringContaining('password=*REDACTED*'),
    timeline: 1,
    xlog_segment_size: 16_777_216,
    archive_workers: 2,
    synchronous_standby_names: ['one', 'two three'],
    replication_slot_wal_status: 'reserved',
    replication_slot_retained_bytes: expect.any(Number),
  });
  expect(servers['copy']).toMatchObject({ passive_node: true, primary_ssh_command: 'ssh nowhere' });
  expect(servers['off']).not.toHaveProperty('connection_error');
});

test('a role that may see little shows what it may', async () => {
  await using own = await Vault.create({ pg: { conninfo: pg.conninfo({ user: 'low' }), archiver: 'on' } });
  const { pg: seen } = JSON.parse(await own.succeed('-f', 'json', 'show-servers', 'pg')) as Servers;
  expect(seen).toMatchObject({
    connection_error: null,
    streaming_connection_error: expect.stringMatching(/REPLICATION|walsender|superuser/i),
    is_superuser: false,
    has_backup_privileges: false,
    data_directory: null,
    wal_level: 'replica',
    streaming: null,
  });
});

test('list-servers marks what Barman marks', async () => {
  for (const args of [['list-servers'], ['list-server', '--minimal']])
    expect(await vault.succeed(...args)).toBe(await barman.succeed(...args));
  const [ours, barmans] = await Promise.all([vault, barman].map((tool) => tool.succeed('-f', 'json', 'list-servers')));
  expect(JSON.parse(ours!)).toMatchObject(JSON.parse(barmans!) as object);
});

test('what cannot be shown is an error', async () => {
  expect(await vault.run('show-servers', 'nobody')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("Unknown server 'nobody'"),
  });
  expect(await vault.run('show-servers')).toMatchObject({ code: 2 });
  expect(await vault.run('-q', 'show-servers', 'copy')).toMatchObject({ code: 0, stdout: '', stderr: '' });
});
