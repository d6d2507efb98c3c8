import { writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { expect } from 'vitest';
import { syncDirectory, syncFile, syncParent } from './sync.ts';
import { listenToSystemCalls } from './system-calls.test-support.ts';
import { test } from './test-directory.test-support.ts';

test('syncs a file, a directory, and the directory of a file', async ({ directory }) => {
  await writeFile(join(directory, 'f'), 'x');
  using system = await listenToSystemCalls();
  await syncFile(join(directory, 'f'));
  await syncDirectory(directory);
  await syncParent(join(directory, 'f'));
  expect(system.calls).toEqual(['sync f', `sync ${basename(directory)}`, `sync ${basename(directory)}`]);
});

test('a failed sync is an error of its own, whatever the errno', async ({ directory }) => {
  using system = await listenToSystemCalls();
  system.fail('sync', 'EDQUOT');
  await expect(syncDirectory(directory)).rejects.toThrow(
    expect.objectContaining({ code: 'ERR_SYNC_FAILED', retry: 'fatal', path: directory }),
  );
});

test('what is not there cannot be synced', async ({ directory }) => {
  await expect(syncFile(join(directory, 'f'))).rejects.toThrow(
    expect.objectContaining({
      code: 'ERR_PATH_MISSING',
      message: `could not open "${join(directory, 'f')}": no such file or directory`,
    }),
  );
});
