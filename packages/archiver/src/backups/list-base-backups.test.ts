import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { TestServer } from '../../testing.ts';
import { listBaseBackups } from '../index.ts';

/** As Barman 3.4 writes it, with what does not matter here too. */
const done = {
  backup_label: `"START WAL LOCATION: 0/2000028 (file 000000010000000000000002)\\nSTART TIMELINE: 1\\n"`,
  begin_offset: '40',
  begin_time: '2026-07-01 12:00:00.123456+02:00',
  begin_wal: '000000010000000000000002',
  begin_xlog: '0/2000028',
  compression: 'None',
  copy_stats: "{'total_time': 0.8, 'copy_time': 0.7}",
  end_offset: '312',
  end_time: '2026-07-01 12:01:00+02:00',
  end_wal: '000000010000000000000002',
  end_xlog: '0/2000138',
  error: 'None',
  mode: 'postgres',
  pgdata: '/var/lib/postgresql/data=x',
  server_name: 'pg',
  status: 'DONE',
  systemid: '7711030578120921605',
  tablespaces: 'None',
  timeline: '1',
  version: '180000',
  xlog_segment_size: '1048576',
} satisfies Record<string, string>;

function info(fields: Readonly<Record<string, string>> = {}): string {
  return Object.entries({ ...done, ...fields })
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
}

class Backups implements AsyncDisposable {
  readonly #server: TestServer;
  readonly base: string;
  readonly meta: string;

  private constructor(server: TestServer) {
    this.#server = server;
    this.base = join(server.home, 'base');
    this.meta = join(server.home, 'meta');
  }

  static async create(): Promise<Backups> {
    return new Backups(await TestServer.create());
  }

  async write(path: string, content: string): Promise<void> {
    await mkdir(dirname(join(this.#server.home, path)), { recursive: true });
    await writeFile(join(this.#server.home, path), content);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }
}

test('without directories there are no backups', async () => {
  await using backups = await Backups.create();
  expect(await listBaseBackups(backups)).toEqual({ backups: [], unreadable: [] });
});

test('reads what a backup needs of WAL', async () => {
  await using backups = await Backups.create();
  await backups.write('base/20260701T120000/backup.info', info());
  await backups.write('base/20260701T120000/annotations/keep', 'standalone');
  expect(await listBaseBackups(backups)).toEqual({
    unreadable: [],
    backups: [
      {
        id: '20260701T120000',
        name: undefined,
        status: 'DONE',
        keep: 'standalone',
        parentId: undefined,
        mode: 'postgres',
        serverVersion: 180_000,
        systemIdentifier: 7_711_030_578_120_921_605n,
        walSegmentSize: 1_048_576,
        begin: { timelineId: 1, lsn: 0x2000028n, walName: '000000010000000000000002', time: 1_782_900_000_123_456n },
        end: { timelineId: 1, lsn: 0x2000138n, walName: '000000010000000000000002', time: 1_782_900_060_000_000n },
      },
    ],
  });
});

test('takes the place of newer Barmans first, and what older ones do not write as not known', async () => {
  await using backups = await Backups.create();
  await backups.write('base/20260701T120000/backup.info', info({ status: 'WAITING_FOR_WALS' }));
  await backups.write('meta/20260701T120000-backup.info', info({ backup_name: 'before the upgrade' }));
  await backups.write('meta/20260701T120000-keep', 'full');
  await backups.write('base/20240101T000000/backup.info', info({ systemid: 'None', xlog_segment_size: 'None', mode: 'None' }));
  await backups.write('base/lost+found', '');
  await backups.write('base/20250101T000000/data/PG_VERSION', '18');
  const { backups: found } = await listBaseBackups(backups);
  expect(found).toMatchObject([
    { id: '20240101T000000', systemIdentifier: undefined, walSegmentSize: 16 * 1024 * 1024 },
    { id: '20260701T120000', status: 'DONE', name: 'before the upgrade', keep: 'full' },
  ]);
});

test('a directory that is named like a backup and has no backup.info cannot be read', async () => {
  await using backups = await Backups.create();
  await backups.write('base/20260701T120000/backup.info', info());
  await backups.write('base/20260702T120000/data/PG_VERSION', '18');
  await backups.write('base/20260703T120000', 'a file');
  await symlink('/nowhere', join(backups.base, '20260704T120000'));
  await backups.write('base/incoming/x', '');
  const listing = await listBaseBackups(backups);
  expect(listing.backups.map(({ id }) => id)).toEqual(['20260701T120000']);
  expect(listing.unreadable).toEqual(
    ['20260702T120000', '20260704T120000'].map((id) => ({
      id,
      path: join(backups.base, id, 'backup.info'),
      problem: 'is missing',
      remedy: expect.stringContaining('remove the directory') as string,
    })),
  );
});

test('a backup that runs or failed may know nothing yet', async () => {
  await using backups = await Backups.create();
  const nothing = { begin_wal: 'None', begin_xlog: 'None', end_wal: 'None', end_xlog: 'None', timeline: 'None' };
  await backups.write('base/20260701T000000/backup.info', 'status=EMPTY\n');
  await backups.write('base/20260702T000000/backup.info', info({ ...nothing, status: 'FAILED' }));
  await backups.write('base/20260703T000000/backup.info', info({ end_wal: 'None', end_xlog: 'None', status: 'STARTED' }));
  expect((await listBaseBackups(backups)).backups).toMatchObject([
    { status: 'EMPTY', begin: undefined, end: undefined },
    { status: 'FAILED', begin: undefined, end: undefined },
    { status: 'STARTED', begin: { walName: done.begin_wal }, end: undefined },
  ]);
});

test('reads times in the forms that Barman has had', async () => {
  await using backups = await Backups.create();
  await backups.write('base/1/backup.info', info({ end_time: 'Wed Jul  1 12:00:00 2026' }));
  await backups.write('base/2/backup.info', info({ end_time: '2026-07-01T12:00:00.5+02:00' }));
  await backups.write('base/3/backup.info', info({ end_time: 'soon' }));
  const times = (await listBaseBackups(backups)).backups.map((backup) => backup.end?.time);
  expect(times).toEqual([BigInt(new Date(2026, 6, 1, 12).getTime()) * 1000n, 1_782_900_000_500_000n, undefined]);
});

test.each([
  [{ status: 'SOON' }, /unknown status "SOON"/],
  [{ begin_wal: 'x' }, /begin_wal "x", which is no segment/],
  [{ end_xlog: '02000138' }, /end_xlog "02000138", which is no LSN/],
  [{ end_wal: 'None' }, /is DONE and lacks end_wal/],
  [{ timeline: '0' }, /timeline "0"/],
  [{ xlog_segment_size: '17' }, /xlog_segment_size "17"/],
  [{ systemid: 'abc' }, /systemid "abc"/],
  [{ version: '18.0' }, /version "18.0"/],
])('tells which backup.info cannot be read, and why: %j', async (fields, problem) => {
  await using backups = await Backups.create();
  await backups.write('base/1/backup.info', info(fields));
  await backups.write('base/2/backup.info', info());
  const listing = await listBaseBackups(backups);
  expect(listing.backups.map((backup) => backup.id)).toEqual(['2']);
  expect(listing.unreadable).toEqual([
    { id: '1', path: join(backups.base, '1/backup.info'), problem: expect.stringMatching(problem) },
  ]);
});

test('a cut off file is not read as one that says less', async () => {
  await using backups = await Backups.create();
  await backups.write('base/1/backup.info', info().slice(0, -500));
  await backups.write('base/2/backup.info', '');
  const { backups: found, unreadable } = await listBaseBackups(backups);
  expect([found, unreadable.map((one) => one.id)]).toEqual([[], ['1', '2']]);
});
