/** Every command with `-f json` on a real server: the vault holds each answer against the published schema. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fillSegments, runAsServerUser, startCluster } from '@walvault/testkit';
import { expect, test } from 'vitest';
import { results } from '../json-results/results.ts';
import { isContent, validated } from '../json-results/validate-result.test-support.ts';
import { caughtUp, sectionFor, Vault } from './vault.test-support.ts';

test('what each command prints is what its schema says, in good days and in bad', async () => {
  await using pg = await startCluster({ major: 16, segmentSizeMb: 1 });
  const section = sectionFor(pg, { archiver: 'on', wal_retention_policy: 'RECOVERY WINDOW OF 1 DAYS' });
  await using vault = await Vault.create({ pg: section, dead: { conninfo: 'host=127.0.0.1 port=1 user=x', archiver: 'on' } });
  const run = async (...args: readonly string[]): Promise<unknown> => vault.run('-f', 'json', ...args);
  await run('receive-wal', '--create-slot', 'pg');
  await run('receive-wal', 'pg');
  await pg.query(`select pg_create_restore_point('here')`);
  const [segment = ''] = await fillSegments(pg, 3);
  await caughtUp(pg);
  const first: readonly string[] = ['switch-wal --force --archive pg', 'switch-wal dead nobody', 'archive-wal pg'];
  const looks: readonly string[] = [
    'list-servers',
    'list-processes pg',
    'status all',
    'check all',
    'replication-status all',
    'replication-status --minimal all',
    'show-servers all',
    'show-wal pg',
    `show-wal --segment ${segment} pg`,
    'show-wal --stats record pg',
    'show-wal dead',
    'find-target --list-restore-points pg',
    'find-target --name here pg',
    'find-target --name nowhere pg',
    'check-wal-archive pg',
    'check-wal-archive --timeline 2 pg',
    'doctor pg dead',
    'setup pg',
    'explain ERR_SLOT_MISSING',
    'config check',
    'config show --all',
    'diagnose',
    'diagnose --show-config-source',
    'sync-info pg',
    'sync-info pg 0000000100000000000000FF',
    'put-wal --test pg',
    'restore-wal --print-command pg',
    'run --check ready',
  ];
  const last: readonly string[] = [
    'verify-wal pg',
    'heal-wal --dry-run pg',
    'delete-wal --dry-run pg',
    'rebuild-catalog pg',
    'rebuild-xlogdb pg',
    'setup --apply pg',
    'lock-directory-cleanup',
    'terminate-process pg receive-wal',
    'terminate-process pg receive-wal',
    'cron',
  ];
  for (const line of first) await run(...line.split(' '));
  // Four processes at a time: what only looks does not get in each other's way.
  for (let next = 0; next < looks.length; next += 4) {
    await Promise.all(looks.slice(next, next + 4).map((line) => run(...line.split(' '))));
  }
  for (const line of last) await run(...line.split(' '));
  expect([...validated].toSorted()).toEqual(
    Object.keys(results)
      .filter((command) => !isContent(command))
      .toSorted(),
  );
  // A file is the file, whatever the format.
  const path = vault.path('wals', segment.slice(0, 16), segment);
  const fetched = await vault.run('-f', 'json', 'get-wal', '-o', vault.home, 'pg', segment);
  expect({ code: fetched.code, isSame: (await readFile(join(vault.home, segment))).equals(await readFile(path)) }).toEqual({
    code: 0,
    isSame: true,
  });
  const piped = await runAsServerUser([
    'sh',
    '-c',
    '"$@" | cmp - "$0"',
    path,
    ...vault.argv('-f', 'json', 'get-wal', 'pg', segment),
  ]);
  expect(piped).toMatchObject({ code: 0, stdout: '', stderr: '' });
  expect((await vault.run('-f', 'json', 'completion', 'bash')).stdout).toBe(await vault.succeed('completion', 'bash'));
});
