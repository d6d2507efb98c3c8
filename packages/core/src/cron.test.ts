import { tryLock } from '@walvault/durable-fs';
import { expect, test } from 'vitest';
import { configured, nowhere } from './configured.test-support.ts';
import { planCron, withTaskLock } from './cron.ts';
import { lockPath, type ServerTask } from './server-paths.ts';

const off = 'conninfo = host=127.0.0.1 port=1 user=x\narchiver = on\n';

test.each<{ name: string; section: string; running: readonly ServerTask[]; plan: object }>([
  { name: 'nobody is at work: both are started', section: nowhere, running: [], plan: { archive: 'start', receiver: 'start' } },
  { name: 'a receiver is at work', section: nowhere, running: ['receive-wal'], plan: { archive: 'start', receiver: 'none' } },
  { name: 'an archiver is at work', section: nowhere, running: ['archive-wal'], plan: { archive: 'busy', receiver: 'start' } },
  { name: 'run does it all', section: nowhere, running: ['run'], plan: { archive: 'none', receiver: 'none' } },
  { name: 'streaming is off', section: off, running: [], plan: { archive: 'start', receiver: 'none' } },
  {
    name: 'streaming is off now: the receiver is stopped',
    section: off,
    running: ['receive-wal'],
    plan: { archive: 'start', receiver: 'stop' },
  },
])('$name', async ({ section, running, plan }) => {
  await using fixture = await configured(section);
  await using locks = new AsyncDisposableStack();
  for (const task of running) locks.use((await tryLock(lockPath(fixture.pg, task)))!);
  expect(await planCron(fixture.pg)).toEqual(plan);
});

test('a lock file that a dead process left is no lock', async () => {
  await using fixture = await configured();
  await (await tryLock(lockPath(fixture.pg, 'receive-wal')))![Symbol.asyncDispose]();
  expect(await planCron(fixture.pg)).toEqual({ archive: 'start', receiver: 'start' });
});

test('work under a task lock is done once at a time', async () => {
  await using fixture = await configured();
  const done: string[] = [];
  const work = async (): Promise<void> => {
    done.push('outer');
    expect(await withTaskLock(fixture.pg, 'cron', async () => void done.push('inner'))).toBe(false);
  };
  expect(await withTaskLock(fixture.pg, 'cron', work)).toBe(true);
  expect(await withTaskLock(fixture.pg, 'cron', async () => void done.push('later'))).toBe(true);
  expect(done).toEqual(['outer', 'later']);
});

test('the lock is given back when the work fails', async () => {
  await using fixture = await configured();
  const failing = withTaskLock(fixture.pg, 'cron', async () => {
    throw new Error('broken');
  });
  await expect(failing).rejects.toThrow('broken');
  expect(await withTaskLock(fixture.pg, 'cron', async () => undefined)).toBe(true);
});
