/** diagnose and sync-info, beside those of a real Barman on the same archive. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { Barman, barmanSectionFor, type Cluster, startCluster } from '@walvault/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sectionFor, Vault } from './vault.test-support.ts';

const stack = new AsyncDisposableStack();
let pg: Cluster;
let vault: Vault;
let barman: Barman;
const secret = 'topsecret';

beforeAll(async () => {
  pg = stack.use(
    await startCluster({ major: 15, settings: { archive_mode: 'on', archive_command: `PGPASSWORD=${secret} true` } }),
  );
  vault = stack.use(
    await Vault.create({
      dead: { conninfo: `postgresql://x:${secret}@127.0.0.1:1/postgres`, archiver: 'on' },
      off: { conninfo: `host=127.0.0.1 port=1 password=${secret}`, archiver: 'on', active: 'false' },
      pg: sectionFor(pg, {
        streaming_conninfo: pg.conninfo({ password: secret }),
        heal_conninfo: `host=other password='${secret}'`,
        post_archive_script: `curl --header 'Authorization: ${secret}' http://x`,
        encryption_passphrase_command: `echo ${secret}`,
      }),
    }),
  );
  barman = stack.use(await Barman.create({ pg: barmanSectionFor(pg) }, { home: vault.home }));
  await vault.startReceiving();
  for (let round = 0; round < 3; round += 1) await vault.succeed('switch-wal', '--force', '--archive', 'pg');
});

afterAll(() => stack[Symbol.asyncDispose]());

/** The answer of sync-info, as far as it is looked into. */
interface SyncInfo {
  readonly last_name: string;
  readonly last_position: number;
  readonly backups: unknown;
  readonly wals: readonly { readonly name: string }[];
}

/** The same of diagnose. */
interface Diagnosis {
  readonly global: { readonly system_info: unknown };
  readonly servers: Readonly<
    Record<'pg' | 'dead' | 'off', Record<'status' | 'wals' | 'config' | 'walvault', Record<string, unknown>>>
  >;
}

async function syncInfo(tool: Vault | Barman, ...args: readonly string[]): Promise<SyncInfo> {
  return JSON.parse(await tool.succeed('sync-info', 'pg', ...args)) as SyncInfo;
}

test('sync-info tells the same files, sizes, times and positions as Barman', async () => {
  const [ours, barmans] = await Promise.all([syncInfo(vault), syncInfo(barman)]);
  expect(barmans.wals.length).toBeGreaterThanOrEqual(3);
  for (const key of ['wals', 'last_name', 'last_position', 'backups'] as const) expect(ours[key]).toEqual(barmans[key]);
  const first = ours.wals[0]!.name;
  for (const args of [[first], [ours.last_name], [ours.last_name, String(ours.last_position)]]) {
    const [later, barmansLater] = await Promise.all([syncInfo(vault, ...args), syncInfo(barman, ...args)]);
    for (const key of ['wals', 'last_name', 'last_position'] as const) expect(later[key]).toEqual(barmansLater[key]);
  }
  // Barman refuses the position 0, which it gives itself.
  expect((await syncInfo(vault, first, '0')).wals).toEqual(ours.wals.slice(1));
  expect(JSON.stringify(ours)).not.toContain(secret);
  expect(JSON.parse(await vault.succeed('-f', 'json', 'sync-info', 'pg'))).toEqual(ours);
});

test('sync-info refuses what the archive does not reach, in the words of Barman', async () => {
  for (const name of ['000000010000000000000000', '0000000900000000000000FF']) {
    const [ours, barmans] = await Promise.all([vault, barman].map((tool) => tool.run('sync-info', 'pg', name)));
    expect([ours!.code, barmans!.code]).toEqual([1, 1]);
    expect(ours!.stderr.split('\n')[0]).toBe(barmans!.stderr.split('\n')[0]?.replace('  ', ' '));
  }
  expect(await vault.run('sync-info', '--primary', 'pg')).toMatchObject({ code: 1, stderr: 'ERROR: server pg is not passive\n' });
  expect(await vault.run('sync-info', 'pg', '000000010000000000000001', 'x')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('position'),
  });
  expect(await vault.run('sync-info', 'nobody')).toMatchObject({ code: 1 });
});

test('what is archived later with a lower name is told to who gives the position', async () => {
  const { last_name: name, last_position: position } = await syncInfo(vault);
  const path = vault.path('wals', 'xlog.db');
  const before = await readFile(path, 'utf8');
  await writeFile(path, `${before}000000010000000000000001.partial\t1048576\t1795776531.5\tNone\n`);
  const { wals } = await syncInfo(vault, name, String(position));
  await writeFile(path, before);
  expect(wals).toEqual([{ compression: null, name: '000000010000000000000001.partial', size: 1_048_576, time: 1_795_776_531.5 }]);
});

test('a line of xlog.db that is none is an error with what to do', async () => {
  const path = vault.path('wals', 'xlog.db');
  const before = await readFile(path, 'utf8');
  await writeFile(path, `${before}00000001000000000000`);
  const { code, stdout, stderr } = await vault.run('sync-info', 'pg');
  await writeFile(path, before);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(/^ERROR: invalid line in ".*xlog\.db": "00000001000000000000"\nHINT: .*rebuild-xlogdb/);
});

test('diagnose has what Barman has, and more, and no password anywhere', async () => {
  const text = await vault.succeed('diagnose');
  expect(text).not.toContain(secret);
  const ours = JSON.parse(text) as Diagnosis;
  const barmans = JSON.parse(await barman.succeed('diagnose')) as Diagnosis;
  expect(Object.keys(ours)).toEqual(expect.arrayContaining(Object.keys(barmans)));
  expect(Object.keys(ours.servers.pg)).toEqual(expect.arrayContaining(Object.keys(barmans.servers.pg)));
  expect(ours.servers.pg.wals).toEqual(barmans.servers.pg.wals);
  expect(ours.servers.pg.status['wal_level']).toBe(barmans.servers.pg.status['wal_level']);
  expect(ours.servers.pg).toMatchObject({
    config: { post_archive_script: 'curl *REDACTED*', encryption_passphrase_command: '*REDACTED*', archive_workers: 2 },
    status: { archive_command: '*REDACTED*', is_superuser: true },
    walvault: {
      receiver: { phase: 'streaming', pid: await vault.lockedBy() },
      processes: [{ task: 'receive-wal' }],
      holes: [],
      directories: { streaming: { mode: '700', free_bytes: expect.any(Number) }, incoming: { error: 'ENOENT' } },
      log_tail: expect.arrayContaining([expect.stringContaining('streaming')]),
    },
  });
  expect(ours.servers.dead.status['connection_error']).toContain('127.0.0.1');
  expect(ours.servers.off.status).toEqual({});
  expect(ours.global.system_info).toMatchObject({ walvault_ver: expect.any(String), node_ver: process.version });
});

test('diagnose tells where each option was written, and is one object in either format', async () => {
  const shown = JSON.parse(await vault.succeed('-q', '-f', 'json', 'diagnose', '--show-config-source')) as Diagnosis;
  expect(shown.servers.pg.config).toMatchObject({
    slot_name: { value: 'barman', source: expect.stringMatching(/walvault\.conf:\d+$/) },
    archiver: { value: false, source: 'default' },
  });
  expect(JSON.stringify(shown)).not.toContain(secret);
});

test('diagnose goes on where files are damaged or missing, and says so', async () => {
  await vault.stopReceiver(pg);
  await writeFile(vault.path('receive-wal.json'), '{ "version": 1, "pha');
  await writeFile(vault.path('holes.json'), 'not JSON');
  await rm(vault.path('receive-wal.log'));
  const { servers } = JSON.parse(await vault.succeed('diagnose')) as Diagnosis;
  expect(servers.pg.walvault).toMatchObject({
    receiver: { code: 'ERR_RECEIVER_STATE' },
    holes: { code: 'ERR_HOLES_FILE' },
    processes: [],
    log_tail: [],
  });
});
