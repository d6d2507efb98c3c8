/** Directories and files that we may not use, or that go away: named, with what to do, and the end of the receiver. */
import { chmod, chown, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Cluster, type ProgramResult, runAsServerUser, serverUser, startCluster } from '@walvault/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { expectSameWal } from './expectations.test-support.ts';
import { caughtUp, commandLine, sectionFor, Vault } from './vault.test-support.ts';

const stack = new AsyncDisposableStack();
const ownerHint = 'Check the owner and the mode of this path, and whether its file system is mounted read-only.';
let pg: Cluster;

beforeAll(async () => {
  pg = stack.use(await startCluster({ segmentSizeMb: 1 }));
  await pg.query(`select pg_create_physical_replication_slot('barman', true)`);
});

afterAll(() => stack[Symbol.asyncDispose]());

afterEach(() => pg.waitFor('select count(*) = 0 from pg_stat_replication'));

/** Makes a path belong to somebody else, where we can, and takes all rights away that its owner has not. */
async function takeAway(path: string, mode: number): Promise<void> {
  if (serverUser() !== undefined) await chown(path, 0, 0);
  await chmod(path, mode);
}

/** Makes a directory that only its mode and owner keep walvault out of. */
async function lockUp(path: string): Promise<void> {
  await mkdir(path, { recursive: true });
  await chmod(dirname(path), 0o777);
  await takeAway(path, 0o555);
}

/** Rights keep nobody out who runs with root's, as the tests must in a checkout that nobody else can reach. */
async function mayWrite(path: string): Promise<boolean> {
  return (await runAsServerUser(['test', '-w', path])).code === 0;
}

function expectRefused(result: ProgramResult, message: string): void {
  expect(result).toMatchObject({ code: 1, stderr: `ERROR: ${message}\nHINT: ${ownerHint}\n` });
}

describe('a receiver does not start', () => {
  test('when its main directory is a file', async () => {
    await using vault = await Vault.create({ pg: sectionFor(pg) });
    await writeFile(vault.path(), 'not a directory');
    expect(await vault.run('receive-wal', 'pg')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^ERROR: could not create the directory ".+": .+\n(HINT: .+\n)?$/),
    });
  });

  test('when it may not write to the streaming directory', async () => {
    await using vault = await Vault.create({ pg: sectionFor(pg) });
    await lockUp(vault.path('streaming'));
    const result = await vault.run('receive-wal', 'pg');
    if (await mayWrite(vault.path('streaming'))) {
      expect(result.code).toBe(0);
      return await vault.stopReceiver(pg);
    }
    expectRefused(result, `ArchiverFailure:could not write to "${vault.path('streaming')}": permission denied`);
    expect(vault.names('streaming')).toEqual([]);
  });

  test('when it may not write to the directory of the server', async () => {
    await using vault = await Vault.create({ pg: sectionFor(pg) });
    await lockUp(vault.path());
    const result = await vault.run('receive-wal', 'pg');
    if (!(await mayWrite(vault.path()))) return expectRefused(result, `could not write to "${vault.path()}": permission denied`);
    expect(result.code).toBe(0);
    return await vault.stopReceiver(pg);
  });

  test.for([
    { file: 'the partial segment', path: (vault: Vault) => partial(vault) },
    { file: 'the pinned identity', path: (vault: Vault) => vault.path('identity.json') },
    { file: 'the lock', path: (vault: Vault) => join(vault.home, '.pg-receive-wal.lock') },
  ])('when somebody else, such as a run as root, owns $file', async ({ path }) => {
    await using vault = await Vault.create({ pg: sectionFor(pg) });
    await vault.startReceiver();
    await caughtUp(pg);
    await vault.stopReceiver(pg);
    const file = path(vault);
    await takeAway(file, 0o400);
    const before = await readFile(partial(vault));
    if (await mayWrite(file)) {
      await vault.startReceiver();
      return await vault.stopReceiver(pg);
    }
    const { code, stderr } = await vault.run('receive-wal', 'pg');
    expect(code).toBe(1);
    expect(stderr).toMatch(new RegExp(`^ERROR: (ArchiverFailure:)?could not .+ "${file}": permission denied\nHINT: .+\n$`));
    expect((await readFile(partial(vault))).equals(before)).toBe(true);
  });
});

function partial(vault: Vault): string {
  return vault.path('streaming', vault.names('streaming').find((name) => name.endsWith('.partial'))!);
}

describe('a receiver at work', () => {
  test('ends with the name of the streaming directory that was deleted, and vouches for nothing that was in it', async () => {
    await using vault = await Vault.create({ pg: sectionFor(pg) });
    const pid = await vault.startReceiver();
    await caughtUp(pg);
    await rename(vault.path('streaming'), vault.path('elsewhere'));
    const acknowledged = await pg.value('select flush_lsn from pg_stat_replication');
    await pg.switchWal();
    await pg.query(`select pg_logical_emit_message(true, 'test', repeat('x', 2000000))`);
    await expect.poll(() => commandLine(pid)).toEqual([]);
    const { phase, lastError, flushedLsn } = await vault.state();
    expect(phase).toBe('failed');
    expect(lastError!.message).toContain(vault.path('streaming'));
    expect(lastError!.hint).not.toBeNull();
    // What fitted into the open file may still have counted; nothing of the segments that have no file did.
    expect(await pg.value('select $1::pg_lsn - $2::pg_lsn <= 1048576', [flushedLsn, acknowledged])).toBe('true');

    await rename(vault.path('elsewhere'), vault.path('streaming'));
    await vault.startReceiver();
    const last = await pg.switchWal();
    await expect.poll(() => vault.names('streaming')).toContain(last);
    await expectSameWal(pg, vault);
    await vault.stopReceiver(pg);
  });

  test('ends also when the whole directory of its server is deleted', async () => {
    await using vault = await Vault.create({ pg: sectionFor(pg) });
    const pid = await vault.startReceiver();
    await caughtUp(pg);
    await rm(vault.path(), { recursive: true });
    await pg.switchWal();
    await pg.query(`select pg_logical_emit_message(true, 'test', repeat('x', 2000000))`);
    await expect.poll(() => commandLine(pid)).toEqual([]);
  });
});
