/** list-processes, terminate-process, lock-directory-cleanup: who is at work, of walvault and of Barman, and what is left behind. */
import { existsSync, readdirSync } from 'node:fs';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { barmanSectionFor, Barman, type Cluster, startAsServerUser, startCluster } from '@walvault/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { commandLine, sectionFor, Vault } from './vault.test-support.ts';

const stack = new AsyncDisposableStack();
let pg: Cluster;
let vault: Vault;

beforeAll(async () => {
  pg = stack.use(await startCluster({ major: 15 }));
  vault = stack.use(await Vault.create({ pg: sectionFor(pg), 'pg-b': sectionFor(pg, { slot_name: 'other' }) }));
});

afterAll(() => stack[Symbol.asyncDispose]());

test('a server is not taken for another whose name begins with its own (Barman issue 1202)', async () => {
  const none = 'No active subprocesses found for server pg.\n';
  expect(await vault.succeed('list-processes', 'pg')).toBe(none);
  await vault.succeed('receive-wal', '--create-slot', 'pg-b');
  const pid = Number(/\(pid (\d+),/.exec(await vault.succeed('receive-wal', 'pg-b'))?.[1]);
  expect(await vault.succeed('list-processes', 'pg')).toBe(none);
  expect(await vault.succeed('list-processes', 'pg-b')).toBe(`Active subprocesses for server pg-b:\n${pid} receive-wal\n`);
  expect(await vault.run('terminate-process', 'pg', 'receive-wal')).toMatchObject({
    code: 1,
    stderr: 'ERROR: Termination of receive-wal failed: no such process for server pg\n',
  });
  expect(commandLine(pid)).toContain('receive-wal');
  expect(JSON.parse(await vault.succeed('-f', 'json', 'list-processes', 'pg-b'))).toEqual({
    'pg-b': [{ name: 'receive-wal', pid }],
  });
  expect(await vault.succeed('terminate-process', 'pg-b', 'receive-wal')).toBe(`Stopped process receive-wal(${pid})\n`);
  await expect.poll(() => commandLine(pid)).toEqual([]);
});

test('a receiver of Barman is listed and can be ended, and its lock stays while it runs', async () => {
  await using barman = await Barman.create({ pg: barmanSectionFor(pg) }, { home: vault.home });
  await barman.succeed('receive-wal', '--create-slot', 'pg');
  await using receiver = await startAsServerUser(barman.argv('receive-wal', 'pg'));
  await receiver.waitForOutput(/starting log streaming/);
  const listed = JSON.parse(await vault.succeed('-f', 'json', 'list-processes', 'pg')) as { pg: { name: string; pid: number }[] };
  expect(listed.pg).toEqual([{ name: 'receive-wal', pid: expect.any(Number) }]);
  await vault.succeed('lock-directory-cleanup');
  expect(existsSync(join(vault.home, '.pg-receive-wal.lock'))).toBe(true);
  expect(await vault.succeed('terminate-process', 'pg', 'receive-wal')).toBe(
    `Stopped process receive-wal(${listed.pg[0]?.pid})\n`,
  );
});

test('the locks that nobody holds are removed, and nothing else', async () => {
  const names = ['.gone-receive-wal.lock', '.pg-20260101T120000.lock', '.pg-xlogdb.lock', '.pg-archive-wal.lock.removed'];
  const others = ['.mine.lock', 'pg-receive-wal.lock', '.pg-receive-wal.locked'];
  for (const name of [...names, ...others]) {
    await writeFile(join(vault.home, name), '1\n');
    await chmod(join(vault.home, name), 0o666);
  }
  const removed = JSON.parse(await vault.succeed('-f', 'json', 'lock-directory-cleanup')) as { removed: readonly string[] };
  expect(removed.removed).toEqual(expect.arrayContaining(names));
  expect(readdirSync(vault.home)).toEqual(expect.arrayContaining(others));
  expect(readdirSync(vault.home).filter((name) => /^\..*-.*\.lock/.test(name) && !others.includes(name))).toEqual([]);
  expect(await vault.run('lock-directory-cleanup')).toMatchObject({ code: 0, stdout: '', stderr: '' });
});

test('what makes no sense is refused', async () => {
  expect(await vault.run('terminate-process', 'pg', 'everything')).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/^ERROR: 'everything' is not a task of a server \(allowed: receive-wal, archive-wal, /),
  });
  expect(await vault.run('terminate-process', 'pg')).toMatchObject({ code: 2 });
  for (const command of [['list-processes'], ['terminate-process', 'receive-wal']])
    expect(await vault.run(command[0]!, 'nobody', ...command.slice(1))).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("Unknown server 'nobody'"),
    });
});
