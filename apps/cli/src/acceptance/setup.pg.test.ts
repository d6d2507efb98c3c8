/** `setup`: from a server that knows nothing of walvault to one that is received from, by --apply and by psql. */
import { readFile, writeFile } from 'node:fs/promises';
import { type Cluster, createStandby, findProgram, type PostgresMajor, runAsServerUser, startCluster } from '@walvault/testkit';
import { describe, expect, test } from 'vitest';
import { examine, follow } from './doctor.test-support.ts';
import { caughtUp, Vault } from './vault.test-support.ts';

const password = 'Sesam-oeffne-dich';

interface JsonStep {
  readonly step: string;
  readonly state: 'done' | 'already so' | 'to do';
  readonly remedy: { readonly words: string; readonly sql: readonly string[]; readonly pg_hba: readonly string[] } | null;
}

/** A server that only its superuser can reach, by the Unix socket. */
async function freshServer(major: PostgresMajor): Promise<Cluster> {
  const pg = await startCluster({
    major,
    segmentSizeMb: 1,
    settings: { wal_level: 'minimal', max_wal_senders: 0, max_replication_slots: 0 },
  });
  await writeFile((await pg.value('show hba_file'))!, 'local all postgres trust\n');
  await pg.reload();
  await pg.waitFor('select count(*) = 1 from pg_hba_file_rules');
  return pg;
}

async function vaultFor(pg: Cluster): Promise<Vault> {
  return Vault.create({
    pg: {
      conninfo: pg.conninfo({ user: 'barman', password }),
      streaming_conninfo: pg.conninfo({ user: 'streaming_barman', password }),
      streaming_archiver: 'on',
      slot_name: 'barman',
    },
  });
}

async function apply(vault: Vault, pg: Cluster): Promise<{ code: number | null; steps: readonly JsonStep[] }> {
  const superuser = pg.conninfo({ socket: true });
  const { code, stdout } = await vault.run('-f', 'json', 'setup', 'pg', '--apply', '--superuser-conninfo', superuser);
  expect(stdout).not.toContain(password);
  return { code, steps: (JSON.parse(stdout) as { pg: { steps: readonly JsonStep[] } }).pg.steps };
}

async function runScript(vault: Vault, pg: Cluster): Promise<string> {
  const script = await vault.succeed('setup', 'pg');
  expect(script).not.toContain(password);
  const { path, env } = findProgram('psql');
  const { code, stdout, stderr } = await runAsServerUser([path, '-X', '-q', '-d', pg.conninfo({ socket: true })], {
    env,
    input: script,
  });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}

/** All that a setup can change, but for passwords. */
async function stateOf(pg: Cluster): Promise<unknown> {
  return [
    await pg.query(`select rolname, rolsuper, rolcanlogin, rolreplication, rolcreaterole, rolcreatedb from pg_roles
      where rolname like '%barman' order by 1`),
    await pg.query(`select pg_get_userbyid(member) as member, pg_get_userbyid(roleid) as role from pg_auth_members
      where pg_get_userbyid(member) like '%barman' order by 1, 2`),
    await pg.query(`select proacl::text from pg_proc where proname = 'pg_switch_wal'`),
    await pg.query(`select name, setting from pg_file_settings where sourcefile like '%postgresql.auto.conf' order by 1`),
    await pg.query(`select slot_name, slot_type, restart_lsn is not null as reserves from pg_replication_slots`),
  ];
}

describe.each<PostgresMajor>([14, 18])('PostgreSQL %i', (major) => {
  test('--apply, what it leaves to do, and a restart: then WAL is received; the script for psql does the same', async () => {
    await using pg = await freshServer(major);
    await using vault = await vaultFor(pg);
    const first = await apply(vault, pg);
    const stateOfStep = (title: string): string | undefined => first.steps.find(({ step }) => step.startsWith(title))?.state;
    expect(first.code).toBe(1);
    for (const title of [
      'role streaming_barman',
      'role barman',
      'pg_monitor',
      'pg_switch_wal',
      'wal_level',
      'max_wal_senders',
      'max_replication_slots',
      'reload',
      'password of role streaming_barman',
    ]) {
      expect(stateOfStep(title), title).toBe('done');
    }
    expect(stateOfStep('pg_checkpoint')).toBe(major >= 15 ? 'done' : 'already so');
    for (const title of ['slot barman', 'restart', 'connection by conninfo']) expect(stateOfStep(title), title).toBe('to do');
    expect(first.steps.find(({ step }) => step === 'restart')!.remedy!.words).toContain(
      'wal_level, max_wal_senders, max_replication_slots',
    );

    // By hand: a restart, and the lines that are named.
    await pg.restart();
    const hba = (await pg.value('show hba_file'))!;
    const second = await apply(vault, pg);
    expect(second.steps.filter(({ state }) => state === 'done').map(({ step }) => step)).toEqual(['slot barman']);
    const lines = second.steps.flatMap(({ remedy }) => remedy?.pg_hba ?? []);
    expect(lines).toEqual([
      'host replication streaming_barman 127.0.0.1/32 scram-sha-256',
      'host postgres barman 127.0.0.1/32 scram-sha-256',
    ]);
    await writeFile(hba, [...lines, await readFile(hba, 'utf8')].join('\n'));
    await pg.reload();
    await pg.waitFor('select count(*) = 3 from pg_hba_file_rules');
    const third = await apply(vault, pg);
    expect(third.code).toBe(0);
    expect(new Set(third.steps.map(({ state }) => state))).toEqual(new Set(['already so']));

    await vault.startReceiver();
    await vault.succeed('switch-wal', 'pg');
    await caughtUp(pg);
    const { problems, findings } = await examine(vault);
    expect({ problems, warnings: findings.filter(({ status }) => status === 'warning') }).toEqual({ problems: [], warnings: [] });
    await vault.succeed('receive-wal', '--stop', 'pg');

    await using other = await freshServer(major);
    await using otherVault = await vaultFor(other);
    expect(await runScript(otherVault, other)).toMatch(/restart needed for[^]+wal_level/);
    await other.restart();
    await runScript(otherVault, other);
    const same = await stateOf(other);
    expect(same).toEqual(await stateOf(pg));
    await runScript(otherVault, other);
    expect(await stateOf(other)).toEqual(same);
  });
});

test('who may not, and what does not belong on a command line', async () => {
  await using pg = await startCluster({ segmentSizeMb: 1, settings: { max_wal_senders: 10 } });
  await pg.query(`create role barman login; create role streaming_barman login replication password 'another'`);
  await using vault = await vaultFor(pg);
  expect(await vault.run('setup', 'pg', '--apply')).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^ERROR: role "barman" is not a superuser of the server\nHINT: Name one: --superuser-conninfo/),
  });
  const refused = await vault.run('setup', 'pg', '--apply', '--superuser-conninfo', pg.conninfo({ password: 'secret' }));
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('a password on a command line can be seen') });
  expect(refused.stderr).not.toContain('secret');
  const { steps } = await apply(vault, pg);
  expect(steps.find(({ step }) => step === 'password of role streaming_barman')).toMatchObject({
    state: 'to do',
    remedy: { words: String.raw`Set it in psql on the primary: \password streaming_barman` },
  });
  const { stdout } = await vault.run('setup', 'pg', '--apply', '--superuser-conninfo', pg.conninfo());
  expect(stdout).toContain('role barman: already so\n');
  expect(stdout).toContain('slot barman: already so\n');
});

test('a standby has its roles from the primary, and a slot of its own', async () => {
  await using pg = await startCluster({ segmentSizeMb: 1 });
  await using standby = await createStandby(pg);
  await using vault = await vaultFor(standby);
  const before = await apply(vault, standby);
  const onPrimary = before.steps.filter(
    ({ step, state }) => state === 'to do' && /role/.test(step) && !/^(connection|password)/.test(step),
  );
  expect(onPrimary.map(({ step }) => step)).toEqual([
    'role streaming_barman',
    'role barman',
    'pg_monitor for role barman',
    'pg_switch_wal() for role barman',
    'pg_checkpoint for role barman (from PostgreSQL 15 on)',
  ]);
  expect(before.steps.find(({ step }) => step === 'slot barman')!.state).toBe('done');
  for (const sql of onPrimary.flatMap(({ remedy }) => remedy?.sql ?? [])) await pg.query(sql);
  await standby.waitFor(`select count(*) = 2 from pg_roles where rolname in ('barman', 'streaming_barman')`);
  await standby.waitFor(`select pg_last_wal_replay_lsn() >= '${await pg.value('select pg_current_wal_lsn()')}'`);
  const after = await apply(vault, standby);
  expect(after.steps.filter(({ step, state }) => state === 'to do' && !step.startsWith('password'))).toEqual([]);
});

test('without a slot, and with archive_command', async () => {
  await using pg = await startCluster({ segmentSizeMb: 1, settings: { wal_keep_size: 0 } });
  const section = { conninfo: pg.conninfo(), streaming_archiver: 'on', archiver: 'on' };
  await using vault = await Vault.create({ pg: section });
  const { steps } = await apply(vault, pg);
  const states = Object.fromEntries(steps.map(({ step, state }) => [step, state]));
  expect(states).toMatchObject({ wal_keep_size: 'done', archive_mode: 'done', restart: 'to do' });
  await pg.restart();
  expect(await pg.query(`select current_setting('wal_keep_size') as size, current_setting('archive_mode') as mode`)).toEqual([
    { size: '1GB', mode: 'on' },
  ]);
  const command = (await examine(vault)).of('archive_command');
  expect(command).toMatchObject({ status: 'problem', what: 'archive_command is not set' });
  await follow(command, { pg, vault });
  const segment = await pg.switchWal();
  await vault.succeed('archive-wal', 'pg');
  await expect
    .poll(async () => (await vault.run('archive-wal', 'pg')).stdout + [...vault.segments().keys()].join(' '))
    .toContain(segment);
  expect((await examine(vault)).of('archive_command').status).toBe('ok');
});
