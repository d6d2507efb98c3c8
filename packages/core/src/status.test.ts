import { mkdir, writeFile } from 'node:fs/promises';
import { tryLock } from '@walvault/durable-fs';
import { expect, test } from 'vitest';
import { configured } from './configured.test-support.ts';
import { ensureDirectories, lockPath, statePath } from './server-paths.ts';
import { isReportedError } from './receiver-state.ts';
import { serverStatus } from './status.ts';

/** What the status needs of a published state. */
function published(flushedLsn: string | null, serverLsn: string | null): string {
  return JSON.stringify({ version: 1, phase: 'waiting', flushedLsn, serverLsn });
}

test('a part that cannot be found out is the error that stood in the way', async () => {
  await using fixture = await configured();
  const status = await serverStatus(fixture.pg);
  expect(status).toMatchObject({ receiverPid: undefined, receiver: undefined, lagBytes: undefined });
  expect(status.live).toMatchObject({ code: 'ERR_CONNECT', hint: expect.any(String) });
  expect(status.archive).toMatchObject({ code: 'ERR_PATH_MISSING' });
  expect([status.live, status.archive].every(isReportedError)).toBe(true);
});

test('tells who is at work, and the lag by what the receiver heard last', async () => {
  await using fixture = await configured();
  const { pg } = fixture;
  await ensureDirectories(pg.directories.wals, pg.directories.streaming);
  await using _ = (await tryLock(lockPath(pg, 'receive-wal')))!;
  await writeFile(statePath(pg), published('0/3000100', '1/3000000'));
  const status = await serverStatus(pg);
  expect(status).toMatchObject({ receiverPid: process.pid, receiver: { phase: 'waiting' }, lagBytes: 0x1_0000_0000 - 0x100 });
  expect(status.archive).toMatchObject({ timelines: [] });
});

test.each([
  { name: 'no flushed position', flushedLsn: null, serverLsn: '0/1', lag: undefined },
  { name: 'no position of the server', flushedLsn: '0/1', serverLsn: null, lag: undefined },
  { name: 'a receiver that is ahead of what it heard', flushedLsn: '0/200', serverLsn: '0/100', lag: 0 },
])('the lag with $name', async ({ flushedLsn, serverLsn, lag }) => {
  await using fixture = await configured();
  await mkdir(fixture.pg.directories.backup);
  await writeFile(statePath(fixture.pg), published(flushedLsn, serverLsn));
  expect((await serverStatus(fixture.pg)).lagBytes).toBe(lag);
});
