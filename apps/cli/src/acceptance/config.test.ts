/** config check and config show. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { plant, Vault } from './vault.test-support.ts';

const stack = new AsyncDisposableStack();
let vault: Vault;
let included: string;
const good = { conninfo: 'host=127.0.0.1 port=1 user=x password=topsecret', streaming_archiver: 'on', slot_name: 'barman' };

beforeAll(async () => {
  vault = stack.use(await Vault.create({}));
  included = join(vault.home, 'more');
  await mkdir(included);
});

afterAll(() => stack[Symbol.asyncDispose]());

test('a good configuration: the files that were read, the servers, exit code 0', async () => {
  await vault.configure({ pg: good, st: { ...good, slot_nam: 'x' } }, { configuration_files_directory: included });
  const file = await plant(included, 'a.conf', '[third]\nconninfo = postgresql://x@127.0.0.1:1/postgres\narchiver = on\n');
  expect(await vault.run('config', 'check')).toEqual({
    code: 0,
    signal: null,
    stdout: `Configuration file: ${vault.configFile}\nAlso read: ${file}\nThe configuration is valid, with 1 warning: 3 servers (pg, st, third)\n`,
    stderr: `WARNING: ${vault.configFile}:14: [st] slot_nam: is no option that is known; did you mean "slot_name"?\n`,
  });
  expect(await vault.run('-q', 'config', 'check')).toMatchObject({ code: 0, stdout: '' });
  const shown = await vault.succeed('config', 'show', 'third');
  expect(shown).toContain(`[third]\n; ${file}:3\narchiver = on\n; ${file}:2\nconninfo = postgresql://x@127.0.0.1:1/postgres\n`);
  const all = JSON.parse(await vault.succeed('-f', 'json', 'config', 'show', '--all')) as Record<string, Record<string, unknown>>;
  expect(Object.keys(all).toSorted()).toEqual(['_WARNING', 'barman', 'pg', 'st', 'third']);
  expect(all['pg']).toMatchObject({
    conninfo: { value: 'host=127.0.0.1 port=1 user=x password=*REDACTED*', source: `${vault.configFile}:6` },
    archive_workers: { value: 2, source: 'default' },
    archiver: { value: false, source: 'default' },
  });
});

test('a bad one: everything at once, each with file, line, section and option, exit code 1', async () => {
  const directory = join(vault.home, 'empty');
  await mkdir(directory);
  await vault.configure(
    { pg: { ...good, streaming_archiver: 'perhaps', status_interval: '0' }, st: { ...good, compression: 'zip' } },
    { log_level: 'LOUD', configuration_files_directory: directory },
  );
  const { code, stdout, stderr } = await vault.run('config', 'check');
  expect({ code, stdout }).toEqual({
    code: 1,
    stdout: `Configuration file: ${vault.configFile}\nThe configuration cannot be used: 4 problems\n`,
  });
  const errors = stderr.split('\n').filter((line) => line.startsWith('ERROR: '));
  expect(errors.map((line) => /:(\d+): \[(\w+)\] (\w+):/.exec(line)?.slice(2))).toEqual([
    ['barman', 'log_level'],
    ['pg', 'streaming_archiver'],
    ['pg', 'status_interval'],
    ['st', 'compression'],
  ]);
  const json = await vault.run('-f', 'json', 'config', 'check');
  expect(json.code).toBe(1);
  expect(JSON.parse(json.stdout)).toMatchObject({
    configuration: {
      file: vault.configFile,
      valid: false,
      problems: [{ file: vault.configFile, line: expect.any(Number), section: 'barman', option: 'log_level' }, {}, {}, {}],
    },
  });
});

test('a connection string that cannot be used is found without connecting', async () => {
  const file = join(vault.home, 'other.conf');
  await writeFile(
    file,
    `[barman]\nbarman_home = ${vault.home}\n[pg]\nconninfo = host=pg port=many user=x\nwal_conninfo = host='pg\nprimary_conninfo = hots=pg\narchiver = on\n`,
  );
  const { code, stderr } = await vault.run('config', 'check', file);
  expect(code).toBe(1);
  const errors = stderr.split('\n').filter((line) => line.startsWith('ERROR: '));
  expect(errors).toEqual([
    expect.stringMatching(/:4: \[pg\] conninfo: .*port/),
    expect.stringMatching(/:5: \[pg\] wal_conninfo: /),
    expect.stringMatching(/:6: \[pg\] primary_conninfo: .*hots/),
  ]);
});

test('no file, and a file that is none, are errors', async () => {
  expect(await vault.run('config', 'check', '/nowhere/x.conf')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('"/nowhere/x.conf" does not exist'),
  });
  expect(await vault.run('config', 'check', vault.home)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('is a directory'),
  });
  expect(await vault.run('config', 'show', 'nobody')).toMatchObject({ code: 1 });
  expect(await vault.run('config')).toMatchObject({ code: 2 });
});
