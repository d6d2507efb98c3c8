import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory } from '@walvault/testkit';
import { expect, test } from 'vitest';
import { removeSegments } from './segment-remover.ts';

test('takes complete segments away but for the newest, nothing else, and counts them', async () => {
  await using directory = await temporaryDirectory();
  const names = ['000000010000000000000001', '000000010000000000000002', '000000010000000000000003'];
  const others = ['000000010000000000000004.partial', '00000002.history'];
  for (const name of [...names, ...others]) await writeFile(join(directory.path, name), '');
  using remover = removeSegments(directory.path);
  expect(remover.completed).toBe(3);
  await expect.poll(async () => new Set(await readdir(directory.path))).toEqual(new Set([names[2], ...others]));
  expect(remover.completed).toBe(3);
});
