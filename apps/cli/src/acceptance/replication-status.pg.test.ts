/** replication-status, beside what a real Barman says of the same server at the same time. */
import { writeFile } from 'node:fs/promises';
import { Barman, barmanSectionFor, type Cluster, createStandby, startCluster } from '@walvault/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { caughtUp, sectionFor, Vault } from './vault.test-support.ts';

const stack = new AsyncDisposableStack();
let pg: Cluster;
let standby: Cluster;
let vault: Vault;
let barman: Barman;

beforeAll(async () => {
  pg = stack.use(await startCluster({ major: 15, settings: { autovacuum: false } }));
  await pg.query('create role plain login');
  standby = stack.use(await createStandby(pg));
  const sections = {
    plain: { conninfo: pg.conninfo({ user: 'plain' }), archiver: 'on' },
    dead: { conninfo: 'host=127.0.0.1 port=1 user=x', archiver: 'on' },
    off: { conninfo: pg.conninfo(), archiver: 'on', active: 'false' },
    standby: { conninfo: standby.conninfo(), archiver: 'on' },
    split: { conninfo: standby.conninfo(), wal_conninfo: pg.conninfo(), archiver: 'on' },
  };
  vault = stack.use(await Vault.create({ pg: sectionFor(pg), copy: { primary_ssh_command: 'ssh nowhere' }, ...sections }));
  barman = stack.use(await Barman.create({ pg: barmanSectionFor(pg), standby: sections.standby }));
  await pg.query(`alter system set synchronous_standby_names = 'FIRST 1 (barman_receive_wal)'`);
  await pg.reload();
  await vault.startReceiving();
  await pg.waitFor(`select count(*) = 1 from pg_stat_replication where sync_state = 'sync'`);
  await standby.query('select 1');
});

afterAll(() => stack[Symbol.asyncDispose]());

/** What the two tools say, on the console and in JSON, of the same moment: asked until nothing was written between. */
async function both(...args: readonly string[]): Promise<Record<'ours' | 'barmans', { console: string; json: unknown }>> {
  for (;;) {
    await caughtUp(pg);
    await pg.waitFor('select bool_and(replay_lsn is null or replay_lsn = pg_current_wal_lsn()) from pg_stat_replication');
    const before = await pg.value('select pg_current_wal_lsn()');
    const answers = [vault, barman].map(async (tool) => {
      const [console, json] = await Promise.all([tool.succeed(...args), tool.succeed('-f', 'json', ...args)]);
      return { console, json: JSON.parse(json) as unknown };
    });
    const [ours, barmans] = await Promise.all(answers);
    if ((await pg.value('select pg_current_wal_lsn()')) === before) return { ours: ours!, barmans: barmans! };
  }
}

/** Without the lines that are ours alone. */
function asBarmans(console: string): string {
  return console.replaceAll(/^ {5}(?:Write|Flush|Replay) lag .*\n/gm, '').replace(/\n {2}Durable here: .*\n$/, '');
}

test.each([
  [['pg']],
  [['--minimal', 'pg']],
  [['--target', 'hot-standby', 'pg']],
  [['--minimal', '--target', 'wal-streamer', 'standby']],
])('says what Barman says: %j', async (args) => {
  const { ours, barmans } = await both('replication-status', ...args);
  expect(asBarmans(ours.console)).toBe(barmans.console);
  // Everything that Barman has is there and the same.
  expect(ours.json).toMatchObject(barmans.json as object);
});

test('asks the server of conninfo, or with --source wal-host that of wal_conninfo', async () => {
  expect(await vault.succeed('replication-status', '--minimal', 'split')).toContain('No streaming clients attached');
  const wal = await vault.succeed('replication-status', '--minimal', '--source', 'wal-host', 'split');
  expect(wal).toContain('AN:barman_receive_wal');
  expect(await vault.run('replication-status', '--source', 'elsewhere', 'split')).toMatchObject({ code: 2 });
});

test('tells the lag in time, and what is durable here', async () => {
  await pg.query(`select pg_logical_emit_message(true, 'test', repeat('x', 100))`);
  let text = '';
  await expect
    .poll(async () => (text = await vault.succeed('replication-status', 'pg')))
    .toMatch(/Durable here: .*\(diff: 0 B\)/);
  const lsn = /Current LSN on master: (.*)/.exec(text)?.[1];
  expect(text).toContain('  1. #1 Sync WAL streamer\n');
  expect(text).toMatch(/ {5}Flush lag {2}: \d+\.\d{3} ms\n/);
  expect(text).toMatch(/\n\n {2}Durable here: [0-9A-F/]+ \(diff: 0 B\), published \d+ s ago by the receiver \(pid \d+\)\n$/);
  const { pg: seen } = JSON.parse(await vault.succeed('-f', 'json', 'replication-status', 'pg')) as {
    pg: { durable_here: unknown; streaming_clients: unknown[] };
  };
  expect(seen.durable_here).toMatchObject({
    lsn,
    lsn_diff: '0 B',
    lsn_diff_bytes: 0,
    timeline: 1,
    receiver_pid: await vault.lockedBy(),
  });
  expect(seen.streaming_clients[0]).toMatchObject({ sync_priority: 1, flush_lag_ms: expect.any(Number), replay_lag_ms: null });
});

test('what stands in the way is said, and the others have their turn', async () => {
  const { code, stdout, stderr } = await vault.run('replication-status', '--minimal', 'all');
  expect(code).toBe(1);
  expect(stdout).toContain("Skipping inactive server 'off'\n");
  expect(stdout).toContain("Skipping passive server 'copy'\n");
  expect(stdout).toContain("Streaming clients for master 'pg' (LSN @ ");
  expect(stderr).toMatch(/^ERROR: Unable to connect to server dead: .*127\.0\.0\.1/);
  expect(stderr).toContain(
    `ERROR: role 'plain' may not see pg_stat_replication\nHINT: Run on the server, as a superuser: GRANT pg_monitor TO "plain";\n`,
  );
  const json = await vault.run('-f', 'json', 'replication-status', 'dead');
  expect(json.code).toBe(1);
  expect(JSON.parse(json.stdout)).toMatchObject({
    dead: {},
    _ERROR: [expect.stringContaining('Unable to connect to server dead')],
  });
  expect(await vault.run('replication-status', '--target', 'everybody', 'pg')).toMatchObject({ code: 2 });
  expect(await vault.run('replication-status')).toMatchObject({ code: 2 });
  expect(await vault.run('-q', 'replication-status', 'pg')).toMatchObject({ code: 0, stdout: '', stderr: '' });
});

test('a published state that is half written is taken for none', async () => {
  await vault.stopReceiver(pg);
  await pg.query('alter system reset synchronous_standby_names');
  await pg.reload();
  expect(await vault.succeed('replication-status', 'pg')).toMatch(/by a receiver that does not run any more\n$/);
  await writeFile(vault.path('receive-wal.json'), '{ "version": 1, "phase": "strea');
  expect(await vault.succeed('replication-status', 'pg')).not.toContain('Durable here');
});
