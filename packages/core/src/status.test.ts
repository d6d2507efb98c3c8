import { expect, test } from 'vitest';
import { tryLock } from '@walvault/durable-fs';
import { configured } from './configured.test-support.ts';
import { isReportedError } from './receiver-state.ts';
import { ensureDirectories, lockPath } from './server-paths.ts';
import { serverStatus } from './status.ts';

test('a part that cannot be found out is the error that stood in the way', async () => {
  await using fixture = await configured();
  const { observation, files } = await serverStatus(fixture.pg);
  expect(observation.streaming).toMatchObject({ code: 'ERR_CONNECT', hint: expect.any(String) });
  expect([observation.streaming, observation.sql].every(isReportedError)).toBe(true);
  expect(files).toMatchObject({ receiverPid: undefined, receiver: undefined, archive: { timelines: [] }, holes: [] });
  await ensureDirectories(fixture.pg.directories.wals);
  expect((await serverStatus(fixture.pg)).files.archive).toMatchObject({ code: 'ERR_PATH_MISSING' });
});

test('tells who is at work', async () => {
  await using fixture = await configured();
  const { pg } = fixture;
  await ensureDirectories(pg.lockDirectory);
  await using _ = (await tryLock(lockPath(pg, 'receive-wal')))!;
  expect((await serverStatus(pg)).files.receiverPid).toBe(process.pid);
});
