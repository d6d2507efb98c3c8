import { tryLock } from '@walvault/durable-fs';
import { spawnSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { configured } from '../configured.test-support.ts';
import { lockPath } from '../server-paths.ts';
import { expectTask, noteTask, takeFailedTask } from './task-record.ts';

/** The number of a process that is gone. */
const gonePid = spawnSync('true').pid;

test('what ended well, or was never started, is nothing to tell of', async () => {
  await using fixture = await configured();
  expect(await takeFailedTask(fixture.pg, 'archive-wal')).toBeUndefined();
  const path = await expectTask(fixture.pg, 'archive-wal');
  await noteTask(path, { pid: gonePid });
  await noteTask(path, { exitCode: 0 });
  expect(await takeFailedTask(fixture.pg, 'archive-wal')).toBeUndefined();
});

test('what failed is told of once, with what it said', async () => {
  await using fixture = await configured();
  const path = await expectTask(fixture.pg, 'archive-wal');
  await noteTask(path, { pid: gonePid });
  await noteTask(path, { exitCode: 1, error: 'the disk is full' });
  expect(await takeFailedTask(fixture.pg, 'delete-wal')).toBeUndefined();
  expect(await takeFailedTask(fixture.pg, 'archive-wal')).toMatchObject({ exitCode: 1, error: 'the disk is full', pid: gonePid });
  expect(await takeFailedTask(fixture.pg, 'archive-wal')).toBeUndefined();
});

test('what was killed is told of, what is at work is not', async () => {
  await using fixture = await configured();
  const path = await expectTask(fixture.pg, 'receive-wal');
  expect(await takeFailedTask(fixture.pg, 'receive-wal')).toBeUndefined(); // it may be just starting
  await noteTask(path, { pid: process.pid });
  expect(await takeFailedTask(fixture.pg, 'receive-wal')).toBeUndefined();
  await noteTask(path, { pid: gonePid });
  expect(await takeFailedTask(fixture.pg, 'receive-wal')).toMatchObject({ exitCode: null, pid: gonePid });
});

test('another process that has its number by now is not taken for it', async () => {
  await using fixture = await configured();
  const path = await expectTask(fixture.pg, 'receive-wal');
  const age = async (): Promise<void> => {
    const record = JSON.parse(await readFile(path, 'utf8')) as object;
    await writeFile(path, JSON.stringify({ ...record, startedAt: '2026-01-01T00:00:00Z' }));
  };
  await noteTask(path, { pid: process.pid });
  await age();
  {
    await using _ = await tryLock(lockPath(fixture.pg, 'receive-wal'));
    expect(await takeFailedTask(fixture.pg, 'receive-wal')).toBeUndefined();
  }
  expect(await takeFailedTask(fixture.pg, 'receive-wal')).toMatchObject({ pid: process.pid, exitCode: null });
});

test('half a file is none', async () => {
  await using fixture = await configured();
  const path = await expectTask(fixture.pg, 'archive-wal');
  await writeFile(path, '{"version": 1, "task"');
  expect(await takeFailedTask(fixture.pg, 'archive-wal')).toBeUndefined();
  await noteTask(path, { exitCode: 1 });
  expect(await takeFailedTask(fixture.pg, 'archive-wal')).toBeUndefined();
});
