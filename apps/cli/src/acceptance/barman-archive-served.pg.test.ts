import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  type Acknowledged,
  type Barman,
  type Cluster,
  fillSegments,
  type ProgramResult,
  runAsServerUser,
  startAsServerUser,
  startCluster,
  startWorkload,
  temporaryDirectory,
  verifyWorkload,
} from '@walvault/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { barmanBeside, custom, localSsh, sharedCompressions, sharedSection, untilStreamed } from './barman.test-support.ts';
import { recover } from './expectations.test-support.ts';
import { sectionFor, Vault } from './vault.test-support.ts';

/**
 * Barman streamed and archived, a few segments in each compression that it knows; then the server sent its segments to Barman's
 * incoming directory by `barman-wal-archive`. The server is gone, and so is Barman: walvault is to serve what they left.
 */
const stack = new AsyncDisposableStack();
const archivedBy = new Map<string, readonly string[]>();
const written = new Map<string, Buffer>();
let vault: Vault;
let barman: Barman;
let acknowledged: Acknowledged;

beforeAll(async () => {
  const settings = { wal_keep_size: '1GB', archive_mode: 'on', archive_command: 'true' };
  await using pg = await startCluster({ major: 15, segmentSizeMb: 1, settings });
  vault = stack.use(await Vault.create({ pg: sectionFor(pg, { archiver: 'on', ...custom }) }));
  barman = stack.use(await barmanBeside(vault, pg));
  await barman.succeed('receive-wal', '--create-slot', 'pg');
  await using receiver = await startAsServerUser(barman.argv('receive-wal', 'pg'));
  await receiver.waitForOutput(/starting log streaming/);
  await using workload = await startWorkload(pg, { pauseMs: 5 });
  await pg.baseBackup(join(vault.home, 'backup'));
  for (const { name, section } of sharedCompressions) {
    await barman.configure({ pg: sharedSection(pg, section) });
    archivedBy.set(name, await streamSome(pg));
  }
  await sendInstead(pg);
  await receiver.kill('SIGINT');
  archivedBy.set('put-wal', await sendSome(pg));
  acknowledged = await workload.stop();
  archivedBy.set('incoming', [await pg.switchWal()]);
  await untilSent(pg, archivedBy.get('incoming')!);
  await barman.configure({ pg: sharedSection(pg) });
  for (const name of await pg.walFiles()) written.set(name, await readFile(join(pg.walDirectory, name)));
});

afterAll(() => stack[Symbol.asyncDispose]());

/** Full segments that Barman has streamed and archived now. It keeps the last one back while no partial one follows. */
async function streamSome(pg: Cluster): Promise<readonly string[]> {
  const full = await fillSegments(pg, 1);
  await untilStreamed(barman, (names) => full.every((name) => names.includes(name)) && names.at(-1)!.endsWith('.partial'));
  const said = await barman.succeed('archive-wal', 'pg');
  expect(said.match(/[0-9A-F]{24}/g)).toEqual(expect.arrayContaining(full));
  return full;
}

/** From now on archive_command sends the segments; from the one on that is streamed too, so that none is missing. */
async function sendInstead(pg: Cluster): Promise<void> {
  const ssh = await localSsh(barman.programDirectory, barman.programDirectory);
  await barman.configure({ pg: sharedSection(pg, { archiver: 'on', compression: 'gzip' }) });
  const send = `PATH="${dirname(ssh)}:$PATH" barman-wal-archive localhost pg %p`;
  await pg.query(`alter system set archive_command = '${send}'`);
  await pg.reload();
  await pg.waitFor(`select current_setting('archive_command') <> 'true'`);
  await untilSent(pg, [await pg.switchWal()]);
}

/** Full segments that came by archive_command, and that Barman has archived. */
async function sendSome(pg: Cluster): Promise<readonly string[]> {
  const full = await fillSegments(pg, 1);
  await untilSent(pg, full);
  await barman.succeed('archive-wal', 'pg');
  return full;
}

async function untilSent(pg: Cluster, names: readonly string[]): Promise<void> {
  await pg.waitFor(`select last_archived_wal >= '${names.at(-1)}' from pg_stat_archiver`);
}

test.each([...sharedCompressions.map(({ name }) => name), 'put-wal', 'incoming'])(
  'walvault gives back what the server wrote and Barman has: %s',
  async (name) => {
    await using target = await temporaryDirectory('target');
    const [segment] = archivedBy.get(name)!;
    const content = written.get(segment!)!;
    await vault.succeed('get-wal', '-o', target.path, 'pg', segment!);
    expect((await readFile(join(target.path, segment!))).equals(content)).toBe(true);
    await vault.succeed('restore-wal', 'pg', segment!, join(target.path, 'RECOVERYXLOG'));
    expect((await readFile(join(target.path, 'RECOVERYXLOG'))).equals(content)).toBe(true);
  },
);

test('status sees all that Barman archived, without a hole', async () => {
  const said = await vault.succeed('status', 'pg');
  // one more may have come in between
  const last = /\tLast WAL in the archive: ([0-9A-F]{24}) /.exec(said)?.[1];
  expect([archivedBy.get('put-wal')!.at(-1), archivedBy.get('incoming')!.at(-1)]).toSatisfy(
    ([first, latest]: string[]) => first! <= last! && last! <= latest!,
  );
  expect(said).toContain('\tHoles in the archive: none\n');
});

/** Runs `barman-wal-restore` with walvault as the `barman` of the other machine, into RECOVERYXLOG of a directory. */
async function restoreByBarmansClient(directory: string, segment: string, ...options: readonly string[]): Promise<ProgramResult> {
  await localSsh(directory, directory);
  await vault.installAs('barman', directory);
  const program = join(barman.programDirectory, 'barman-wal-restore');
  const env = { PATH: `${directory}:${process.env['PATH']}` };
  return runAsServerUser([program, ...options, 'localhost', 'pg', segment, join(directory, 'RECOVERYXLOG')], { env });
}

describe("Barman's client barman-wal-restore, through ssh to walvault", () => {
  test('gets a segment', async () => {
    await using remote = await temporaryDirectory('remote');
    const segment = archivedBy.get('gzip')![0]!;
    expect(await restoreByBarmansClient(remote.path, segment)).toMatchObject({ code: 0 });
    expect((await readFile(join(remote.path, 'RECOVERYXLOG'))).equals(written.get(segment)!)).toBe(true);
  });

  test('gets the next ones in advance', async () => {
    await using remote = await temporaryDirectory('remote');
    const [first] = archivedBy.get('none')!;
    const spool = join(remote.path, 'spool');
    expect(await restoreByBarmansClient(remote.path, first!, '-p', '3', '--spool-dir', spool)).toMatchObject({ code: 0 });
    const ahead = (await readdir(spool)).filter((name) => written.has(name)).toSorted();
    expect(ahead).toHaveLength(2);
    expect(ahead.every((name) => name > first!)).toBe(true);
    for (const name of ahead) expect((await readFile(join(spool, name))).equals(written.get(name)!), name).toBe(true);
  });

  test('is told that a segment is not there', async () => {
    await using remote = await temporaryDirectory('remote');
    expect(await restoreByBarmansClient(remote.path, '000000010000000000000FFF')).toMatchObject({ code: 1 });
  });
});

test('walvault makes xlog.db anew as Barman does', async () => {
  const rebuilt = async (program: Vault | Barman): Promise<readonly string[]> => {
    const said = await program.succeed('rebuild-xlogdb', 'pg');
    return [said, ...(await readFile(vault.path('wals', 'xlog.db'), 'utf8')).split('\n').toSorted()];
  };
  expect(await rebuilt(vault)).toEqual(await rebuilt(barman));
});

test('walvault reads every record of what Barman archived, and knows it afterwards', async () => {
  const count = [...vault.segments().values()].filter((path) => path.startsWith(vault.path('wals'))).length;
  const said = await vault.succeed('rebuild-catalog', 'pg');
  expect(said).toContain(`Done: ${count} segments are in the catalogue of server pg\n`);
  expect(await vault.succeed('verify-wal', 'pg')).toMatch(/^Verdict: good \(\d+ good, 0 bad, 0 unknown, 0 holes\)$/m);
  expect(await vault.succeed('show-wal', 'pg')).toContain(archivedBy.get('custom')![0]!.slice(0, 8));
});

test.each(['', '--timeline=1', '--timeline=2'])('check-wal-archive says what Barman says: %s', async (option) => {
  const args = ['check-wal-archive', ...(option === '' ? [] : [option]), 'pg'];
  const [ours, barmans] = [await vault.run(...args), await barman.run(...args)];
  expect({ code: ours.code, stdout: ours.stdout }).toEqual({ code: barmans.code, stdout: barmans.stdout });
  expect(ours.stderr.split('\n')[0]).toBe(barmans.stderr.split('\n')[0]);
});

test('a server recovers from it by restore-wal, and no acknowledged row is missing', async () => {
  const settings = { restore_command: vault.restoreCommand() };
  const recovery = await recover(join(vault.home, 'backup'), { segmentSizeMb: 1, settings });
  if ('log' in recovery) throw new Error(recovery.log);
  await using server = recovery.server;
  expect(acknowledged.count).toBeGreaterThan(0);
  expect((await verifyWorkload(server, acknowledged)).lost).toEqual([]);
});
