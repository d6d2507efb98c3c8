import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { describe, expect } from 'vitest';
import { durableRename, durableUnlink, renameFile } from './durable-rename.ts';
import { listenToSystemCalls } from './system-calls.test-support.ts';
import { test } from './test-directory.test-support.ts';

describe('durableRename', () => {
  test('syncs the file before it takes its new name, and the directory after', async ({ directory }) => {
    await writeFile(join(directory, 'a'), 'content');
    await writeFile(join(directory, 'b'), 'replaced');
    using system = await listenToSystemCalls();
    await durableRename(join(directory, 'a'), join(directory, 'b'));
    expect(system.calls).toEqual(['sync a', 'rename a b', `sync ${basename(directory)}`]);
    expect(await readdir(directory)).toEqual(['b']);
    expect(await readFile(join(directory, 'b'), 'utf8')).toBe('content');
  });

  test('spares the sync of content that is durable already', async ({ directory }) => {
    await writeFile(join(directory, 'a'), 'content');
    using system = await listenToSystemCalls();
    await durableRename(join(directory, 'a'), join(directory, 'b'), { contentIsDurable: true });
    expect(system.calls).toEqual(['rename a b', `sync ${basename(directory)}`]);
  });

  test('syncs both directories when they differ, that of the new name first', async ({ directory }) => {
    await mkdir(join(directory, 'from'));
    await mkdir(join(directory, 'to'));
    await writeFile(join(directory, 'from', 'a'), 'content');
    using system = await listenToSystemCalls();
    await durableRename(join(directory, 'from', 'a'), join(directory, 'to', 'b'));
    expect(system.calls).toEqual(['sync a', 'rename a b', 'sync to', 'sync from']);
    expect(await readFile(join(directory, 'to', 'b'), 'utf8')).toBe('content');
  });

  test('does not rename what cannot be synced', async ({ directory }) => {
    await writeFile(join(directory, 'a'), 'content');
    using system = await listenToSystemCalls();
    system.fail('sync', 'EIO');
    await expect(durableRename(join(directory, 'a'), join(directory, 'b'))).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_SYNC_FAILED', path: join(directory, 'a') }),
    );
    expect(await readdir(directory)).toEqual(['a']);
  });

  test('names both files when it fails', async ({ directory }) => {
    const [a, b] = [join(directory, 'a'), join(directory, 'no', 'b')];
    await writeFile(a, '');
    await expect(durableRename(a, b)).rejects.toThrow(
      expect.objectContaining({
        code: 'ERR_PATH_MISSING',
        path: a,
        message: `could not rename to "${b}" the file "${a}": no such file or directory`,
      }),
    );
  });
});

test('renameFile syncs nothing', async ({ directory }) => {
  await writeFile(join(directory, 'a'), 'content');
  using system = await listenToSystemCalls();
  await renameFile(join(directory, 'a'), join(directory, 'b'));
  expect(system.calls).toEqual(['rename a b']);
});

describe('durableUnlink', () => {
  test('removes a file, then syncs the directory', async ({ directory }) => {
    await writeFile(join(directory, 'a'), '');
    using system = await listenToSystemCalls();
    await durableUnlink(join(directory, 'a'));
    expect(system.calls).toEqual(['unlink a', `sync ${basename(directory)}`]);
    expect(await readdir(directory)).toEqual([]);
  });

  test('finds nothing wrong with a file that is not there', async ({ directory }) => {
    await durableUnlink(join(directory, 'a'));
  });

  test('tells what keeps it from removing', async ({ directory }) => {
    await mkdir(join(directory, 'd'));
    await expect(durableUnlink(join(directory, 'd'))).rejects.toThrow(
      expect.objectContaining({ name: 'FileSystemError', path: join(directory, 'd') }),
    );
  });
});
