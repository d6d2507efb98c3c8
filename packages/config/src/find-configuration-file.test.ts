import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findConfigurationFile } from './find-configuration-file.ts';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'walvault-config-'));
});

afterEach(() => {
  rmSync(root, { recursive: true });
});

/** The places in the order in which they are looked at. */
const places = [
  'named/walvault.conf',
  'home/.walvault.conf',
  'etc/walvault.conf',
  'named/barman.conf',
  'home/.barman.conf',
  'etc/barman.conf',
  'etc/barman/barman.conf',
];

function write(place: string): string {
  const path = join(root, place);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, '');
  return path;
}

function find(environment: Record<string, string> = {}, explicit?: string): Promise<string> {
  return findConfigurationFile({
    explicit,
    environment,
    homeDirectory: join(root, 'home'),
    systemDirectory: join(root, 'etc'),
  });
}

describe('findConfigurationFile', () => {
  test.each(places.map((place, index) => ({ place, index })))(
    'takes $place before all that come later',
    async ({ place, index }) => {
      const path = write(place);
      for (const later of places.slice(index + 1)) write(later);
      const environment: Record<string, string> = {};
      if (index === 0) environment['WALVAULT_CONFIG_FILE'] = join(root, 'named/walvault.conf');
      if (index <= 3) environment['BARMAN_CONFIG_FILE'] = join(root, 'named/barman.conf');
      expect(await find(environment)).toBe(path);
    },
  );

  test('takes the file that the user named, whatever else there is', async () => {
    for (const place of places) write(place);
    const path = write('mine.conf');
    expect(await find({ WALVAULT_CONFIG_FILE: join(root, 'named/walvault.conf') }, path)).toBe(path);
    expect(await find({}, relative(process.cwd(), path))).toBe(path);
  });

  test('does not go on to the usual places when the named file is missing', async () => {
    for (const place of places) write(place);
    await expect(find({}, join(root, 'nothing.conf'))).rejects.toMatchObject({
      code: 'ERR_CONFIG_NOT_FOUND',
      message: `configuration file "${join(root, 'nothing.conf')}" does not exist`,
      hint: expect.stringContaining('-c'),
    });
    await expect(find({ WALVAULT_CONFIG_FILE: join(root, 'nothing.conf') })).rejects.toMatchObject({
      code: 'ERR_CONFIG_NOT_FOUND',
      hint: expect.stringContaining('WALVAULT_CONFIG_FILE'),
    });
  });

  test('takes an empty variable as not set', async () => {
    const path = write('home/.barman.conf');
    expect(await find({ WALVAULT_CONFIG_FILE: '', BARMAN_CONFIG_FILE: '' })).toBe(path);
  });

  test('lists every place when there is no file, and says what to do', async () => {
    const error = await find().catch((error: unknown) => error);
    expect(error).toMatchObject({ name: 'ConfigError', code: 'ERR_CONFIG_NOT_FOUND', retry: 'fatal', problems: [] });
    for (const place of places.filter((place) => !place.startsWith('named'))) {
      expect((error as Error).message).toContain(join(root, place));
    }
    expect((error as { hint: string }).hint).toContain('-c FILE');
  });

  test('refuses a directory and a name that cannot be looked up', async () => {
    await expect(find({}, root)).rejects.toMatchObject({
      code: 'ERR_CONFIG_UNREADABLE',
      message: expect.stringContaining('is a directory'),
    });
    await expect(find({}, join(root, 'x'.repeat(300)))).rejects.toMatchObject({
      code: 'ERR_CONFIG_UNREADABLE',
      message: expect.stringContaining('ENAMETOOLONG'),
    });
  });
});
