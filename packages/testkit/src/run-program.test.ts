import { chmod, mkdir, readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findProgram, runAsServerUser, serverUser, startAsServerUser, temporaryDirectory } from './index.ts';
import { processesBelow } from './processes.ts';

test('runs a program to its end as the user that servers run as', async () => {
  const result = await runAsServerUser(['sh', '-c', 'id -u; cat; echo oops >&2; exit 3'], { input: 'fed' });
  const uid = serverUser()?.uid ?? process.getuid!();
  expect(result).toEqual({ code: 3, signal: null, stdout: `${uid}\nfed`, stderr: 'oops\n' });
});

test('passes on the environment less what would steer PostgreSQL, plus what was asked for', async () => {
  process.env['PGHOST'] = 'elsewhere';
  const { stdout } = await runAsServerUser(['env'], { env: { GREETING: 'hi', TERM: undefined } });
  delete process.env['PGHOST'];
  expect(stdout).toContain('GREETING=hi\n');
  expect(stdout).not.toMatch(/^PGHOST=|^TERM=/m);
});

test('kills a program that takes too long', async () => {
  expect(await runAsServerUser(['sleep', '60'], { timeoutMs: 50 })).toMatchObject({ code: null, signal: 'SIGKILL' });
});

test('does not wait for a daemon that holds the output open longer than it was told to', async () => {
  await using directory = await temporaryDirectory();
  const argv = ['sh', '-c', 'setsid sleep 1000 & echo started'];
  expect(await runAsServerUser(argv, { timeoutMs: 1500, cwd: directory.path })).toMatchObject({ code: 0, stdout: 'started\n' });
});

test('says that a program is not there', async () => {
  await expect(runAsServerUser(['/no/such/program'])).rejects.toMatchObject({ code: 'ENOENT' });
});

test('waits for the output of a program in the background, then stops it', async () => {
  await using program = await startAsServerUser([
    'sh',
    '-c',
    'trap "echo bye; exit 7" TERM; echo number 42; while :; do sleep 0.05; done',
  ]);
  expect((await program.waitForOutput(/number (\d+)/))[1]).toBe('42');
  await expect(program.waitForOutput(/never/, 20)).rejects.toThrow('number 42');
  expect(await program.kill()).toMatchObject({ code: 7, stdout: 'number 42\nbye\n' });
  await expect(program.waitForOutput(/never/)).rejects.toThrow('the program ended with 7');
});

test('kills what the program started, too', async () => {
  await using directory = await temporaryDirectory();
  const program = await startAsServerUser(['sh', '-c', 'sleep 60 & echo started; wait'], { cwd: directory.path });
  await program.waitForOutput(/started/);
  expect(processesBelow(directory.path).length).toBe(2);
  await program[Symbol.asyncDispose]();
  await expect.poll(() => processesBelow(directory.path)).toEqual([]);
});

test('a temporary directory belongs to that user and goes with all that works in it', async () => {
  const directory = await temporaryDirectory('mine');
  const { uid } = await stat(directory.path);
  expect(uid).toBe(serverUser()?.uid ?? process.getuid!());
  await using worker = await startAsServerUser(['sh', '-c', 'echo here > file; echo ready; sleep 60'], { cwd: directory.path });
  await worker.waitForOutput(/ready/);
  expect(await readFile(join(directory.path, 'file'), 'utf8')).toBe('here\n');
  await directory[Symbol.asyncDispose]();
  await directory[Symbol.asyncDispose]();
  expect(await worker.exited).toMatchObject({ code: null });
  await expect(readdir(directory.path)).rejects.toMatchObject({ code: 'ENOENT' });
});

test('reaches a program below a directory that is closed to that user', async () => {
  await using directory = await temporaryDirectory('closed');
  const program = join(directory.path, 'private/program');
  await mkdir(join(directory.path, 'private'));
  await writeFile(program, '#!/bin/sh\nid -u\n', { mode: 0o755 });
  await chmod(join(directory.path, 'private'), 0o700);
  expect(await runAsServerUser([program])).toMatchObject({ code: 0, stdout: `${serverUser()?.uid ?? process.getuid!()}\n` });
});

test('finds the programs of a PostgreSQL distribution, ready to run', async () => {
  const { path, env } = findProgram('pg_receivewal');
  const { stdout } = await runAsServerUser([path, '--version'], { env });
  expect(stdout).toMatch(/^pg_receivewal \(PostgreSQL\) 1\d/);
  expect(() => findProgram('pg_unheard_of')).toThrow('run "node scripts/debian-tools.mjs"');
});
