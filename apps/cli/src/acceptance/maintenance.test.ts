import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { plant, Vault } from './vault.test-support.ts';

const section = { conninfo: 'host=127.0.0.1 port=1 user=x', archiver: 'on' };
const one = '000000010000000000000001';
const two = '000000020000000000000002';
const stack = new AsyncDisposableStack();
let vault: Vault;

beforeAll(async () => {
  vault = stack.use(await Vault.create({ pg: section, other: section, idle: { ...section, active: 'off' } }));
});
afterAll(() => stack[Symbol.asyncDispose]());

test('check-wal-archive: an archive that is empty, or not made yet, may be used', async () => {
  expect(await vault.run('check-wal-archive', 'pg')).toMatchObject({
    code: 0,
    stdout: 'Server pg:\n - WAL archive check for server pg passed\n',
    stderr: '',
  });
  expect(JSON.parse(await vault.succeed('-f', 'json', 'check-wal-archive', 'pg'))).toMatchObject({
    pg: 'WAL archive check for server pg passed',
  });
  expect(await vault.run('check-wal-archive', 'idle')).toMatchObject({ code: 0, stdout: "Skipping inactive server 'idle'\n" });
});

test('rebuild-xlogdb lists what is in the archive, for one server or all', async () => {
  await plant(vault.path('wals', one.slice(0, 16)), one, gzipSync('a segment'));
  await plant(vault.path('wals', one.slice(0, 16)), `${one}.00000028.backup`, 'START WAL LOCATION');
  await plant(vault.path('wals', two.slice(0, 16)), `${two}.partial`, 'beginning');
  await plant(vault.path('wals'), '00000002.history', '1\t0/2000000\treason\n');
  const stray = await plant(vault.path('wals', one.slice(0, 16)), 'stray', '');
  // The user that the program runs as need not be the one of the test.
  execFileSync('chmod', ['-R', 'a+rwX', vault.path()]);
  const { code, stdout, stderr } = await vault.run('rebuild-xlogdb', 'all');
  expect(code).toBe(0);
  expect(stdout).toContain(
    'Rebuilding xlogdb for server pg\nDone rebuilding xlogdb for server pg (history: 1, backup_labels: 1, wal_file: 1, partial: 1)\n',
  );
  expect(stdout).toContain('Done rebuilding xlogdb for server other (history: 0, backup_labels: 0, wal_file: 0)\n');
  expect(stderr).toBe(`WARNING: unexpected in the archive, not listed: ${stray}\n`);
  const listed = (await readFile(vault.path('wals', 'xlog.db'), 'utf8')).trimEnd().split('\n');
  expect(listed.map((line) => line.split('\t')[0])).toEqual([
    one,
    `${one}.00000028.backup`,
    '00000002.history',
    `${two}.partial`,
  ]);
  expect(listed[0]?.split('\t')[3]).toBe('gzip');
});

test('check-wal-archive: WAL in the archive, or in its list, is in the way; that of earlier timelines is not', async () => {
  const { code, stdout, stderr } = await vault.run('check-wal-archive', 'pg');
  expect({ code, stdout }).toEqual({ code: 1, stdout: 'Server pg:\n' });
  expect(stderr).toContain('ERROR: WAL archive check failed for server pg: Expected empty archive\n');
  expect(await vault.run('check-wal-archive', '--timeline', '2', 'pg')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('Found 2 files in WAL archive equal to or newer than timeline 2\n'),
  });
  expect(await vault.run('check-wal-archive', '--timeline', '3', 'pg')).toMatchObject({ code: 0 });
  await writeFile(vault.path('wals', 'xlog.db'), '000000030000000000000009\t1\t1.0\tNone\n', { flag: 'a' });
  expect(await vault.run('check-wal-archive', '--timeline', '3', 'pg')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('Found 1 file in WAL archive equal to or newer than timeline 3\n'),
  });
  expect(await vault.run('check-wal-archive', '--timeline', '0', 'pg')).toMatchObject({ code: 2 });
});

test('rebuild-xlogdb of a server that nobody knows ends with 1', async () => {
  expect(await vault.run('rebuild-xlogdb', 'nobody')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("ERROR: Unknown server 'nobody'"),
  });
});
