import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { tryLock } from '@walvault/durable-fs';
import { configured } from './configured.test-support.ts';
import { lockPath } from './server-paths.ts';
import { stopTask } from './stop-task.ts';

test('there is nothing to stop when nobody holds the lock, whatever its file says', async () => {
  await using fixture = await configured();
  const stopping = { code: 'ERR_NOT_RUNNING', message: 'Termination of receive-wal failed: no such process for server pg' };
  await expect(stopTask(fixture.pg, 'receive-wal')).rejects.toMatchObject(stopping);
  await writeFile(lockPath(fixture.pg, 'receive-wal'), `${process.pid}\n`);
  await expect(stopTask(fixture.pg, 'receive-wal')).rejects.toMatchObject(stopping);
});

test('a lock whose file names a process that is gone stops nobody', async () => {
  await using fixture = await configured();
  const child = spawn(process.execPath, ['--version'], { stdio: 'ignore' });
  await once(child, 'exit');
  await using lock = (await tryLock(lockPath(fixture.pg, 'receive-wal')))!;
  await writeFile(lock.path, `${child.pid}\n`);
  await expect(stopTask(fixture.pg, 'receive-wal')).rejects.toMatchObject({ code: 'ERR_NOT_RUNNING' });
});

test('a lock that is held and whose file is empty is told as that, and stops nobody', async () => {
  await using fixture = await configured();
  await using lock = (await tryLock(lockPath(fixture.pg, 'archive-wal')))!;
  await writeFile(lock.path, '');
  await expect(stopTask(fixture.pg, 'archive-wal')).rejects.toMatchObject({
    code: 'ERR_PROCESS_UNKNOWN',
    message: `cannot terminate archive-wal: "${lock.path}" is locked, but does not tell by which process`,
    hint: `Find the process by: fuser -v ${lock.path}`,
  });
});

test('a process that a held lock names and that does not have it open is another one: it is left alone', async () => {
  await using fixture = await configured();
  const other = spawn(process.execPath, ['--eval', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  await once(other, 'spawn');
  await using lock = (await tryLock(lockPath(fixture.pg, 'archive-wal')))!;
  await writeFile(lock.path, `${other.pid}\n`);
  await expect(stopTask(fixture.pg, 'archive-wal')).rejects.toMatchObject({
    code: 'ERR_PROCESS_UNKNOWN',
    message: `cannot terminate archive-wal: "${lock.path}" is locked, but not by process ${other.pid}, which it names`,
  });
  other.kill('SIGTERM');
  expect(await once(other, 'exit')).toEqual([null, 'SIGTERM']);
});

test('the process that holds the lock is told to end, and has given the lock back when this returns', async () => {
  await using fixture = await configured();
  const path = lockPath(fixture.pg, 'archive-wal');
  const program = `
    import { tryLock } from '@walvault/durable-fs';
    const lock = await tryLock(${JSON.stringify(path)});
    process.on('SIGINT', () => setTimeout(() => process.exit(0), 200));
    setInterval(() => {}, 1000);
    console.log('locked');`;
  const args = ['--conditions=@walvault/source', '--input-type=module', '--eval', program];
  const holder = spawn(process.execPath, args, { cwd: import.meta.dirname, stdio: ['ignore', 'pipe', 'inherit'] });
  await once(holder.stdout, 'data');
  const exited = once(holder, 'exit');
  expect(await stopTask(fixture.pg, 'archive-wal')).toBe(holder.pid);
  await using lock = await tryLock(path);
  expect(lock).toBeDefined();
  expect(await exited).toEqual([0, null]);
});
