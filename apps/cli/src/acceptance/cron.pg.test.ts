import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Cluster, fillSegments, runAsServerUser, startAsServerUser, startCluster } from '@walvault/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectSameWal } from './expectations.test-support.ts';
import { caughtUp, commandLine, killHard, sectionFor, Vault } from './vault.test-support.ts';

const stack = new AsyncDisposableStack();
let pg: Cluster;
let vault: Vault;

beforeAll(async () => {
  pg = stack.use(await startCluster({ segmentSizeMb: 1 }));
  vault = stack.use(await Vault.create({ pg: sectionFor(pg, { create_slot: 'auto' }) }));
});

afterAll(() => stack[Symbol.asyncDispose]());

const archiving = 'Starting WAL archiving for server pg\n';
const receiving = 'Starting streaming archiver for server pg\n';

/** PIDs of the receivers of `pg`, as the process list has them. */
function receivers(): readonly number[] {
  return vault.processes().filter((pid) => commandLine(pid).includes('receive-wal'));
}

/** Calls cron when no archiver of the cron before is at work any more: what it says would hang on that. */
async function cron(...options: readonly string[]): ReturnType<Vault['run']> {
  await expect.poll(() => vault.processes().filter((pid) => commandLine(pid).includes('archive-wal'))).toEqual([]);
  return vault.run(...options, 'cron');
}

async function streamingPid(): Promise<number> {
  const { pid } = await vault.reaches({ phase: 'streaming' });
  expect(await vault.lockedBy()).toBe(pid);
  return pid;
}

test('cron starts the receiver, and the next cron finds it at work', async () => {
  expect(await cron()).toMatchObject({ code: 0, stdout: archiving + receiving, stderr: '' });
  const pid = await streamingPid();
  expect(await cron()).toMatchObject({ code: 0, stdout: archiving, stderr: '' });
  expect(await cron('-q')).toMatchObject({ code: 0, stdout: '', stderr: '' });
  await expect.poll(() => vault.processes()).toEqual([pid]);
  expect(await streamingPid()).toBe(pid);
});

test('cron archives what is complete', async () => {
  const full = await fillSegments(pg, 3);
  await caughtUp(pg);
  await expect.poll(() => vault.names('streaming')).toEqual(expect.arrayContaining([full.at(-1)]));
  await vault.succeed('cron');
  await expect.poll(() => vault.names('streaming')).toEqual([expect.stringMatching(/\.partial$/)]);
  expect(await expectSameWal(pg, vault)).toEqual(expect.arrayContaining([...full]));
});

test('a receiver that was killed comes back with the next cron, and goes on without a hole', async () => {
  const dead = await streamingPid();
  await killHard(dead);
  const meanwhile = await fillSegments(pg, 1);
  expect(await vault.succeed('status', 'pg')).toMatch(/\tReceiver: not running \(died \d+ s ago\)\n/);
  const told = await cron();
  expect(told).toMatchObject({ code: 1, stdout: archiving + receiving });
  expect(told.stderr).toMatch(/^ERROR: receive-wal of server pg, started by cron at 20\S+Z, was killed, or has crashed\nHINT: /);
  await expect.poll(async () => (await vault.state()).pid).not.toBe(dead);
  await caughtUp(pg);
  await expect.poll(async () => expectSameWal(pg, vault)).toEqual(expect.arrayContaining([...meanwhile]));
});

test('cron starts a receiver also while the server is down, and it streams as soon as the server is back', async () => {
  await vault.succeed('receive-wal', '--stop', 'pg');
  await pg.stop();
  await vault.succeed('cron');
  await expect.poll(() => vault.state()).toMatchObject({ phase: 'waiting', lastError: { code: 'ERR_CONNECT' } });
  await pg.start();
  await streamingPid();
});

test('cron stops the receiver of a server whose streaming_archiver is off now', async () => {
  await streamingPid();
  await vault.configure({ pg: sectionFor(pg, { streaming_archiver: 'off', archiver: 'on' }) });
  expect(await cron()).toMatchObject({ code: 0, stdout: archiving, stderr: '' });
  await expect.poll(receivers).toEqual([]);
  expect(await vault.state()).toMatchObject({ phase: 'stopped' });
});

test('cron leaves inactive servers alone, and trouble with one server keeps no other from being looked after', async () => {
  const broken = { ...sectionFor(pg), backup_directory: `${vault.configFile}/pg` };
  await vault.configure({ away: sectionFor(pg, { active: 'false' }), broken, pg: sectionFor(pg, { slot_name: 'barman' }) });
  const { code, stdout, stderr } = await cron();
  expect(code).toBe(1);
  expect(stdout).toContain("Skipping inactive server 'away'\n");
  expect(stdout).toContain(archiving + receiving);
  expect(stderr).toContain(`ERROR: could not create the directory "${vault.configFile}/pg": not a directory\nHINT: `);
  await streamingPid();
});

test('a process that fails is told of once, by this cron or the next one', async () => {
  await vault.configure({ pg: sectionFor(pg, { encryption: 'gpg', encryption_key_id: 'x' }) });
  const crons = [await cron(), await cron(), await cron()];
  // Each cron starts an archiver that fails, and is told of by the same or the next cron.
  const told = crons.map(
    ({ stderr }) =>
      stderr.match(
        /^ERROR: archive-wal of server pg, started by cron at \S+, has ended with exit code 1: encryption = gpg cannot be done/gm,
      ) ?? [],
  );
  expect(new Set(told.flat()).size).toBe(told.flat().length);
  expect(told.flat().length).toBeGreaterThanOrEqual(2);
  expect(crons.map(({ code }) => code)).toEqual(told.map((failures) => (failures.length > 0 ? 1 : 0)));
  await streamingPid();
});

test('with --keep-descriptors the receiver logs to the standard error of cron', async () => {
  await vault.configure({ pg: sectionFor(pg) });
  await vault.succeed('receive-wal', '--stop', 'pg');
  await cron();
  await streamingPid();
  await vault.succeed('receive-wal', '--stop', 'pg');
  await using running = await vault.start('cron', '--keep-descriptors');
  await running.waitForOutput(/"msg":"starting log streaming"/);
  await streamingPid();
  await vault.succeed('receive-wal', '--stop', 'pg');
});

test('a server that is slow to look after delays no other, and one whose name begins with that of another is another', async () => {
  const lock = join(vault.home, '.pg-a-receive-wal.lock');
  // A receiver that is to be stopped, and does not hear.
  await using deaf = await startAsServerUser([
    'flock',
    '--no-fork',
    lock,
    'sh',
    '-c',
    `trap '' INT; echo $$ > '${lock}'; echo held; exec sleep 60`,
  ]);
  await deaf.waitForOutput(/held/);
  await vault.configure({ pg: sectionFor(pg), 'pg-a': sectionFor(pg, { streaming_archiver: 'off', archiver: 'on' }) });
  await using slow = await vault.start('cron');
  await expect.poll(() => vault.state()).toMatchObject({ phase: 'streaming' });
  expect(slow.running).toBe(true);
  await deaf.kill('SIGKILL');
  expect(await slow.exited).toMatchObject({ code: 0 });
  await vault.configure({ pg: sectionFor(pg), 'pg-a': sectionFor(pg, { slot_name: 'other', create_slot: 'auto' }) });
  await vault.succeed('receive-wal', 'pg-a');
  await vault.succeed('receive-wal', '--stop', 'pg');
  expect((await cron()).stdout).toBe(`${archiving}${receiving}${archiving.replace('pg', 'pg-a')}`);
  await vault.succeed('receive-wal', '--stop', 'pg-a');
});

test('at its end cron removes the lock files of servers that are no more', async () => {
  const lock = join(vault.home, '.gone-archive-wal.lock');
  await runAsServerUser(['touch', lock]);
  await vault.configure({ pg: sectionFor(pg) }, { lock_directory_cleanup: 'false' });
  await cron();
  expect(existsSync(lock)).toBe(true);
  await vault.configure({ pg: sectionFor(pg) });
  await cron();
  expect(existsSync(lock)).toBe(false);
});
