import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { copyFile, mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runAsServerUser, temporaryDirectory } from '@walvault/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type BackupCopy, passSegments, RecoveredArchive } from './recovered-archive.test-support.ts';
import { commandLine } from './vault.test-support.ts';

const stack = new AsyncDisposableStack();
let archive: RecoveredArchive;
const marks = ['early', 'late'];

beforeAll(async () => {
  archive = stack.use(
    await RecoveredArchive.create(18, { compression: 'gzip' }, async (pg) => {
      await passSegments(pg, 15);
      await pg.query(`insert into marks values ('early')`);
      await passSegments(pg, 20);
      await pg.query(`insert into marks values ('late')`);
    }),
  );
});

afterAll(() => stack[Symbol.asyncDispose]());

/** Process IDs of the prefetchers of this archive. */
function prefetchers(): readonly number[] {
  return archive.vault.processes().filter((pid) => commandLine(pid).includes('prefetch-wal'));
}

/** Does something to each prefetcher, again and again, as long as `work` goes on; how often. */
async function whileRunning(work: Promise<void>, harm: (pid: number) => unknown): Promise<number> {
  let times = 0;
  const end = work.then(() => 'over' as const);
  while ((await Promise.race([end, sleep(Math.random() * 400)])) !== 'over') {
    for (const pid of prefetchers()) {
      await harm(pid);
      times += 1;
    }
  }
  return times;
}

/** The spool of a recovery, below its pg_wal. */
function spoolOf(copy: BackupCopy): string {
  return join(copy.data, /pg_wal\/\.walvault\/[0-9a-f]{16}/.exec(copy.line)![0]);
}

/** What a server with a logging collector has said so far. */
function logOf(copy: BackupCopy): string {
  const directory = join(copy.data, 'log');
  const names = existsSync(directory) ? readdirSync(directory) : [];
  return names.map((name) => readFileSync(join(directory, name), 'utf8')).join('');
}

test('at a hole the server stops, however much of what is behind it was to be prefetched', async () => {
  const missing = archive.pathOf(archive.names[20]!);
  await rename(missing, `${missing}.away`);
  try {
    await using copy = await archive.copy();
    await copy.recover();
    expect(copy.stopped).toContain(`ERROR: WAL file "${archive.names[20]}" is missing, but `);
    expect(copy.stopped).toMatch(
      /FATAL: {2}could not restore file "[0-9A-F]{24}" from archive: child process exited with exit code 255/,
    );
    expect(existsSync(join(copy.data, 'recovery.signal'))).toBe(true);
  } finally {
    await rename(`${missing}.away`, missing);
  }
});

test('without the store it stops, and goes on when the store is back; one that is away for a moment stops nobody', async () => {
  const wals = archive.vault.path('wals');
  await using patient = await archive.copy('--retry-for', '600');
  await using impatient = await archive.copy('--retry-for', '0');
  await rename(wals, `${wals}.away`);
  const recovered = patient.recover({ logging_collector: true, log_directory: 'log' });
  try {
    await impatient.recover();
    expect(impatient.stopped).toContain('child process exited with exit code 255');
    await expect.poll(() => logOf(patient)).toContain('trying again');
  } finally {
    await rename(`${wals}.away`, wals);
  }
  await recovered;
  expect(await patient.marks()).toEqual(marks);
  await impatient.recover();
  expect(await impatient.marks()).toEqual(marks);
});

test('what lies in the spool before counts for nothing', async () => {
  await using copy = await archive.copy();
  const ready = join(spoolOf(copy), 'ready-0');
  await mkdir(ready, { recursive: true, mode: 0o700 });
  for (const name of archive.names) await copyFile(archive.pathOf(archive.names[0]!), join(ready, name));
  await writeFile(join(spoolOf(copy), 'prefetcher'), '1/cwd/ready-0\n');
  await copy.recover();
  expect(await copy.marks()).toEqual(marks);
  expect(existsSync(ready)).toBe(false);
});

test('kill -9 of the prefetcher, at any moment, costs nothing but time', async () => {
  await using copy = await archive.copy();
  const times = await whileRunning(copy.recover(), (pid) => process.kill(pid, 'SIGKILL'));
  expect(times).toBeGreaterThan(0);
  expect(await copy.marks()).toEqual(marks);
});

test('nor does a spool that takes no file any more', async () => {
  await using copy = await archive.copy();
  const times = await whileRunning(copy.recover(), letWriteLittle);
  expect(times).toBeGreaterThan(0);
  expect(await copy.marks()).toEqual(marks);
});

test('two servers recover from one archive at once, each with its own spool, or both with one', async () => {
  await using shared = await temporaryDirectory('spools');
  for (const options of [[], ['--spool-dir', join(shared.path, "it's 100% $both")]]) {
    await using one = await archive.copy(...options);
    await using other = await archive.copy(...options);
    await Promise.all([one.recover(), other.recover()]);
    expect(await one.marks()).toEqual(marks);
    expect(await other.marks()).toEqual(marks);
  }
});

test('when recovery is over, the prefetcher goes, and leaves the spool empty', async () => {
  await using copy = await archive.copy();
  await copy.recover();
  await expect.poll(() => prefetchers()).toEqual([]);
  expect(readdirSync(spoolOf(copy)).toSorted()).toEqual(['asked', 'lock', 'log']);
});

async function letWriteLittle(pid: number): Promise<void> {
  await runAsServerUser(['prlimit', '--pid', String(pid), '--fsize=100000']);
}
