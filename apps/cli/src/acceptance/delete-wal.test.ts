/** `delete-wal` and `cron`: retention of a site that only streams, and of one with base backups, by the real executable. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { plant, type Section, Vault } from './vault.test-support.ts';

const day = 86_400_000;
const today = Date.now();
const section: Section = { conninfo: 'host=127.0.0.1 port=1 user=x', archiver: 'on' };
const window: Section = { ...section, wal_retention_policy: 'RECOVERY WINDOW OF 1 WEEK' };

/** Segment 1 to `count` of 1 MiB, the last of them a day old, each a day older than the next. */
async function vaultWith(options: Section, count = 12): Promise<Vault> {
  const vault = await Vault.create({ pg: options });
  await mkdir(vault.path('incoming'), { recursive: true });
  for (let number = 1; number <= count; number += 1) {
    const path = await plant(vault.path('wals', '0000000100000000'), name(number), firstPage(number));
    const time = new Date(today - (count + 1 - number) * day);
    await utimes(path, time, time);
  }
  const lines = Array.from({ length: count }, (_, index) => `${name(index + 1)}\t8192\t1795364256.0\tNone\n`);
  await writeFile(vault.path('wals', 'xlog.db'), lines.join(''));
  await promisify(execFile)('chmod', ['-R', 'a+rwX', vault.path()]);
  return vault;
}

function name(number: number): string {
  return `0000000100000000${number.toString(16).toUpperCase().padStart(8, '0')}`;
}

/** The first page of a segment is all that deleting looks at (XLogLongPageHeaderData). */
function firstPage(number: number): Buffer {
  const page = Buffer.alloc(8192);
  page.writeUInt16LE(0xd118, 0);
  page.writeUInt16LE(2, 2);
  page.writeUInt32LE(1, 4);
  page.writeBigUInt64LE(BigInt(number) * 1_048_576n, 8);
  page.writeBigUInt64LE(7_711_030_578_120_921_605n, 24);
  page.writeUInt32LE(1_048_576, 32);
  page.writeUInt32LE(8192, 36);
  return page;
}

async function backup(vault: Vault, id: string, info: Section): Promise<void> {
  const lines = Object.entries(info).map(([key, value]) => `${key}=${value}\n`);
  await plant(vault.path('base', id), 'backup.info', lines.join(''));
}

const done = (number: number): Section => ({
  status: 'DONE',
  timeline: '1',
  begin_wal: name(number),
  begin_xlog: `0/${(number * 0x100000 + 0x28).toString(16)}`,
  end_wal: name(number),
  end_xlog: `0/${(number * 0x100000 + 0x138).toString(16)}`,
  xlog_segment_size: '1048576',
});

const archived = (vault: Vault): Promise<string[]> => readdir(vault.path('wals', '0000000100000000'));

test('a streaming-only site keeps a window of WAL', async () => {
  await using vault = await vaultWith(window);
  const deleted = `\t${name(1)}\n\t${name(2)}\n\t${name(3)}\n3 files, 24.0 KiB`;
  expect(await vault.succeed('delete-wal', '--dry-run', 'pg')).toBe(
    `What would be deleted for server pg (RECOVERY WINDOW OF 1 WEEK)\n${deleted}; nothing was deleted\n`,
  );
  expect(await archived(vault)).toHaveLength(12);
  expect(await vault.succeed('delete-wal', 'pg')).toBe(`Deleting WAL for server pg (RECOVERY WINDOW OF 1 WEEK)\n${deleted}\n`);
  expect(await archived(vault)).toHaveLength(9);
  expect(await readFile(vault.path('wals', 'xlog.db'), 'utf8')).not.toContain(name(3));
  expect(await vault.succeed('delete-wal', 'pg')).toContain('\tno file found\n');
  // PostgreSQL must stop, and not promote, where WAL was deleted.
  const restore = await vault.run('restore-wal', 'pg', name(2), vault.path('restored'));
  expect(restore).toMatchObject({ code: 255, stdout: '' });
  expect(restore.stderr).toContain(`deleted by the retention policy through "${name(3)}"`);
});

test('with base backups their WAL is kept, whatever the window, and without any all of it', async () => {
  await using vault = await vaultWith(section);
  expect(await vault.succeed('delete-wal', 'pg')).toContain('without a base backup all WAL is kept');
  await backup(vault, '20260701T000000', done(3));
  await backup(vault, '20260702T000000', { ...done(2), status: 'FAILED' });
  expect(JSON.parse(await vault.succeed('-f', 'json', 'delete-wal', '--dry-run', 'pg'))).toMatchObject({
    pg: { dry_run: true, deleted: [{ name: name(1), size: 8192 }], oldest_backup: '20260702T000000', holes: [] },
  });
  await backup(vault, '20260703T000000', { status: 'STARTED' });
  const blocked = await vault.run('delete-wal', 'pg');
  expect(blocked.code).toBe(1);
  expect(blocked.stderr).toContain('base backup 20260703T000000 (STARTED) does not say where it begins');
  await backup(vault, '20260703T000000', { status: 'FAILED' });
  await vault.succeed('delete-wal', 'pg');
  expect((await archived(vault))[0]).toBe(name(2));
});

test('base backups that are gone with their directory, as when it is not mounted, hold up the deletion; deleted ones do not', async () => {
  await using vault = await vaultWith(window);
  await backup(vault, '20260701T000000', done(2));
  await backup(vault, '20260702T000000', done(3));
  await vault.succeed('delete-wal', 'pg');
  expect((await archived(vault))[0]).toBe(name(2));
  const record = vault.path('known-backups.json');
  const expectBlock = async (): Promise<void> => {
    const { code, stderr } = await vault.run('delete-wal', 'pg');
    expect(code).toBe(1);
    expect(stderr).toContain(`base backup 20260701T000000 (gone from "${vault.path('base')}" with all other backups`);
    expect(stderr).toContain(`remove "${record}"`);
    expect((await archived(vault))[0]).toBe(name(2));
  };
  await rename(vault.path('base'), vault.path('elsewhere'));
  await expectBlock();
  await mkdir(vault.path('base'));
  await expectBlock();
  // One that is taken into the mount point says nothing about those that are hidden.
  await backup(vault, '20260703T000000', done(9));
  await expectBlock();
  await rm(vault.path('base'), { recursive: true });
  await rename(vault.path('elsewhere'), vault.path('base'));
  await rm(vault.path('base', '20260701T000000'), { recursive: true });
  await vault.succeed('delete-wal', 'pg');
  expect((await archived(vault))[0]).toBe(name(3));
  await rm(vault.path('base', '20260702T000000'), { recursive: true });
  await vault.succeed('delete-wal', 'pg');
  expect((await archived(vault))[0]).toBe(name(4));
});

test('a backup without its backup.info holds up the deletion, and it is said what to do', async () => {
  await using vault = await vaultWith(window);
  await mkdir(vault.path('base', '20260701T000000', 'data'), { recursive: true });
  const { code, stderr } = await vault.run('delete-wal', 'pg');
  expect(code).toBe(1);
  expect(stderr).toContain('20260701T000000/backup.info (unreadable: it is missing)');
  expect(stderr).toContain('remove the directory if it is what is left of a deleted backup');
  expect(await archived(vault)).toHaveLength(12);
});

test('hooks: output on stderr, 63 stops', async () => {
  await using vault = await vaultWith({
    ...window,
    pre_wal_delete_retry_script: `echo "not $BARMAN_SEGMENT of $BARMAN_SERVER" >&2; test $BARMAN_SEGMENT = ${name(1)} || exit 63`,
    post_wal_delete_script: 'echo $BARMAN_CONFIGURATION $BARMAN_PHASE >> $(dirname $BARMAN_CONFIGURATION)/ran',
  });
  const { code, stderr } = await vault.run('delete-wal', 'pg');
  expect(code).toBe(1);
  expect(stderr).toContain(`not ${name(1)} of pg`);
  expect(stderr).toContain(`pre_wal_delete_retry_script stopped the deletion at ${name(2)}`);
  expect(await readFile(`${vault.home}/ran`, 'utf8')).toBe(`${vault.configFile} post\n`);
  expect((await archived(vault))[0]).toBe(name(2));
});

test('cron deletes once an hour', async () => {
  await using vault = await vaultWith(window);
  expect(await vault.succeed('cron')).toContain('Starting deletion of WAL for server pg\n');
  for (const deadline = Date.now() + 20_000; existsSync(vault.path('wals', '0000000100000000', name(3))); await sleep(50))
    expect(Date.now()).toBeLessThan(deadline);
  expect(await vault.succeed('cron')).not.toContain('deletion');
  const longAgo = new Date(today - 3_600_001);
  await utimes(`${vault.home}/.pg-delete-wal.lock`, longAgo, longAgo);
  expect(await vault.succeed('cron')).toContain('Starting deletion of WAL for server pg\n');
});
