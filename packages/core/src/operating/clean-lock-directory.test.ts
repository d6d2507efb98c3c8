import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { tryLock } from '@walvault/durable-fs';
import { configured } from '../configured.test-support.ts';
import { lockPath } from '../server-paths.ts';
import { cleanLockDirectory } from './clean-lock-directory.ts';

test('lock files of all servers go, those that are held and everything else stay', async () => {
  await using fixture = await configured();
  const plant = async (...names: readonly string[]): Promise<void> => {
    for (const name of names) await writeFile(join(fixture.home, name), '1\n');
  };
  const unused = [
    '.a-b-receive-wal.lock',
    '.gone-20260101T120000-sync-backup.lock',
    '.pg-verify-wal.lock',
    '.config-update.lock',
  ];
  const others = ['.pg-something.lock', '.receive-wal.lock', 'pg-receive-wal.lock', '.pg-cron.lock.old'];
  await plant(...unused, ...others);
  await mkdir(join(fixture.home, '.dir-cron.lock'));
  await symlink(join(fixture.home, others[0]!), join(fixture.home, '.link-cron.lock'));
  await using _ = await tryLock(lockPath(fixture.pg, 'archive-wal'));
  expect(await cleanLockDirectory(fixture.configuration)).toEqual(unused.toSorted());
  const left = ['.dir-cron.lock', '.link-cron.lock', '.pg-archive-wal.lock', 'walvault.conf', ...others];
  expect((await readdir(fixture.home)).toSorted()).toEqual(left.toSorted());
});

test('a lock directory that nobody has made yet holds nothing; one that cannot be read is an error', async () => {
  await using fixture = await configured();
  const at = (lockDirectory: string) => ({
    ...fixture.configuration,
    globals: { ...fixture.configuration.globals, lockDirectory },
  });
  expect(await cleanLockDirectory(at(join(fixture.home, 'none')))).toEqual([]);
  await expect(cleanLockDirectory(at(join(fixture.home, 'walvault.conf')))).rejects.toMatchObject({ code: 'ERR_PATH_MISSING' });
});
