import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory } from '@walvault/testkit';
import { expect, test } from 'vitest';
import { BenchFailure } from './failure.ts';
import { receivingDirectory } from './receiving-directory.ts';

test('is made in the place that was named, and goes when it is disposed', async () => {
  await using place = await temporaryDirectory();
  const directory = await receivingDirectory(place.path);
  expect(await readdir(place.path)).toEqual([directory.path.slice(place.path.length + 1)]);
  await directory[Symbol.asyncDispose]();
  expect(await readdir(place.path)).toEqual([]);
});

test('goes too when the bench is killed', async () => {
  await using place = await temporaryDirectory();
  const script = `
    const { receivingDirectory } = await import('${join(import.meta.dirname, 'receiving-directory.ts')}');
    console.log((await receivingDirectory('${place.path}')).path);
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--conditions=@walvault/source', '--input-type=module', '-e', script]);
  const [text] = (await once(child.stdout, 'data')) as [Buffer];
  const path = text.toString().trim();
  expect(existsSync(path)).toBe(true);
  child.kill('SIGKILL');
  await expect.poll(() => existsSync(path)).toBe(false);
});

test('says so where none can be made', async () => {
  const missing = receivingDirectory('/nowhere/at/all');
  await expect(missing).rejects.toThrow(BenchFailure);
  await expect(missing).rejects.toThrow('nothing can be received to --directory "/nowhere/at/all"');
});
