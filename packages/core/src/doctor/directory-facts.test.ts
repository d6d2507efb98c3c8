import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { lookAtDirectory, tryWriting } from './directory-facts.ts';

let home: string;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'walvault-doctor-'));
});
afterAll(() => rm(home, { recursive: true }));

test('writing is tried without leaving anything, not even for a moment', async () => {
  const before = await stat(home);
  await tryWriting(home);
  expect(await readdir(home)).toEqual([]);
  expect((await stat(home)).mtimeMs).toBe(before.mtimeMs);
});

test('a directory, one that is not there, and what is none', async () => {
  await writeFile(join(home, 'file'), '');
  const look = (name: string) => lookAtDirectory('wals_directory', join(home, name));
  expect(await look('.')).toMatchObject({ stats: { isDirectory: true }, trouble: undefined });
  expect(await look('not/there')).toMatchObject({ stats: undefined, trouble: undefined, space: { hasInodes: true } });
  expect(await look('file')).toMatchObject({ stats: { isDirectory: false } });
  expect((await look('file/below')).trouble?.message).toContain('not a directory');
});

test('a directory that nothing can be written to', async () => {
  // The kernel's own: not even root can make a file there.
  expect((await lookAtDirectory('wals_directory', '/proc/self')).trouble?.message).toMatch(
    /^could not write to "\/proc\/self": /,
  );
});
