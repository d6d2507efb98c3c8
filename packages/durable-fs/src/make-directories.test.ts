import { chmod, stat, symlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { expect } from 'vitest';
import { nodeDisk } from './disk.ts';
import { makeDirectories } from './make-directories.ts';
import { listenToSystemCalls } from './system-calls.test-support.ts';
import { test } from './test-directory.test-support.ts';

test('makes what is missing from above, each durable in the one above, and leaves alone what is there', async ({ directory }) => {
  const path = join(directory, 'a', 'b');
  using system = await listenToSystemCalls();
  await makeDirectories(path, { mode: 0o700 });
  expect(system.calls).toEqual([`sync ${basename(directory)}`, 'sync a']);
  expect((await stat(path)).mode & 0o777).toBe(0o700);
  await chmod(path, 0o750);
  await makeDirectories(path, { mode: 0o700 });
  expect((await stat(path)).mode & 0o777).toBe(0o750);
  await symlink(path, join(directory, 'link'));
  await makeDirectories(join(directory, 'link'));
});

test('a file system that has no such directory and makes none is told of, once', async ({ directory }) => {
  const path = join(directory, 'a', 'b');
  const disk = { ...nodeDisk, mkdir: () => Promise.reject(Object.assign(new Error('none'), { code: 'ENOENT' })) };
  await expect(makeDirectories(path, { disk })).rejects.toMatchObject({
    code: 'ERR_PATH_MISSING',
    path,
    message: `could not create the directory "${path}": no such file or directory`,
  });
  // Linux's own.
  await expect(makeDirectories('/proc/no-such-process/x')).rejects.toMatchObject({ code: 'ERR_PATH_MISSING' });
});

test('a file in its place, or above it, is no directory', async ({ directory }) => {
  const file = join(directory, 'file');
  await writeFile(file, '');
  await expect(makeDirectories(file)).rejects.toMatchObject({ message: expect.stringContaining('file exists') as string });
  await expect(makeDirectories(join(file, 'x'))).rejects.toMatchObject({ code: 'ERR_PATH_MISSING' });
});

test('somebody else may make it at the same time', async ({ directory }) => {
  const path = join(directory, 'a', 'b', 'c');
  await Promise.all(Array.from({ length: 8 }, () => makeDirectories(path)));
  expect((await stat(path)).isDirectory()).toBe(true);
});
