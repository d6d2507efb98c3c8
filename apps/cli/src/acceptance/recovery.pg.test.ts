import { cp, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Cluster, fillSegments, startCluster, temporaryDirectory } from '@walvault/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { recover, type Recovery } from './expectations.test-support.ts';
import { caughtUp, sectionFor, Vault } from './vault.test-support.ts';

/** An archive with a base backup before it and a row in the segment that is still a partial one; the server is gone. */
const stack = new AsyncDisposableStack();
let vault: Vault;
let archived: readonly string[];

beforeAll(async () => {
  await using pg: Cluster = await startCluster({ segmentSizeMb: 1 });
  vault = stack.use(await Vault.create({ pg: sectionFor(pg, { compression: 'gzip' }) }));
  await vault.startReceiving();
  await pg.query('create table marks (name text)');
  await pg.baseBackup(join(vault.home, 'backup'));
  await fillSegments(pg, 2);
  await pg.query(`insert into marks values ('complete')`);
  await pg.switchWal();
  await pg.query(`insert into marks values ('partial')`);
  await caughtUp(pg);
  await vault.succeed('receive-wal', '--stop', 'pg');
  await vault.succeed('archive-wal', 'pg');
  archived = [...vault.segments().keys()];
  expect(archived.length).toBeGreaterThanOrEqual(3);
});

afterAll(() => stack[Symbol.asyncDispose]());

/** Recovers a copy of the backup; gives the marks that it has, or the log when it stopped. */
async function recoverCopy(restoreCommand: string): Promise<readonly unknown[] | { readonly log: string }> {
  await using home = await temporaryDirectory('recovered');
  const data = join(home.path, 'data');
  await cp(join(vault.home, 'backup'), data, { recursive: true, preserveTimestamps: true });
  const recovery: Recovery = await recover(data, { segmentSizeMb: 1, settings: { restore_command: restoreCommand } });
  if ('log' in recovery) return recovery;
  await using server = recovery.server;
  return (await server.query('select name from marks')).map(({ name }) => name);
}

async function without<T>(path: string, work: () => Promise<T>): Promise<T> {
  await rename(path, `${path}.away`);
  try {
    return await work();
  } finally {
    await rename(`${path}.away`, path);
  }
}

test('a server recovers to the end of the complete segments, and is told of the partial one', async () => {
  expect(await recoverCopy(vault.restoreCommand())).toEqual(['complete']);
});

test('with --partial a server recovers to the last commit that was received', async () => {
  expect(await recoverCopy(vault.restoreCommand('--partial'))).toEqual(['complete', 'partial']);
});

test('at a hole a server stops and does not promote', async () => {
  const missing = archived.at(-2)!;
  const outcome = await without(vault.segments().get(missing)!, async () => recoverCopy(vault.restoreCommand('--partial')));
  expect(outcome).toMatchObject({ log: expect.stringContaining(`ERROR: WAL file "${missing}" is missing, but `) });
  expect(outcome).toMatchObject({
    log: expect.stringMatching(
      /FATAL: {2}could not restore file "[0-9A-F]{24}" from archive: child process exited with exit code 255/,
    ),
  });
});

test('restore-wal: 0 with the file in place', async () => {
  await using target = await temporaryDirectory('target');
  const result = await vault.runWith({ cwd: target.path }, 'restore-wal', 'pg', archived[0]!, 'RECOVERYXLOG');
  expect(result).toEqual({ code: 0, signal: null, stdout: '', stderr: '' });
});

test('restore-wal: 1 behind the end of the archive, with a word about the partial segment', async () => {
  const partial = vault.names('streaming').find((name) => name.endsWith('.partial'))!;
  const name = partial.replace('.partial', '');
  const { code, stdout, stderr } = await vault.run('restore-wal', 'pg', name, '/nowhere');
  expect(code).toBe(1);
  expect(stdout).toBe(`WAL file '${name}' is not in the archive of server 'pg', which ends before it\n`);
  expect(stderr).toBe(`WARNING: "${vault.path('streaming', partial)}" holds newer WAL; use restore-wal --partial to replay it\n`);
});

test('restore-wal: 255 for the segment that was being received and is gone: its commits were vouched for', async () => {
  const partial = vault.names('streaming').find((name) => name.endsWith('.partial'))!;
  const restore = async (): ReturnType<Vault['run']> =>
    vault.run('restore-wal', '--partial', 'pg', partial.replace('.partial', ''), '/nowhere');
  expect(await without(vault.path('streaming', partial), restore)).toMatchObject({
    code: 255,
    stderr: expect.stringMatching(/^ERROR: .+\nHINT: .+\n$/),
  });
});

/** Ways to be in trouble, and what is said about each. PostgreSQL must not take any of them for the end of the archive. */
const troubles: readonly { name: string; args: () => readonly string[]; says: string }[] = [
  { name: 'usage error', args: () => ['restore-wal', 'pg'], says: `error: missing required argument 'wal-file'` },
  {
    name: 'unknown option',
    args: () => ['restore-wal', '--nonsense', 'pg', archived[0]!, 'x'],
    says: `error: unknown option '--nonsense'`,
  },
  {
    name: 'unknown server',
    args: () => ['restore-wal', 'qg', archived[0]!, 'x'],
    says: `ERROR: Unknown server 'qg'\nHINT: Configured in `,
  },
  { name: 'bad name', args: () => ['restore-wal', 'pg', 'nonsense', 'x'], says: 'ERROR: ' },
  { name: 'no configuration', args: () => ['-c', '/nowhere/x.conf', 'restore-wal', 'pg', archived[0]!, 'x'], says: 'ERROR: ' },
  {
    name: 'destination not writable',
    args: () => ['restore-wal', 'pg', archived[0]!, '/proc/1/x/y'],
    says: 'ERROR: could not write ',
  },
];

test.each(troubles)('restore-wal: 255 for trouble: $name', async ({ args, says }) => {
  const { code, stderr } = await vault.run(...args());
  expect(stderr).toContain(says);
  expect(code).toBe(255);
});

test('restore-wal: 255 when the archive is gone or cannot be looked into', async () => {
  const wals = vault.path('wals');
  const restore = async (): ReturnType<Vault['run']> =>
    vault.run('restore-wal', '--retry-for', '0', 'pg', archived[0]!, '/nowhere');
  expect(await without(wals, restore)).toMatchObject({ code: 255, stderr: expect.stringContaining('ERROR: ') });
  // A mode would not stop everybody; a file in the place of a directory does.
  const directory = dirname(vault.segments().get(archived[0]!)!);
  const blocked = await without(directory, async () => {
    await writeFile(directory, '');
    const result = await restore();
    await rename(directory, join(vault.home, 'blocker'));
    return result;
  });
  expect(blocked).toMatchObject({ code: 255, stderr: expect.stringContaining('ERROR: ') });
});

test('restore-wal: a signal ends the wait for an archive that is away, with a code above 125', async () => {
  await without(vault.path('wals'), async () => {
    await using waiting = await vault.start('restore-wal', '--retry-for', '600', 'pg', archived[0]!, '/nowhere');
    await waiting.waitForOutput(/trying again/);
    expect(await waiting.kill('SIGTERM')).toMatchObject({ code: 255 });
  });
});

test('restore-wal --print-command: one line; what it cannot print is said', async () => {
  expect(await vault.succeed('restore-wal', '--print-command', 'pg')).toMatch(/^restore_command = '.*'\n$/);
  expect(await vault.run('restore-wal', '--print-command', '--spool-dir', 'here', 'pg')).toMatchObject({
    code: 2,
    stderr: 'ERROR: "here" is no absolute path\nHINT: Give --spool-dir an absolute path.\n',
  });
  expect(await vault.run('restore-wal', '--prefetch', 'much', 'pg', archived[0]!, '/nowhere')).toMatchObject({
    code: 255,
    stderr: expect.stringContaining('Give a number of bytes'),
  });
});

test.each([
  { name: 'a defect', code: `throw new Error('boom')` },
  { name: 'a promise that nobody waits for', code: `Promise.reject(new Error('boom'))` },
])('restore-wal: 255 when walvault itself breaks by $name', async ({ code }) => {
  await using home = await temporaryDirectory('broken');
  const trap = join(home.path, 'trap.mjs');
  await writeFile(trap, `setImmediate(() => { ${code}; });`);
  const result = await vault.runWith(
    { env: { NODE_OPTIONS: `--import=file://${trap}` } },
    'restore-wal',
    'pg',
    archived[0]!,
    '/nowhere',
  );
  expect(result).toMatchObject({ code: 255, stderr: expect.stringContaining('ERROR: unexpected: Error: boom') });
});
