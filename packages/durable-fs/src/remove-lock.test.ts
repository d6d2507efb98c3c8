import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished } from 'vitest';
import { lockOwner, tryLock } from './file-lock.ts';
import { removeUnusedLock } from './remove-lock.ts';
import { test } from './test-directory.test-support.ts';

test('a lock file that nobody holds goes, whatever it says', async ({ directory }) => {
  const path = join(directory, '.pg-receive-wal.lock');
  await writeFile(path, '1\n');
  expect(await removeUnusedLock(path)).toBe(true);
  expect(await readdir(directory)).toEqual([]);
  expect(await removeUnusedLock(path)).toBe(false);
});

test('a lock that is held by one of ours stays, and is untouched', async ({ directory }) => {
  const path = join(directory, '.pg-receive-wal.lock');
  await using _ = await tryLock(path);
  expect(await removeUnusedLock(path)).toBe(false);
  expect(await readFile(path, 'utf8')).toBe(`${process.pid}\n`);
});

test('a lock that Barman holds by flock(2) stays', async ({ directory }) => {
  const path = join(directory, '.pg-receive-wal.lock');
  await writeFile(path, '4242\n');
  const barman = spawn('flock', ['--nonblock', path, 'sh', '-c', 'echo held; exec sleep 60']);
  onTestFinished(() => void barman.kill('SIGKILL'));
  await once(barman.stdout, 'data');
  expect(await removeUnusedLock(path)).toBe(false);
  expect(await readFile(path, 'utf8')).toBe('4242\n');
  expect(await readdir(directory)).toEqual(['.pg-receive-wal.lock']);
});

test('while others clean again and again, a lock is got, and its file is never taken away from its holder', async ({
  directory,
}) => {
  const path = join(directory, '.pg-receive-wal.lock');
  const over = new AbortController();
  const cleaners = [1, 2].map(async (pauseMs) => {
    let removed = 0;
    for (; !over.signal.aborted; await sleep(pauseMs)) if (await removeUnusedLock(path)) removed += 1;
    return removed;
  });
  try {
    for (let round = 0; round < 100; round += 1) {
      await using lock = await tryLock(path);
      expect(lock, `round ${round}`).toBeDefined();
      await sleep(1);
      expect(existsSync(path)).toBe(true);
      expect(await lockOwner(path)).toEqual({ pid: process.pid, kind: 'fcntl' });
    }
  } finally {
    over.abort();
  }
  expect((await Promise.all(cleaners)).reduce((sum, count) => sum + count)).toBeGreaterThan(10);
});
