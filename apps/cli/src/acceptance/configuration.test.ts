import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runAsServerUser, type TemporaryDirectory, temporaryDirectory } from '@walvault/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Vault } from './vault.test-support.ts';

const stack = new AsyncDisposableStack();
let vault: Vault;
let empty: TemporaryDirectory;
const section = { conninfo: 'host=127.0.0.1 port=1 user=x', streaming_archiver: 'on', slot_name: 'barman' };

beforeAll(async () => {
  empty = stack.use(await temporaryDirectory('empty'));
  vault = stack.use(await Vault.create({ pg: section, st: { ...section, description: 'the second', active: 'off' } }));
});

afterAll(() => stack[Symbol.asyncDispose]());

/** Every command that needs a configuration ends with the same words, with its own exit code. */
const commands: readonly (readonly [code: number, ...args: string[]])[] = [
  [1, 'list-servers'],
  [1, 'cron'],
  [1, 'receive-wal', 'pg'],
  [1, 'archive-wal', 'pg'],
  [255, 'get-wal', 'pg', '000000010000000000000001'],
  [255, 'restore-wal', 'pg', '000000010000000000000001', 'x'],
];

test.for(commands)('a configuration file that is not there: exit code %i from %s', async ([code, ...args]) => {
  const file = join(empty.path, 'no.conf');
  const result = await vault.run('-c', file, ...args);
  expect(result).toMatchObject({ code, stdout: '' });
  expect(result.stderr).toMatch(new RegExp(`^ERROR: .*${file}.*\n(HINT: .+\n)?$`));
});

test('the file that a variable names is found without -c', async () => {
  const argv = vault.argv('list-servers', '--minimal').filter((word) => word !== '-c' && word !== vault.configFile);
  expect(await runAsServerUser(argv, { env: { WALVAULT_CONFIG_FILE: vault.configFile } })).toMatchObject({
    code: 0,
    stdout: 'pg\nst\n',
  });
});

test('a configuration that cannot be read is named', async () => {
  const directory = join(empty.path, 'a.conf');
  await mkdir(directory);
  expect(await vault.run('-c', directory, 'list-servers')).toMatchObject({
    code: 1,
    stderr: `ERROR: configuration file "${directory}" is a directory\n`,
  });
  const binary = join(empty.path, 'b.conf');
  await writeFile(binary, Buffer.of(0xff, 0xfe, 0x00));
  expect(await vault.run('-c', binary, 'list-servers')).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^ERROR: cannot read configuration file ".+b\.conf": it is not UTF-8 text\nHINT: .+\n$/),
  });
  const closed = join(empty.path, 'c.conf');
  await writeFile(closed, '[barman]\n');
  await chmod(closed, 0o000);
  const isReadable = (await runAsServerUser(['test', '-r', closed])).code === 0;
  const { stderr } = await vault.run('-c', closed, 'list-servers');
  expect(stderr).toContain(
    isReadable ? 'barman_home: is required' : `ERROR: cannot read configuration file "${closed}": EACCES\nHINT: `,
  );
});

test('all bad values are told at once, each with its file and line, and nothing is done', async () => {
  await using bad = await Vault.create({
    pg: { ...section, streaming_archiver: 'maybe', status_interval: 'often', slot_name: 'Not-A-Slot' },
  });
  const { code, stdout, stderr } = await bad.run('receive-wal', 'pg');
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toContain(`ERROR: ${bad.configFile}:6: [pg] streaming_archiver: "maybe" is not allowed (allowed: `);
  expect(stderr).toContain(`\n${bad.configFile}:7: [pg] slot_name: "Not-A-Slot" is not allowed (`);
  expect(stderr).toContain(`\n${bad.configFile}:8: [pg] status_interval: "often" is not allowed (`);
  expect(bad.names('streaming')).toEqual([]);
});

test('an option that is misspelt is a warning with the nearest name', async () => {
  await using typo = await Vault.create({ pg: { ...section, streaming_archiver_nam: 'x' } });
  const { code, stdout, stderr } = await typo.run('list-servers');
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'pg\n' });
  expect(stderr).toMatch(/^WARNING: .*walvault\.conf:8: \[pg\] streaming_archiver_nam: .*streaming_archiver_name.*\n$/);
});

test('an unknown server is told with the names that there are', async () => {
  expect(await vault.run('receive-wal', 'nosuch')).toEqual({
    code: 1,
    signal: null,
    stdout: '',
    stderr: `ERROR: Unknown server 'nosuch'\nHINT: Configured in ${vault.configFile}: pg, st.\n`,
  });
  expect(await vault.run('-f', 'json', 'status', 'nosuch')).toMatchObject({
    code: 1,
    stdout: `{"_ERROR":["Unknown server 'nosuch'"],"_ERROR_CODE":["ERR_UNKNOWN_SERVER"],"_HINT":["Configured in ${vault.configFile}: pg, st."]}\n`,
    stderr: '',
  });
});

test('`all` stands for every server where several are possible, and for none elsewhere', async () => {
  expect((await vault.succeed('status', 'all')).match(/^Server .+$/gm)).toEqual(['Server pg:', 'Server st:']);
  expect(await vault.run('status', 'all', 'pg')).toMatchObject({
    code: 1,
    stderr: `ERROR: You cannot use 'all' with other server names\n`,
  });
  expect(await vault.run('archive-wal', 'all')).toMatchObject({
    code: 1,
    stderr: `ERROR: You cannot use 'all' in a single server context\n`,
  });
});

test('list-servers shows names, descriptions, and who is inactive', async () => {
  expect(await vault.succeed('list-servers')).toBe('pg\nst - the second (inactive)\n');
  expect(await vault.succeed('list-servers', '--minimal')).toBe('pg\nst\n');
  expect(JSON.parse(await vault.succeed('-f', 'json', 'list-servers'))).toEqual({
    pg: { description: '', active: true, passive: false },
    st: { description: 'the second (inactive)', active: false, passive: false },
  });
});

test('an inactive server is neither received from nor archived', async () => {
  const receive = await vault.run('receive-wal', 'st');
  expect(receive).toMatchObject({ code: 1, stderr: `ERROR: Skipping inactive server 'st'\n` });
  expect(await vault.run('archive-wal', 'st')).toMatchObject({ code: 0, stdout: `Skipping inactive server 'st'\n` });
});

test('a receiver does not start where streaming_archiver is off', async () => {
  await using off = await Vault.create({ pg: { ...section, streaming_archiver: 'off', archiver: 'on' } });
  expect(await off.run('receive-wal', 'pg')).toMatchObject({
    code: 1,
    stderr:
      `ERROR: Unable to start receive-wal process: streaming_archiver option set to 'off' in walvault configuration file\n` +
      `HINT: Set streaming_archiver = on in section [pg].\n`,
  });
});

test('archive-wal without anything to archive says so', async () => {
  expect(await vault.succeed('archive-wal', 'pg')).toBe('Processing xlog segments from streaming for pg\n\tno file found\n');
  await rm(vault.path(), { recursive: true });
});
