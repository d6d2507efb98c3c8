import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { readDirectory, readStart } from './read-directory.ts';
import { test } from './test-directory.test-support.ts';

test('a directory gives its entries, and says which of them are files', async ({ directory }) => {
  await mkdir(join(directory, 'd'));
  await writeFile(join(directory, 'f'), '');
  const entries = await readDirectory(directory);
  expect(Object.fromEntries(entries.map((entry) => [entry.name, entry.isFile()]))).toEqual({ d: false, f: true });
});

test('a directory that is not there is named', async ({ directory }) => {
  const path = join(directory, 'no');
  await expect(readDirectory(path)).rejects.toThrow(
    expect.objectContaining({
      code: 'ERR_PATH_MISSING',
      path,
      message: `could not read the directory "${path}": no such file or directory`,
    }),
  );
});

test('the start of a file comes with the size of the whole', async ({ directory }) => {
  const path = join(directory, 'f');
  await writeFile(path, '0123456789');
  expect(await readStart(path, 4)).toEqual({ size: 10, bytes: Buffer.from('0123') });
  expect(await readStart(path, 40)).toEqual({ size: 10, bytes: Buffer.from('0123456789') });
  expect(await readStart(path, 0)).toEqual({ size: 10, bytes: Buffer.alloc(0) });
});

test('a file that is not there has no start', async ({ directory }) => {
  const path = join(directory, 'f');
  await expect(readStart(path, 1)).rejects.toThrow(expect.objectContaining({ code: 'ERR_PATH_MISSING', path }));
});
