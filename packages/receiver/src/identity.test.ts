import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { pinIdentity, readIdentity } from './identity.ts';
import { test } from './test-directory.test-support.ts';

const cluster = { systemIdentifier: 18_446_744_073_709_551_615n, version: '18' };

test('the first contact writes what Barman would write, readable for its group', async ({ directory }) => {
  const path = join(directory, 'identity.json');
  await pinIdentity(path, cluster);
  expect(JSON.parse(await readFile(path, 'utf8'))).toEqual({ systemid: '18446744073709551615', version: '18' });
  expect((await stat(path)).mode & 0o777).toBe(0o640 & ~process.umask());
  expect(await readIdentity(path)).toEqual(cluster);
  expect(await readdir(directory)).toEqual(['identity.json']);
});

test('the same cluster is welcome again, also as a newer major version, and nothing is written', async ({ directory }) => {
  const path = join(directory, 'identity.json');
  await writeFile(path, '{"systemid": "18446744073709551615", "version": "9.6"}');
  await pinIdentity(path, cluster);
  expect(await readFile(path, 'utf8')).toBe('{"systemid": "18446744073709551615", "version": "9.6"}');
});

test('another cluster is refused, and both are named', async ({ directory }) => {
  const path = join(directory, 'identity.json');
  await pinIdentity(path, cluster);
  await expect(pinIdentity(path, { systemIdentifier: 42n, version: '18' })).rejects.toThrow(
    expect.objectContaining({
      name: 'ReceiverError',
      code: 'ERR_OTHER_CLUSTER',
      retry: 'fatal',
      path,
      message: `the server has system identifier 42, but "${path}" belongs to cluster 18446744073709551615`,
    }),
  );
  expect(await readIdentity(path)).toEqual(cluster);
});

test('no file is no identity', async ({ directory }) => {
  expect(await readIdentity(join(directory, 'identity.json'))).toBeUndefined();
});

describe('a file that holds no identity is an error, never a first contact', () => {
  test.for([
    '',
    '{"systemid": "1"',
    '[]',
    'null',
    '"7"',
    '{}',
    '{"systemid": "", "version": "15"}',
    '{"systemid": "-5", "version": "15"}',
    '{"systemid": "0x10", "version": "15"}',
    '{"systemid": 7711030578120921605, "version": "15"}',
    '{"systemid": "123456789012345678901", "version": "15"}',
  ])('%s', async (text, { directory }) => {
    const path = join(directory, 'identity.json');
    await writeFile(path, text);
    await expect(pinIdentity(path, cluster)).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_IDENTITY_FILE', retry: 'fatal', path }),
    );
    expect(await readFile(path, 'utf8')).toBe(text);
  });

  test('nor is one that cannot be read', async ({ directory }) => {
    await expect(readIdentity(directory)).rejects.toThrow(expect.objectContaining({ code: 'ERR_FILE_SYSTEM', path: directory }));
  });
});
