import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tryLock } from '@walvault/durable-fs';
import { describe, expect, test } from 'vitest';
import { filesBelow, history, segmentName, segmentSize, TestServer, walFile } from '../../testing.ts';
import {
  deleteWal,
  type DeleteReport,
  type DeleteWalOptions,
  type DeletionCatalog,
  type NeededBackup,
  type RemovedFile,
  restoreWal,
} from '../index.ts';
import { readDeletionRecord } from './deletion-record.ts';

const day = 86_400_000;
const today = Date.now();
const weekWindow: DeleteWalOptions['policy'] = { kind: 'recoveryWindow', windowMs: 7 * day };

/** A server with archived segments of timeline 1, the last of them a day old, each a day older than the next. */
async function archiveOf(count: number, content: (name: string) => Buffer = walFile): Promise<TestServer> {
  const server = await TestServer.create();
  const names = Array.from({ length: count }, (_, index) => segmentName(1, index + 1));
  for (const name of names) await server.write(server.archived(name), content(name));
  await server.write(server.xlogDb, names.map((name) => `${name}\t1048576\t1795364256.0\tNone\n`).join(''));
  for (const [index, name] of names.entries()) await setAge(server.archived(name), count - index);
  return server;
}

async function setAge(path: string, days: number): Promise<void> {
  const time = new Date(today - days * day);
  await utimes(path, time, time);
}

function optionsOf(server: TestServer, more: Partial<DeleteWalOptions> = {}): DeleteWalOptions {
  return {
    serverName: server.name,
    directories: server.reading.directories,
    lockDirectory: server.home,
    recordPath: recordOf(server),
    policy: weekWindow,
    backups: async () => [],
    ...more,
  };
}

function run(server: TestServer, more: Partial<DeleteWalOptions> = {}): Promise<DeleteReport> {
  return deleteWal(optionsOf(server, more));
}

function recordOf(server: TestServer): string {
  return join(server.home, 'pg', 'deleted-wal.json');
}

function archivedNames(server: TestServer): string[] {
  return filesBelow(server.wals)
    .map((path) => path.split('/').at(-1) ?? '')
    .filter((name) => name !== 'xlog.db' && !name.startsWith('.'));
}

const upTo = (last: number, first = 1): string[] =>
  Array.from({ length: last - first + 1 }, (_, index) => segmentName(1, first + index));

test('deletes by name what is older than the window, and xlog.db, the record and the catalogue follow', async () => {
  await using server = await archiveOf(12);
  const forgotten: string[] = [];
  const catalog: DeletionCatalog = {
    lastCommits: () => new Map([[segmentName(1, 3), BigInt(Date.now() - 2 * day) * 1000n]]),
    forget: (files) => void forgotten.push(...files.map(({ name }) => name)),
  };
  const told: RemovedFile[] = [];
  const report = await run(server, { catalog, onFile: (file) => void told.push(file) });
  // Segment 3 has a commit of the day before yesterday; the one before it stays with it.
  expect(report).toMatchObject({ removed: [{ name: segmentName(1, 1), size: 1024 * 1024 }], holes: [], stoppedAt: undefined });
  expect(told).toEqual(report.removed);
  expect(forgotten).toEqual([segmentName(1, 1)]);
  expect(archivedNames(server)).toEqual(upTo(12, 2));
  expect(server.notedNames()).toEqual(upTo(12, 2));

  expect((await run(server)).removed.map(({ name }) => name)).toEqual(upTo(3, 2));
  expect(server.notedNames()).toEqual(upTo(12, 4));
  expect((await readDeletionRecord(recordOf(server))).get(1)?.name).toBe(segmentName(1, 3));
  expect((await run(server)).removed).toEqual([]);
});

test('a dry run says the same and touches nothing', async () => {
  await using server = await archiveOf(12);
  const before = filesBelow(server.home);
  const dry = await run(server, { dryRun: true });
  expect(filesBelow(server.home)).toEqual(before);
  const real = await run(server);
  expect(dry.removed).toHaveLength(3);
  expect(real).toEqual(dry);
});

test('an emptied directory goes, one with anything in it stays, and what is no WAL file stays', async () => {
  await using server = await archiveOf(12);
  await server.put(segmentName(2, 13), '00000002.history');
  await server.write(server.archived('00000002.history'), history([1, '0/C80000']));
  await server.write(join(server.wals, '000000010000000000000000'.slice(0, 16), 'notes.txt'), 'mine');
  await server.put('000000010000000100000001');
  for (const name of upTo(12)) await setAge(server.archived(name), 400);
  await setAge(server.archived('000000010000000100000001'), 300);
  await run(server, { policy: { kind: 'main' }, backups: async () => [backup(segmentName(2, 13))] });
  expect(filesBelow(server.wals)).toEqual([
    '0000000100000000/notes.txt',
    `0000000100000001/000000010000000100000001`,
    '00000002.history',
    `0000000200000000/${segmentName(2, 13)}`,
    'xlog.db',
  ]);
  await rm(join(server.wals, '0000000100000000', 'notes.txt'));
  await server.put(segmentName(1, 1), segmentName(2, 4097));
  await run(server, { policy: { kind: 'main' }, backups: async () => [backup(segmentName(2, 13))] });
  expect(readdirSync(server.wals)).toEqual(['00000002.history', '0000000200000000', '0000000200000001', 'xlog.db']);
});

test('a symbolic link or a directory by the name of a segment is left alone', async () => {
  await using server = await archiveOf(12);
  await rm(server.archived(segmentName(1, 1)));
  await symlink('/nowhere', server.archived(segmentName(1, 1)));
  await rm(server.archived(segmentName(1, 2)));
  await mkdir(server.archived(segmentName(1, 2)));
  expect((await run(server)).removed.map(({ name }) => name)).toEqual([segmentName(1, 3)]);
  expect(readdirSync(join(server.wals, '0000000100000000'))).toEqual(expect.arrayContaining(upTo(2)));
});

test('says what is missing in what stays', async () => {
  await using server = await archiveOf(12);
  for (const number of [2, 7, 8]) await rm(server.archived(segmentName(1, number)));
  const { holes, removed } = await run(server);
  expect(removed.map(({ name }) => name)).toEqual([segmentName(1, 1), segmentName(1, 3)]);
  expect(holes).toEqual([{ first: segmentName(1, 7), last: segmentName(1, 8), count: 2 }]);
  // What was lost of what nobody needs any more is struck off, what is missing in the rest is not.
  expect(server.notedNames()).toEqual([...upTo(12, 4)]);
});

test('a recovering server is never told that the archive ends where WAL was deleted', async () => {
  await using server = await archiveOf(3);
  await server.write(server.archived('00000002.history'), history([1, '0/280000']));
  await server.put(segmentName(2, 2), segmentName(2, 3));
  for (const number of [1, 2, 3]) await setAge(server.archived(segmentName(1, number)), 100 - number);
  const restore = (number: number): Promise<unknown> =>
    restoreWal(
      { ...server.reading, deletionRecordPath: recordOf(server) },
      segmentName(1, number),
      join(server.home, 'restored'),
    );
  await run(server, { policy: { kind: 'main' }, backups: async () => [backup(segmentName(2, 2))] });
  expect(archivedNames(server)).toEqual(['00000002.history', segmentName(2, 2), segmentName(2, 3)]);
  // Timeline 1 went on behind the place where it was left; nothing else in the archive shows that.
  for (const number of [1, 2, 3]) {
    await expect(restore(number)).rejects.toMatchObject({
      code: 'ERR_WAL_HOLE',
      proof: expect.stringMatching(`deleted by the retention policy through "${segmentName(1, 3)}"`) as string,
    });
  }
  expect(await restore(4)).toMatchObject({ kind: 'absent' });
});

describe('hooks', () => {
  test("run before and after each file, with Barman's environment", async () => {
    await using server = await archiveOf(11);
    const path = join(server.home, 'hooks');
    const note = `echo $BARMAN_HOOK $BARMAN_PHASE $BARMAN_SEGMENT $BARMAN_FILE $BARMAN_SIZE "[$BARMAN_ERROR]" >> ${path}; test -e $BARMAN_FILE && echo there >> ${path}; true`;
    await run(server, { hooks: { pre: note, preRetry: note, postRetry: note, post: note } });
    const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
    const about = (name: string): string => `${name} ${server.archived(name)} 1048576 []`;
    expect(lines.slice(0, 6)).toEqual([
      `wal_delete_script pre ${about(segmentName(1, 1))}`,
      'there',
      `wal_delete_retry_script pre ${about(segmentName(1, 1))}`,
      'there',
      `wal_delete_retry_script post ${about(segmentName(1, 1))}`,
      `wal_delete_script post ${about(segmentName(1, 1))}`,
    ]);
    expect(lines).toHaveLength(12);
  });

  test('63 stops: that file and those behind it stay, those before are gone and noted', async () => {
    await using server = await archiveOf(12);
    const preRetry = `case $BARMAN_SEGMENT in ${segmentName(1, 2)}) exit 63;; esac`;
    const report = await run(server, { hooks: { preRetry } });
    expect(report).toMatchObject({ removed: [{ name: segmentName(1, 1) }], stoppedAt: segmentName(1, 2) });
    expect(archivedNames(server)).toEqual(upTo(12, 2));
    expect(server.notedNames()).toEqual(upTo(12, 2));
  });

  test('a file that cannot be removed is told to those after it, and ends the run', async () => {
    await using server = await archiveOf(12);
    const path = join(server.home, 'errors.txt');
    const directory = join(server.wals, '0000000100000000');
    const pre = `case $BARMAN_SEGMENT in ${segmentName(1, 2)}) rm $BARMAN_FILE; mkdir $BARMAN_FILE; touch $BARMAN_FILE/x;; esac`;
    const failing = run(server, { hooks: { pre, post: `echo "$BARMAN_SEGMENT [$BARMAN_ERROR]" >> ${path}` } });
    await expect(failing).rejects.toMatchObject({ name: 'FileSystemError' });
    const [first, second] = (await readFile(path, 'utf8')).trimEnd().split('\n');
    expect(first).toBe(`${segmentName(1, 1)} []`);
    expect(second).toMatch(`${segmentName(1, 2)} [could not remove "${directory}`);
    expect(server.notedNames()).toEqual(upTo(12, 2));
  });
});

test('nobody deletes beside an archiver, and a backup that cannot be read stops all', async () => {
  await using server = await archiveOf(12);
  {
    await using _ = await tryLock(join(server.home, '.pg-archive-wal.lock'));
    await expect(run(server)).rejects.toMatchObject({ code: 'ERR_ARCHIVER_BUSY', pid: process.pid });
    expect((await run(server, { dryRun: true })).removed).toHaveLength(3);
  }
  await expect(run(server, { backups: () => Promise.reject(new Error('damaged')) })).rejects.toThrow('damaged');
  expect(archivedNames(server)).toEqual(upTo(12));
});

test('a catalogue that cannot be used holds up nobody, and is told of', async () => {
  await using server = await archiveOf(12);
  const report = await run(server, { catalog: { lastCommits: broken, forget: broken } });
  expect(report.removed).toHaveLength(3);
  expect(report.catalogFailure).toMatchObject({ message: 'database disk image is malformed' });
});

test('a damaged history file, record of deletions or xlog.db stops all; a damaged segment does not', async () => {
  await using server = await archiveOf(12);
  await server.write(server.archived('00000002.history'), 'no history');
  await expect(run(server)).rejects.toMatchObject({ code: 'ERR_WAL_FILE_CORRUPT' });
  await rm(server.archived('00000002.history'));
  await writeFile(recordOf(server), '{}');
  await expect(run(server)).rejects.toMatchObject({ code: 'ERR_DELETION_RECORD' });
  expect(archivedNames(server)).toEqual(upTo(12));
  await rm(recordOf(server));
  await writeFile(server.archived(segmentName(1, 1)), 'xx');
  await setAge(server.archived(segmentName(1, 1)), 12);
  expect((await run(server)).removed).toHaveLength(3);
});

test('killed at any step, the next run comes to the same end', async () => {
  await using untouched = await archiveOf(11, () => Buffer.alloc(1));
  await run(untouched, { walSegmentSize: segmentSize });
  const endsAt: number[] = [];
  for (let step = 1; ; step += 1) {
    await using server = await archiveOf(11, () => Buffer.alloc(1));
    const wasKilled = await killedAtStep(optionsOf(server, { walSegmentSize: segmentSize }), step);
    if (!wasKilled) break;
    endsAt.push(archivedNames(server).length);
    // Whatever is left is whole from some name on.
    expect(archivedNames(server)).toEqual(upTo(11, 12 - archivedNames(server).length));
    await run(server, { walSegmentSize: segmentSize });
    expect(archivedNames(server)).toEqual(archivedNames(untouched));
    expect(server.notedNames()).toEqual(untouched.notedNames());
    expect(existsSync(recordOf(server))).toBe(true);
  }
  // It was killed before, between and behind the removals.
  expect(new Set(endsAt)).toEqual(new Set([11, 10, 9]));
  expect(endsAt.length).toBeGreaterThan(5);
});

function broken(): never {
  throw new Error('database disk image is malformed');
}

function backup(beginWal: string): NeededBackup {
  return { id: '20261101T000000', status: 'DONE', beginWal };
}

/** Runs in a process of its own that is killed before its n-th change of the file system; false when it made fewer. */
async function killedAtStep(options: DeleteWalOptions, step: number): Promise<boolean> {
  const { serverName, directories, lockDirectory, recordPath, policy, walSegmentSize } = options;
  const program = `
    import fs from 'node:fs/promises';
    import { syncBuiltinESMExports } from 'node:module';
    const [json, step] = process.argv.slice(1);
    let steps = 0;
    for (const name of ['unlink', 'rename', 'rmdir']) {
      const original = fs[name];
      fs[name] = (...given) => {
        if (++steps === Number(step)) process.kill(process.pid, 'SIGKILL');
        return original(...given);
      };
    }
    const open = fs.open;
    fs.open = (path, flags, ...more) => {
      if (flags !== 'r' && ++steps === Number(step)) process.kill(process.pid, 'SIGKILL');
      return open(path, flags, ...more);
    };
    syncBuiltinESMExports();
    const { deleteWal } = await import(${JSON.stringify(join(import.meta.dirname, '../index.ts'))});
    await deleteWal({ ...JSON.parse(json), backups: async () => [] });`;
  const json = JSON.stringify({ serverName, directories, lockDirectory, recordPath, policy, walSegmentSize });
  const argv = ['--conditions=@walvault/source', '--input-type=module', '--eval', program, '--', json, String(step)];
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'inherit', 'inherit'] });
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
  if (signal === 'SIGKILL') return true;
  expect(code).toBe(0);
  return false;
}

test('an archive that seems to be empty, since it is not mounted, costs neither the lines of xlog.db nor the catalogue', async () => {
  await using server = await archiveOf(3);
  const xlogDbDirectory = join(server.home, 'lists');
  await server.write(join(xlogDbDirectory, 'pg-xlog.db'), await readFile(server.xlogDb));
  await rm(server.wals, { recursive: true });
  await mkdir(server.wals);
  const forgotten: string[] = [];
  const catalog: DeletionCatalog = {
    lastCommits: () => new Map(),
    forget: (files) => void forgotten.push(...files.map(({ name }) => name)),
  };
  await run(server, { xlogDbDirectory, catalog });
  expect((await readFile(join(xlogDbDirectory, 'pg-xlog.db'), 'utf8')).split('\n')).toHaveLength(4);
  expect(forgotten).toEqual([]);
});

test('what is struck off the list since it is neither there nor needed is on record, too: it is no end of the archive', async () => {
  await using server = await archiveOf(2);
  const lost = segmentName(3, 1);
  await server.put(segmentName(4, 9));
  await server.write(server.archived('00000004.history'), history([1, '0/280000']));
  await server.write(server.xlogDb, `${lost}\t1048576\t1795364256.0\tNone\n`);
  await run(server, { policy: { kind: 'main' }, backups: async () => [backup(segmentName(4, 9))] });
  expect(await readFile(server.xlogDb, 'utf8')).toBe('');
  const options = { ...server.reading, xlogDbPath: server.xlogDb, deletionRecordPath: recordOf(server) };
  await expect(restoreWal(options, segmentName(3, 1), join(server.home, 'RECOVERYXLOG'))).rejects.toThrow(/retention policy/);
});
