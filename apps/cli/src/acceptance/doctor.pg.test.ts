/** `doctor`: faults are planted, it must name them; and what it says to do must help. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { chmod, chown, mkdir, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Cluster, createStandby, runAsServerUser, serverUser, startCluster } from '@walvault/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Examination, examine, follow, type JsonFinding } from './doctor.test-support.ts';
import { caughtUp, sectionFor, Vault } from './vault.test-support.ts';

const stack = new AsyncDisposableStack();
const password = 'Sesam-oeffne-dich';
let pg: Cluster;
let hbaFile: string;
let hbaText: string;

beforeAll(async () => {
  pg = stack.use(await startCluster({ segmentSizeMb: 1 }));
  hbaFile = (await pg.value('SHOW hba_file'))!;
  hbaText = await readFile(hbaFile, 'utf8');
  await pg.query(`create role streamer login replication password '${password}'; create role asker login; grant pg_monitor to asker;
    grant pg_checkpoint to asker; grant execute on function pg_switch_wal() to asker`);
});

afterAll(() => stack[Symbol.asyncDispose]());

afterEach(async () => {
  await writeFile(hbaFile, hbaText);
  await pg.reload();
  await pg.waitFor('select count(*) = 0 from pg_stat_replication');
  await pg.query('select pg_drop_replication_slot(slot_name) from pg_replication_slots');
});

/** The section of a server that is asked and streamed from by roles that are no superusers. */
const section = (more: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> =>
  sectionFor(pg, {
    conninfo: pg.conninfo({ user: 'asker' }),
    streaming_conninfo: pg.conninfo({ user: 'streamer', password }),
    ...more,
  });

/** All files of a directory tree, with their times and sizes. */
async function filesOf(directory: string): Promise<readonly string[]> {
  const names = await readdir(directory, { recursive: true });
  const facts = names.map(async (name) => {
    const { mtimeMs, size, mode } = await stat(join(directory, name));
    return `${name} ${mtimeMs} ${size} ${mode}`;
  });
  return (await Promise.all(facts)).toSorted();
}

describe('where all is well', () => {
  test('nothing is found, and nothing is changed: not on the server, not in the archive', async () => {
    const named = pg.conninfo({ user: 'streamer', password, application_name: 'our_archive' });
    await using vault = await Vault.create({ pg: section({ streaming_conninfo: named }) });
    await vault.startReceiving();
    await pg.switchWal();
    await caughtUp(pg);
    await vault.succeed('archive-wal', 'pg');
    await vault.stopReceiver(pg);
    const lookAtServer = async () =>
      await pg.query(`select to_jsonb(s) as slot, (select count(*) from pg_roles) as roles,
        (select jsonb_agg(setting order by name) from pg_file_settings) as files from pg_replication_slots s`);
    const before = [await lookAtServer(), await filesOf(vault.home)];
    const stopped = await examine(vault);
    expect([await lookAtServer(), await filesOf(vault.home)]).toEqual(before);
    expect(stopped.problems).toEqual(['receiver']);
    expect(stopped.code).toBe(1);

    await follow(stopped.of('receiver'), { pg, vault });
    await expect.poll(async () => (await examine(vault)).problems).toEqual([]);
    const { code, findings } = await examine(vault);
    expect(code).toBe(0);
    expect(findings.filter(({ status }) => status === 'warning')).toEqual([]);
    const { stdout } = await vault.run('doctor', 'pg');
    expect(stdout).toMatch(/^Server pg:\n\tconfiguration: OK /);
    expect(stdout).toContain('\tauthentication (streaming_conninfo): OK the server lets "streamer" in for replication\n');
    expect(stdout).toMatch(/\t0 problems, 0 warnings\n$/);
    await vault.stopReceiver(pg);
  });
});

describe('on the way to the server', () => {
  test('names that are not known, ports that are closed and strings that are wrong are told apart', async () => {
    await using vault = await Vault.create({
      unknown: section({ streaming_conninfo: 'host=no-such-host.invalid user=x' }),
      closed: section({ streaming_conninfo: 'host=127.0.0.1 port=1 user=x' }),
      socket: section({ streaming_conninfo: 'host=/nowhere user=x' }),
      wrong: section({ streaming_conninfo: 'host=127.0.0.1 sslmode=whatever' }),
    });
    const unknown = await examine(vault, 'unknown');
    expect(unknown.of('name resolution', 'streaming_conninfo')).toMatchObject({
      status: 'problem',
      what: expect.stringMatching(/^could not translate host name "no-such-host.invalid" to an address/),
      remedy: { commands: ['getent ahosts no-such-host.invalid'] },
    });
    expect(unknown.of('TCP connection', 'streaming_conninfo')).toMatchObject({
      status: 'skipped',
      what: 'no name leads anywhere',
    });
    expect(unknown.of('wal_level')).toMatchObject({ status: 'ok' });
    expect((await examine(vault, 'closed')).of('TCP connection', 'streaming_conninfo')).toMatchObject({
      status: 'problem',
      what: expect.stringMatching(/port 1 failed: connection refused$/),
      why: expect.stringContaining('nobody listens on port 1'),
      remedy: { sql: expect.arrayContaining([`ALTER SYSTEM SET listen_addresses = '*';`]) },
    });
    expect((await examine(vault, 'socket')).of('TCP connection', 'streaming_conninfo')).toMatchObject({
      status: 'problem',
      remedy: { sql: ['SHOW unix_socket_directories;', 'SHOW port;'] },
    });
    expect((await examine(vault, 'wrong')).of('connection string')).toMatchObject({
      status: 'problem',
      what: expect.stringContaining('sslmode'),
    });
  });

  test('a program that takes the connection and says nothing', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const streaming = `host=127.0.0.1 port=${port} user=x connect_timeout=1 sslmode=disable`;
    await using vault = await Vault.create({ pg: section({ streaming_conninfo: streaming }) });
    const found = await examine(vault);
    expect(found.of('TCP connection', 'streaming_conninfo').status).toBe('ok');
    expect(found.of('authentication', 'streaming_conninfo')).toMatchObject({
      status: 'problem',
      why: expect.stringContaining('nothing is answered on it'),
    });
    server.close();
  });

  test('TLS that the server does not have', async () => {
    await using vault = await Vault.create({
      pg: section({ streaming_conninfo: pg.conninfo({ user: 'streamer', sslmode: 'require' }) }),
    });
    const found = await examine(vault);
    expect(found.of('TLS', 'streaming_conninfo')).toMatchObject({
      status: 'problem',
      what: 'the server does not support TLS',
      remedy: { words: expect.stringContaining('ssl = on') },
    });
    expect(found.of('authentication', 'streaming_conninfo').status).toBe('skipped');
  });

  test('TLS that is as it is asked for, and a certificate of somebody else', async () => {
    await using secure = await startCluster({ segmentSizeMb: 1, tls: true });
    const sslrootcert = secure.tlsAuthorityFile!;
    const verified = secure.conninfo({ sslmode: 'verify-full', sslrootcert });
    const wrongName = secure.conninfo({ sslmode: 'verify-full', sslrootcert, host: 'elsewhere.example', hostaddr: secure.host });
    await using vault = await Vault.create({
      good: sectionFor(secure, { conninfo: verified }),
      bad: sectionFor(secure, { conninfo: wrongName }),
    });
    expect((await examine(vault, 'good')).of('TLS')).toMatchObject({ status: 'ok', what: 'TLSv1.3 (sslmode=verify-full)' });
    expect((await examine(vault, 'bad')).of('TLS')).toMatchObject({
      status: 'problem',
      what: 'the certificate of the server is not made out to "elsewhere.example"',
      remedy: { words: expect.stringContaining('Connect by a name that is in the certificate') },
    });
  });
});

describe('at the door', () => {
  test('the line that pg_hba.conf lacks is given as it must be written, and helps', async () => {
    await using vault = await Vault.create({ pg: section() });
    await writeFile(hbaFile, 'local all all trust\nhost all all samehost trust\n');
    await pg.reload();
    await pg.waitFor(`select count(*) = 2 from pg_hba_file_rules`);
    const refused = (await examine(vault)).of('authentication', 'streaming_conninfo');
    expect(refused).toMatchObject({
      status: 'problem',
      what: expect.stringContaining('no pg_hba.conf entry for replication connection'),
      why: expect.stringContaining('"all" in its database column does not include replication'),
      remedy: { pg_hba: ['host replication streamer 127.0.0.1/32 scram-sha-256'], sql: ['SELECT pg_reload_conf();'] },
    });
    expect(refused.remedy!.words).toContain(`"${hbaFile}"`);
    await follow(refused, { pg, vault });
    await expect.poll(async () => (await examine(vault)).of('authentication', 'streaming_conninfo').status).toBe('ok');
  });

  test('a wrong password, and none, say where the right one belongs, and show none', async () => {
    await writeFile(hbaFile, `host replication all samehost scram-sha-256\n${hbaText}`);
    await pg.reload();
    await using vault = await Vault.create({
      wrong: section({ streaming_conninfo: pg.conninfo({ user: 'streamer', password: 'Mist' }) }),
      none: section({ streaming_conninfo: pg.conninfo({ user: 'streamer' }) }),
      expired: section({ streaming_conninfo: pg.conninfo({ user: 'expired', password: 'Mist' }) }),
    });
    await pg.query(`create role expired login replication password 'Mist' valid until '2020-01-01'`);
    const wrong = (await examine(vault, 'wrong')).of('authentication', 'streaming_conninfo');
    expect(wrong).toMatchObject({ status: 'problem', what: expect.stringContaining('password authentication failed') });
    expect(wrong.remedy!.words).toContain(`127.0.0.1:${pg.port}:replication:streamer:PASSWORD`);
    expect(wrong.remedy!.words).toContain(String.raw`\password streamer`);
    const none = (await examine(vault, 'none')).of('authentication', 'streaming_conninfo');
    expect(none.what).toBe('the server asks for the password of user "streamer", and none is given');
    const expired = (await examine(vault, 'expired')).of('authentication', 'streaming_conninfo');
    expect(expired).toMatchObject({ why: expect.stringContaining('has expired') });
    await follow(expired, { pg, vault });
    expect((await examine(vault, 'expired')).of('authentication', 'streaming_conninfo').status).toBe('ok');
    expect(JSON.stringify([wrong, none, expired])).not.toContain('Mist');
    await pg.query('drop role expired');
  });

  test.for([
    { fault: 'is not there', plant: '', what: 'role "other" does not exist', sql: 'CREATE ROLE other LOGIN REPLICATION;' },
    {
      fault: 'may not log in',
      plant: 'create role other replication',
      what: 'is not permitted to log in',
      sql: 'ALTER ROLE other LOGIN REPLICATION;',
    },
    {
      fault: 'may not stream',
      plant: 'create role other login',
      what: 'permission denied to start WAL sender',
      sql: 'ALTER ROLE other REPLICATION;',
    },
  ])('a role that $fault: the SQL that is given helps', async ({ plant, what, sql }) => {
    if (plant !== '') await pg.query(plant);
    await using vault = await Vault.create({ pg: section({ streaming_conninfo: pg.conninfo({ user: 'other' }) }) });
    const refused = (await examine(vault)).of('authentication', 'streaming_conninfo');
    expect(refused).toMatchObject({ status: 'problem', what: expect.stringContaining(what), remedy: { sql: [sql] } });
    await follow(refused, { pg, vault });
    expect((await examine(vault)).of('authentication', 'streaming_conninfo').status).toBe('ok');
    await pg.query('drop role other');
  });

  test('what the role of conninfo lacks is granted as it says', async () => {
    await pg.query('create role poor login');
    await using vault = await Vault.create({ pg: section({ conninfo: pg.conninfo({ user: 'poor' }) }) });
    const role = (await examine(vault)).of('role');
    expect(role.status).toBe('warning');
    expect(role.remedy!.sql).toHaveLength(3);
    await follow(role, { pg, vault });
    expect((await examine(vault)).of('role').status).toBe('ok');
    await pg.query('drop owned by poor; drop role poor');
  });
});

describe('the slot', () => {
  test('that is missing is made by the SQL that is given, or by the command', async () => {
    await using vault = await Vault.create({ pg: section() });
    const missing = (await examine(vault)).of('slot');
    expect(missing).toMatchObject({ status: 'problem', about: 'barman', what: 'the server has no slot of this name' });
    for (const remedy of [
      { ...missing.remedy!, sql: [] },
      { ...missing.remedy!, commands: [] },
    ]) {
      await follow({ ...missing, remedy }, { pg, vault });
      expect((await examine(vault)).of('slot').status).toBe('ok');
      await pg.query(`select pg_drop_replication_slot('barman')`);
    }
  });

  test('that another receiver uses is named with who it is', async () => {
    await using vault = await Vault.create({ pg: section(), other: section() });
    await vault.succeed('receive-wal', '--create-slot', 'other');
    await vault.succeed('receive-wal', 'other');
    const pid = await pg.value('select active_pid from pg_replication_slots');
    const inUse = (await examine(vault)).of('slot');
    expect(inUse).toMatchObject({
      status: 'problem',
      what: `in use by process ${pid} of the server, application barman_receive_wal, from 127.0.0.1, role streamer`,
      remedy: { sql: [`SELECT pg_terminate_backend(${pid});`] },
    });
    expect((await examine(vault, 'other')).of('slot').status).toBe('ok');
    // Ours waits for it, and does not take it for its own, although both have the same name.
    await using _ = await vault.start('receive-wal', '--foreground', '--wait', 'pg');
    await expect.poll(async () => (await vault.state().catch(() => undefined))?.phase).toBe('waiting');
    // It waits most of the time, and tries in between.
    await expect.poll(async () => (await examine(vault)).problems).toEqual(['slot', 'receiver']);
    await vault.succeed('receive-wal', '--stop', 'other');
  });
});

describe('here', () => {
  test('WAL of another cluster', async () => {
    await using vault = await Vault.create({ pg: section() });
    await vault.startReceiving();
    await vault.stopReceiver(pg);
    const identity = JSON.parse(await readFile(vault.path('identity.json'), 'utf8')) as { systemid: string };
    await writeFile(vault.path('identity.json'), JSON.stringify({ ...identity, systemid: '7000000000000000001' }));
    expect((await examine(vault)).of('system identifier')).toMatchObject({
      status: 'problem',
      what: expect.stringMatching(/belongs to cluster 7000000000000000001$/),
    });
  });

  test('a directory that may not be written to is given back by the commands', async () => {
    await using vault = await Vault.create({ pg: section() });
    await vault.startReceiving();
    await vault.stopReceiver(pg);
    const path = vault.path('streaming');
    if (serverUser() !== undefined) await chown(path, 0, 0);
    await chmod(path, 0o555);
    const found = (await examine(vault)).of('directory', 'streaming_wals_directory');
    // Rights keep nobody out who runs with root's, as the tests must in a checkout that nobody else can reach.
    const mayWrite = (await runAsServerUser(['test', '-w', path])).code === 0;
    expect(found.status).toBe(mayWrite ? 'ok' : 'problem');
    if (mayWrite) return;
    expect(found.what).toBe(`could not write to "${path}": permission denied`);
    expect(found.remedy!.commands).toEqual([`sudo chown "$(id -un)" ${path}`, `sudo chmod u+rwx ${path}`, `findmnt -T ${path}`]);
  });

  test('a segment that a run as root has left closed', async () => {
    await using vault = await Vault.create({ pg: section() });
    await vault.startReceiving();
    await caughtUp(pg);
    await vault.stopReceiver(pg);
    const path = vault.path('streaming', vault.names('streaming').find((name) => name.endsWith('.partial'))!);
    if (serverUser() !== undefined) await chown(path, 0, 0);
    await chmod(path, 0o400);
    // Rights keep nobody out who runs with root's.
    const mayWrite = (await runAsServerUser(['test', '-w', path])).code === 0;
    const { problems, findings } = await examine(vault);
    expect(problems).toEqual(mayWrite ? ['receiver'] : ['file', 'receiver']);
    if (mayWrite) return;
    expect(findings.find(({ step }) => step === 'file')).toMatchObject({
      what: `could not write to "${path}": permission denied`,
      remedy: { commands: [`sudo chown "$(id -un)" ${path}`, `sudo chmod u+rw ${path}`] },
    });
  });

  test('a file system without room', async () => {
    await using vault = await Vault.create({ pg: section() });
    await mkdir(vault.path('streaming'), { recursive: true });
    await chmod(vault.path(), 0o777);
    const words = vault.argv('doctor', '--json', 'pg').map((word) => `"${word}"`);
    const fill = `mount -t tmpfs -o size=256k none "${vault.path('streaming')}" && { cat /dev/zero > "${vault.path('streaming')}/full" || true; }`;
    const { stdout, code } = await runAsServerUser(['unshare', '-Urm', 'sh', '-c', `${fill} && exec ${words.join(' ')}`]);
    // Where nobody may mount anything there is nothing to look at; the judgement has tests of its own.
    const mayMount = (await runAsServerUser(['unshare', '-Urm', 'true'])).code === 0;
    expect(code === 1 && stdout !== '').toBe(mayMount);
    if (!mayMount) return;
    const { pg: result } = JSON.parse(stdout) as { pg: { findings: readonly JsonFinding[] } };
    const found = new Examination(code, result.findings);
    expect(found.of('directory', 'streaming_wals_directory')).toMatchObject({
      status: 'problem',
      what: `could not write to "${vault.path('streaming')}": no space left on device`,
      remedy: { commands: [`df -h ${vault.path('streaming')}`] },
    });
    expect(found.of('disk space', 'streaming_wals_directory')).toMatchObject({
      status: 'problem',
      what: '0 MiB of 0 MiB are free',
    });
  });

  test('segments that nobody archives, and an archive that has a hole', async () => {
    await using vault = await Vault.create({ pg: section({ archive_when_complete: 'off' }) });
    await vault.startReceiving();
    for (let turn = 0; turn < 4; turn += 1) await pg.switchWal();
    await caughtUp(pg);
    await vault.stopReceiver(pg);
    const old = new Date(Date.now() - 3_600_000);
    for (const path of vault.segments().values()) await utimes(path, old, old);
    const waiting = (await examine(vault)).findings.find(({ step, status }) => step === 'archive-wal' && status === 'problem')!;
    expect(waiting.what).toMatch(/^[45] segments wait in streaming, the oldest for 36\d\d s$/);
    await follow(waiting, { pg, vault });
    const archived = await examine(vault);
    expect(archived.problems).toEqual(['receiver']);
    const [, second] = [...vault.segments().values()];
    await rm(second!);
    const damaged = await examine(vault);
    expect(damaged.of('holes')).toMatchObject({
      status: 'problem',
      remedy: { commands: [`walvault -c ${vault.configFile} heal-wal pg`] },
    });
    await follow(damaged.of('holes'), { pg, vault });
    expect((await examine(vault)).of('holes').status).toBe('ok');
  });

  test('files that were left half written are findings, and stay as they are', async () => {
    await using vault = await Vault.create({ pg: section() });
    await vault.startReceiving();
    await pg.switchWal();
    await caughtUp(pg);
    await vault.stopReceiver(pg);
    await vault.succeed('archive-wal', 'pg');
    for (const name of ['holes.json', 'receive-wal.json', 'walvault.sqlite']) await writeFile(vault.path(name), '{"half');
    const before = await filesOf(vault.home);
    const found = await examine(vault);
    expect(await filesOf(vault.home)).toEqual(before);
    expect(found.problems).toEqual(['receiver', 'holes']);
    expect(found.of('holes').what).toContain('does not hold a record of holes');
    expect(found.of('catalogue')).toMatchObject({
      status: 'warning',
      remedy: { commands: [`walvault -c ${vault.configFile} rebuild-catalog pg`] },
    });
    await writeFile(vault.path('identity.json'), '{"half');
    const unknown = await examine(vault);
    expect(unknown.problems).toEqual(['system identifier', 'receiver', 'holes']);
    expect(unknown.of('system identifier').what).toContain('does not hold the identity of a cluster');
    expect(await readFile(vault.path('identity.json'), 'utf8')).toBe('{"half');
  });

  test('a configuration that cannot be used is a finding, too', async () => {
    await using vault = await Vault.create({ pg: section({ compression: 'rar' }) });
    const { code, problems, findings } = await examine(vault);
    expect({ code, problems }).toEqual({ code: 1, problems: ['configuration'] });
    expect(findings[0]!.what).toMatch(/\[pg\] compression: /);
  });
});

test('an unknown server is an error', async () => {
  await using vault = await Vault.create({ pg: section() });
  expect(await vault.run('doctor', 'nosuch')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(`Unknown server 'nosuch'`),
  });
});

test('an old primary after a failover is told from the new one', async () => {
  await using old = await startCluster({ segmentSizeMb: 1 });
  await using standby = await createStandby(old);
  await using vault = await Vault.create({ pg: sectionFor(standby) });
  await standby.promote();
  await vault.startReceiving();
  await standby.switchWal();
  await caughtUp(standby);
  await vault.stopReceiver(standby);
  await vault.configure({ pg: sectionFor(old) });
  expect((await examine(vault)).of('timeline')).toMatchObject({
    status: 'problem',
    what: expect.stringMatching(/on timeline 1, but what is here ends at .+ on timeline 2$/),
    why: expect.stringContaining('old primary'),
  });
  await vault.configure({ pg: sectionFor(standby) });
  expect((await examine(vault)).of('timeline').status).toBe('ok');
});
