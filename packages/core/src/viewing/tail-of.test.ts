import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { tailOf } from './tail-of.ts';

test('gives the last whole lines, of a long file as well, and none of a file that is not there', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'walvault-tail-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const path = join(directory, 'log');
  expect(await tailOf(path, 2)).toEqual([]);
  await writeFile(path, 'a\nb\n\nc\n');
  expect(await tailOf(path, 2)).toEqual(['b', 'c']);
  expect(await tailOf(path, 9)).toEqual(['a', 'b', 'c']);
  const lines = Array.from({ length: 3000 }, (_, index) => `line ${index} ${'x'.repeat(30)}`);
  await writeFile(path, lines.join('\n'));
  const tail = await tailOf(path, 5000);
  expect(tail.length).toBeLessThan(3000);
  expect(tail).toEqual(lines.slice(-tail.length));
  await expect(tailOf(directory, 1)).rejects.toMatchObject({ code: 'ERR_FILE_SYSTEM' });
});
