/** What Node has compiled is kept for the next start, where that is safe. */
import { execFile } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type TemporaryDirectory, temporaryDirectory } from '@walvault/testkit';
import { expect, test } from 'vitest';
import { executable } from '../background.ts';

/** Runs the program with these variables and no others. */
async function versionWith(env: Readonly<Record<string, string>>): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [executable, '--version'], { env: { ...env } });
  expect(stderr).toBe('');
  return stdout;
}

/** A directory of this user. */
async function ownDirectory(): Promise<TemporaryDirectory> {
  const directory = await temporaryDirectory('walvault-home-');
  chownSync(directory.path, process.getuid?.() ?? 0, process.getgid?.() ?? 0);
  chmodSync(directory.path, 0o700);
  return directory;
}

test('in a directory of the user below his home', async () => {
  await using home = await ownDirectory();
  expect(await versionWith({ HOME: home.path })).toMatch(/^walvault \d/);
  const directory = join(home.path, '.cache', 'walvault', 'compiled');
  expect(statSync(directory).mode & 0o777).toBe(0o700);
  expect(readdirSync(directory)).not.toEqual([]);
});

test('in the directory for caches that there is, of a service or of the user', async () => {
  await using cache = await ownDirectory();
  await using other = await ownDirectory();
  await versionWith({ HOME: '/nonexistent', XDG_CACHE_HOME: other.path, CACHE_DIRECTORY: cache.path });
  expect(readdirSync(join(cache.path, 'walvault', 'compiled'))).not.toEqual([]);
  expect(readdirSync(other.path)).toEqual([]);
});

test('nowhere, without a word, where others may write or nothing can be written', async () => {
  await using home = await ownDirectory();
  chmodSync(home.path, 0o770);
  await versionWith({ HOME: home.path });
  expect(readdirSync(home.path)).toEqual([]);

  chmodSync(home.path, 0o700);
  const directory = join(home.path, '.cache', 'walvault', 'compiled');
  mkdirSync(directory, { recursive: true });
  chmodSync(directory, 0o777);
  await versionWith({ HOME: home.path });
  expect(readdirSync(directory)).toEqual([]);

  expect(existsSync('/nonexistent')).toBe(false);
  await versionWith({ HOME: '/nonexistent' });
  await versionWith({ HOME: '' });
  await versionWith({});
});
