import { tryLock } from '@walvault/durable-fs';
import { expect, test } from 'vitest';
import { configured, nowhere } from './configured.test-support.ts';
import { deleteServerWal, isDeletionDue } from './delete-server-wal.ts';
import { plantSegment } from './planted-segment.test-support.ts';
import { ensureDirectories, lockPath } from './server-paths.ts';

const { signal } = new AbortController();

test('a deletion that an archiver has kept from its work is soon due again; one that is done is not for an hour', async () => {
  await using fixture = await configured(`${nowhere}wal_retention_policy = RECOVERY WINDOW OF 1 WEEK\n`);
  const { pg } = fixture;
  await ensureDirectories(pg.lockDirectory, ...Object.values(pg.directories));
  await plantSegment(pg);
  expect(await isDeletionDue(pg)).toBe(true);
  {
    await using _ = await tryLock(lockPath(pg, 'archive-wal'));
    expect(await deleteServerWal(pg, { signal, patienceMs: 0 })).toBe('busy');
    expect(await isDeletionDue(pg)).toBe(false);
    expect(await isDeletionDue(pg, Date.now() + 600_000)).toBe(true);
  }
  expect(await deleteServerWal(pg, { signal })).toMatchObject({ removed: [] });
  expect(await isDeletionDue(pg, Date.now() + 3_500_000)).toBe(false);
});
