import { mkdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { parseWalFileName } from '@walvault/wal';
import { expect, test } from 'vitest';
import { history, segmentName, TestServer, walFile } from '../../testing.ts';
import {
  Catalog,
  type OpenWalChoices,
  restoreWal,
  type RestoreOutcome,
  type RestoreWalOptions,
  WalFileError,
  WalHoleError,
} from '../index.ts';
import { recordDeletion } from '../retention/deletion-record.ts';

/** A server and the directory that PostgreSQL would want WAL in. */
async function recovering(): Promise<
  {
    server: TestServer;
    restore: (name: string, choices?: OpenWalChoices) => Promise<RestoreOutcome>;
    destination: string;
  } & AsyncDisposable
> {
  const server = await TestServer.create();
  await mkdir(join(server.home, 'pg_wal'));
  const destination = join(server.home, 'pg_wal', 'RECOVERYXLOG');
  return {
    server,
    destination,
    restore: (name, choices) => restoreWal(server.reading, name, destination, choices),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

test('hands over a segment from the archive, the incoming or the streaming directory, in one step', async () => {
  await using at = await recovering();
  await at.server.put(segmentName(1, 1));
  await writeFile(join(at.server.incoming, segmentName(1, 2)), walFile(segmentName(1, 2)));
  await at.server.stream(segmentName(1, 3), '00000002.history');
  for (const [number, location] of [
    [1, 'archive'],
    [2, 'incoming'],
    [3, 'streaming'],
  ] as const) {
    expect(await at.restore(segmentName(1, number))).toMatchObject({ kind: 'restored', location, isPartial: false });
    expect((await readFile(at.destination)).equals(walFile(segmentName(1, number)))).toBe(true);
  }
  expect(await at.restore('00000002.history')).toMatchObject({ kind: 'restored' });
  expect(await readFile(at.destination, 'utf8')).toBe(history([1, '0/5000000']));
  expect(readdirSync(join(at.server.home, 'pg_wal'))).toEqual(['RECOVERYXLOG']);
});

test('decompresses what the first bytes say, whatever the name', async () => {
  await using at = await recovering();
  const [gzipped, zstandard] = [segmentName(1, 1), segmentName(1, 2)];
  await at.server.write(at.server.archived(gzipped), gzipSync(walFile(gzipped)));
  await at.server.write(at.server.archived(zstandard), zstdCompressSync(walFile(zstandard)));
  for (const name of [gzipped, zstandard]) {
    await at.restore(name);
    expect((await readFile(at.destination)).equals(walFile(name))).toBe(true);
  }
});

test('says absent only behind the end: of the archive, of a timeline, of the histories', async () => {
  await using at = await recovering();
  await at.server.put(segmentName(1, 1), segmentName(1, 2));
  expect(await at.restore(segmentName(1, 3))).toEqual({ kind: 'absent', partialPath: undefined });
  expect(await at.restore('00000002.history')).toEqual({ kind: 'absent', partialPath: undefined });
  expect(await at.restore('00000001.history')).toMatchObject({ kind: 'absent' });
  expect(await at.restore(`${segmentName(1, 1)}.00000028.backup`)).toMatchObject({ kind: 'absent' });
  await at.server.stream(`${segmentName(1, 3)}.partial`);
  expect(await at.restore(segmentName(1, 3))).toEqual({
    kind: 'absent',
    partialPath: join(at.server.streaming, `${segmentName(1, 3)}.partial`),
  });
});

test.each([
  ['the archive', (server: TestServer, name: string) => server.put(name)],
  ['the streaming directory', (server: TestServer, name: string) => server.stream(name)],
  ['the streaming directory, partial', (server: TestServer, name: string) => server.stream(`${name}.partial`)],
  ['the incoming directory', (server: TestServer, name: string) => writeFile(join(server.incoming, name), walFile(name))],
])('a missing segment is a hole when a later one is in %s', async (_, put) => {
  await using at = await recovering();
  await at.server.put(segmentName(1, 1));
  await put(at.server, segmentName(1, 5000));
  const hole = at.restore(segmentName(1, 2));
  await expect(hole).rejects.toThrow(WalHoleError);
  await expect(hole).rejects.toMatchObject({ code: 'ERR_WAL_HOLE', retry: 'fatal', walName: segmentName(1, 2) });
});

/** Timeline 2 left 1 in segment 5 and 3 left 2 in segment 8; the archive has 1 to 4, 5 to 7, and 8 to 9 of them. */
async function withTimelines(at: { server: TestServer }): Promise<void> {
  const { server } = at;
  await server.put(...[1, 2, 3, 4].map((number) => segmentName(1, number)));
  await server.put(...[5, 6, 7].map((number) => segmentName(2, number)));
  await server.put(...[8, 9].map((number) => segmentName(3, number)));
  await server.write(server.archived('00000002.history'), history([1, '0/580000']));
  await server.write(server.archived('00000003.history'), history([1, '0/580000'], [2, '0/8C0000']));
}

test('below the begin of a timeline its segments are absent: that WAL has the name of an ancestor', async () => {
  await using at = await recovering();
  await withTimelines(at);
  for (const name of [segmentName(2, 4), segmentName(3, 1), segmentName(3, 7), segmentName(3, 10)])
    expect(await at.restore(name)).toMatchObject({ kind: 'absent' });
  // Where a timeline was left in the middle of a segment, the whole segment has the later name only.
  expect(await at.restore(segmentName(1, 5))).toMatchObject({ kind: 'absent' });
  expect(await at.restore(segmentName(2, 8))).toMatchObject({ kind: 'absent' });
  expect(await at.restore('00000004.history')).toMatchObject({ kind: 'absent' });
});

test('the begin of a timeline is known from a later history file too', async () => {
  await using at = await recovering();
  await withTimelines(at);
  await rm(at.server.archived('00000002.history'));
  expect(await at.restore(segmentName(2, 4))).toMatchObject({ kind: 'absent' });
});

test.each([
  ['the last segment of a timeline that another goes on from', segmentName(1, 4)],
  ['the first segment of a timeline', segmentName(3, 8)],
  ['a segment in the middle of a timeline', segmentName(2, 6)],
  ['a history file of a timeline that has segments', '00000003.history'],
  ['a history file with a higher timeline behind it', '00000002.history'],
])('%s is a hole when it is missing', async (_, name) => {
  await using at = await recovering();
  await withTimelines(at);
  await rm(at.server.archived(name));
  await expect(at.restore(name)).rejects.toThrow(WalHoleError);
});

test('serves the partial segment filled up with zeros when asked to, and only then', async () => {
  await using at = await recovering();
  const name = segmentName(1, 2);
  await at.server.put(segmentName(1, 1));
  await writeFile(join(at.server.streaming, `${name}.partial`), walFile(name).subarray(0, 300_000));
  expect((await at.restore(name)).kind).toBe('absent');
  expect(await at.restore(name, { partial: true })).toMatchObject({ kind: 'restored', isPartial: true, location: 'streaming' });
  const restored = await readFile(at.destination);
  expect(restored.length).toBe(1024 * 1024);
  expect(restored.subarray(0, 300_000).equals(walFile(name).subarray(0, 300_000))).toBe(true);
  expect(restored.subarray(300_000).every((byte) => byte === 0)).toBe(true);
});

test('a partial segment with WAL behind damage is not handed over, unless that is asked for', async () => {
  await using at = await recovering();
  const name = segmentName(1, 2);
  await at.server.put(segmentName(1, 1));
  const damaged = walFile(name).subarray(0, 50_000);
  damaged[20_000]! ^= 4;
  await writeFile(join(at.server.streaming, `${name}.partial`), damaged);
  await expect(at.restore(name, { partial: true })).rejects.toThrow(/\.partial.* is damaged: the (record|page) at 0\/2/);
  expect(existsSync(at.destination)).toBe(false);
  const asItIs = { ...at.server.reading, verify: false };
  expect(await restoreWal(asItIs, name, at.destination, { partial: true })).toMatchObject({ kind: 'restored', isPartial: true });
});

test('a partial segment that nothing was written to is nothing to restore', async () => {
  await using at = await recovering();
  await at.server.put(segmentName(1, 1));
  await writeFile(join(at.server.streaming, `${segmentName(1, 2)}.partial`), Buffer.alloc(1024 * 1024));
  expect((await at.restore(segmentName(1, 2), { partial: true })).kind).toBe('absent');
});

test('finds the partial of a timeline that was left in the archive', async () => {
  await using at = await recovering();
  await at.server.put(segmentName(1, 1), `${segmentName(1, 2)}.partial`);
  expect(await at.restore(segmentName(1, 2), { partial: true })).toMatchObject({ location: 'archive', isPartial: true });
});

test.each([
  ['cut off', walFile(segmentName(1, 1)).subarray(0, 600_000)],
  ['cut off compression', gzipSync(walFile(segmentName(1, 1))).subarray(0, 9000)],
  ['a compressed half', zstdCompressSync(walFile(segmentName(1, 1)).subarray(0, 600_000))],
  ['the WAL of another segment', walFile(segmentName(1, 2))],
  ['another cluster', walFile(segmentName(1, 1), { systemIdentifier: 1n })],
  ['bzip2', Buffer.from('BZh91AY&SY not to be read here')],
])('refuses a damaged file (%s) and leaves nothing behind', async (_, content) => {
  await using at = await recovering();
  await at.server.write(at.server.archived(segmentName(1, 1)), content);
  await expect(at.restore(segmentName(1, 1))).rejects.toThrow(WalFileError);
  expect(readdirSync(join(at.server.home, 'pg_wal'))).toEqual([]);
});

test('passes over a damaged copy when there is a good one, but takes no partial for it', async () => {
  await using at = await recovering();
  const name = segmentName(1, 1);
  await at.server.write(at.server.archived(name), gzipSync(walFile(name)).subarray(0, 9000));
  await at.server.stream(`${name}.partial`);
  await expect(at.restore(name, { partial: true })).rejects.toThrow(WalFileError);
  await at.server.stream(name);
  expect(await at.restore(name, { partial: true })).toMatchObject({ location: 'streaming', isPartial: false });
});

test('an archive without any WAL is trouble, not the end of it', async () => {
  await using at = await recovering();
  for (const name of [segmentName(1, 1), '00000002.history'])
    await expect(at.restore(name)).rejects.toMatchObject({ code: 'ERR_ARCHIVE_EMPTY' });
});

test.each<[string, (server: TestServer) => Promise<Partial<RestoreWalOptions>>]>([
  [
    'xlog.db in another place',
    async ({ home }) => {
      const xlogDbPath = join(home, 'pg-xlog.db');
      await writeFile(xlogDbPath, `${segmentName(1, 1)}\t1048576\t1795364256.0\tNone\n`);
      return { xlogDbPath };
    },
  ],
  [
    'the catalogue',
    async (server) => {
      const catalogPath = join(server.home, 'walvault.sqlite');
      using catalog = Catalog.open(catalogPath);
      await server.stream(segmentName(1, 1), `${segmentName(1, 2)}.partial`);
      await server.archive({ catalog });
      return { catalogPath };
    },
  ],
  [
    'the record of deletions',
    async ({ home }) => {
      const deletionRecordPath = join(home, 'deleted-wal.json');
      await recordDeletion(deletionRecordPath, [parseWalFileName(segmentName(1, 1))], 0);
      return { deletionRecordPath };
    },
  ],
  ['the first segment received', async () => ({ receivedFrom: segmentName(1, 2), receivedThrough: segmentName(1, 4) })],
  ['the last segment received', async () => ({ receivedFrom: segmentName(1, 3), receivedThrough: segmentName(2, 5) })],
])(
  'an archive with nothing in it is trouble where %s shows that it had some, whatever waits beside it',
  async (_, leaveTrace) => {
    await using at = await recovering();
    const trace = await leaveTrace(at.server);
    await rm(at.server.wals, { recursive: true });
    await mkdir(at.server.wals);
    await at.server.stream(segmentName(1, 3), `${segmentName(1, 4)}.partial`);
    for (const name of ['00000002.history', segmentName(1, 5)]) {
      expect(await at.restore(name)).toMatchObject({ kind: 'absent' });
      await expect(restoreWal({ ...at.server.reading, ...trace }, name, at.destination)).rejects.toMatchObject({
        code: 'ERR_ARCHIVE_EMPTY',
        message: expect.stringMatching(/no WAL at all below ".*wals", but /) as string,
      });
    }
  },
);

test('what waits to be archived first is all there is', async () => {
  await using at = await recovering();
  await at.server.stream(segmentName(1, 3), `${segmentName(1, 4)}.partial`);
  const options = { ...at.server.reading, receivedFrom: segmentName(1, 3), receivedThrough: segmentName(1, 4) };
  expect(await restoreWal(options, '00000002.history', at.destination)).toMatchObject({ kind: 'absent' });
});

test('a directory that is gone or is no directory is trouble, never absent', async () => {
  for (const which of ['wals', 'streaming', 'incoming'] as const) {
    await using at = await recovering();
    await at.server.put(segmentName(1, 1));
    await at.server.stream(segmentName(1, 2));
    await rename(at.server[which], `${at.server[which]}-moved`);
    await expect(at.restore(segmentName(1, 3))).rejects.toMatchObject({ code: 'ERR_PATH_MISSING', retry: 'fatal' });
    await writeFile(at.server[which], 'a file');
    await expect(at.restore(segmentName(1, 3))).rejects.toMatchObject({ name: 'FileSystemError' });
  }
});

test('a damaged history file is trouble where it would decide', async () => {
  await using at = await recovering();
  await at.server.put(segmentName(1, 1));
  await at.server.write(at.server.archived('00000002.history'), 'gibberish\n');
  await expect(at.restore(segmentName(1, 2))).rejects.toThrow(WalFileError);
});

test('replaces what is at the destination, and says so when it cannot write there', async () => {
  await using at = await recovering();
  await at.server.put(segmentName(1, 1));
  await writeFile(at.destination, 'old');
  await at.restore(segmentName(1, 1));
  expect((await stat(at.destination)).size).toBe(1024 * 1024);
  const nowhere = join(at.server.home, 'no-such-directory', 'RECOVERYXLOG');
  await expect(restoreWal(at.server.reading, segmentName(1, 1), nowhere)).rejects.toMatchObject({ code: 'ERR_PATH_MISSING' });
});

test('what a process that was killed left at the destination goes; what one that lives is at stays', async () => {
  await using at = await recovering();
  await at.server.put(segmentName(1, 1));
  const gone = spawnSync('true').pid;
  const names = [`.RECOVERYXLOG.${gone}.tmp`, `.RECOVERYXLOG.${process.ppid}.tmp`, '.RECOVERYXLOG.x.tmp', `.OTHER.${gone}.tmp`];
  for (const name of names) await writeFile(join(at.server.home, 'pg_wal', name), '');
  await at.restore(segmentName(1, 1));
  expect(readdirSync(join(at.server.home, 'pg_wal')).toSorted()).toEqual([...names.slice(1), 'RECOVERYXLOG'].toSorted());
});

test('refuses a name that is none', async () => {
  await using at = await recovering();
  await expect(at.restore('../../etc/passwd')).rejects.toMatchObject({ code: 'ERR_INVALID_WAL_FILE_NAME' });
});

test('finds a segment that moves to the archive while it is looked for', async () => {
  await using at = await recovering();
  const name = segmentName(1, 1);
  await at.server.stream(name, `${segmentName(1, 2)}.partial`);
  for (let round = 0; round < 10; round += 1) {
    const [, outcome] = await Promise.all([at.server.archive({ compression: { method: 'gzip', level: 1 } }), at.restore(name)]);
    expect(outcome.kind).toBe('restored');
    await rm(at.server.archived(name));
    await at.server.stream(name);
  }
});

test('a segment that is on record was there: one that xlog.db lists, or that was received, is a hole even behind all that is left', async () => {
  await using at = await recovering();
  const { server, destination } = at;
  await server.put(segmentName(1, 1));
  await server.write(server.xlogDb, `${segmentName(1, 1)}\t1\t1.5\tNone\n${segmentName(1, 2)}\t1\t1.5\tNone\n`);
  const ask = (name: string, receivedThrough?: string): Promise<RestoreOutcome> =>
    restoreWal({ ...server.reading, xlogDbPath: server.xlogDb, receivedThrough }, name, destination);

  await expect(ask(segmentName(1, 2))).rejects.toThrow(/lists it/);
  expect(await ask(segmentName(1, 3))).toMatchObject({ kind: 'absent' });
  await expect(ask(segmentName(1, 3), segmentName(1, 4))).rejects.toThrow(`WAL was received through "${segmentName(1, 4)}"`);
  await expect(ask(segmentName(1, 4), segmentName(1, 4))).rejects.toMatchObject({ code: 'ERR_WAL_HOLE' });
  expect(await ask(segmentName(1, 5), segmentName(1, 4))).toMatchObject({ kind: 'absent' });
  expect(await ask(segmentName(2, 3), segmentName(1, 4))).toMatchObject({ kind: 'absent' });

  await server.stream(`${segmentName(1, 4)}.partial`);
  expect(await ask(segmentName(1, 4), segmentName(1, 4))).toMatchObject({ kind: 'absent', partialPath: expect.anything() });
});

test('a partial segment is the last of the WAL or none: before a hole it is not handed over', async () => {
  await using at = await recovering();
  const { server } = at;
  await server.put(segmentName(1, 1), `${segmentName(1, 2)}.partial`, segmentName(1, 4));
  await expect(at.restore(segmentName(1, 2), { partial: true })).rejects.toThrow(WalHoleError);
  await server.stream(segmentName(1, 2));
  expect(await at.restore(segmentName(1, 2), { partial: true })).toMatchObject({ isPartial: false });
});

test('an archive that holds nothing but a partial segment is not empty', async () => {
  await using at = await recovering();
  await at.server.put(`${segmentName(1, 2)}.partial`);
  expect(await at.restore(segmentName(1, 2), { partial: true })).toMatchObject({ isPartial: true });
  expect(await at.restore(segmentName(1, 3))).toMatchObject({ kind: 'absent' });
});

test('a partial segment does not undo what is on record: that the segment was archived, or that later WAL was received', async () => {
  await using at = await recovering();
  const { server, destination } = at;
  await server.put(segmentName(1, 1));
  await server.stream(`${segmentName(1, 2)}.partial`);
  await server.write(server.xlogDb, `${segmentName(1, 2)}\t1\t1.5\tNone\n`);
  for (const partial of [false, true])
    await expect(
      restoreWal({ ...server.reading, xlogDbPath: server.xlogDb }, segmentName(1, 2), destination, { partial }),
    ).rejects.toThrow(/lists it/);
  await expect(
    restoreWal({ ...server.reading, receivedThrough: segmentName(1, 3) }, segmentName(1, 2), destination),
  ).rejects.toThrow(WalHoleError);
});

test('a history file that xlog.db lists is a hole, though its timeline has nothing else yet', async () => {
  await using at = await recovering();
  const { server, destination } = at;
  await server.put(segmentName(1, 1));
  await server.write(server.xlogDb, `${segmentName(1, 1)}\t1\t1.5\tNone\n00000002.history\t42\t1.5\tNone\n`);
  const ask = (name: string): Promise<RestoreOutcome> =>
    restoreWal({ ...server.reading, xlogDbPath: server.xlogDb }, name, destination);
  await expect(ask('00000002.history')).rejects.toThrow(/lists it/);
  expect(await ask('00000003.history')).toMatchObject({ kind: 'absent' });
});

test('where no history file tells when a later timeline began, its WAL may need what is missing', async () => {
  await using at = await recovering();
  await at.server.put(segmentName(1, 1));
  await at.server.stream(`${segmentName(2, 9)}.partial`);
  await expect(at.restore(segmentName(1, 2))).rejects.toThrow(`"${segmentName(2, 9)}.partial" is there`);
  expect(await at.restore(segmentName(1, 9))).toMatchObject({ kind: 'absent' });
  await at.server.write(at.server.archived('00000002.history'), history([1, '0/180000']));
  expect(await at.restore(segmentName(1, 2))).toMatchObject({ kind: 'absent' });
});

test('a name that leads nowhere, to storage that is not mounted, is a hole', async () => {
  await using at = await recovering();
  await at.server.put(segmentName(1, 1));
  await symlink(join(at.server.home, 'not-mounted'), at.server.archived(segmentName(1, 2)));
  await expect(at.restore(segmentName(1, 2))).rejects.toThrow(WalHoleError);
});

test('an empty history file is a damaged one', async () => {
  await using at = await recovering();
  await at.server.put(segmentName(1, 1));
  await at.server.write(at.server.archived('00000002.history'), '');
  await expect(at.restore(segmentName(1, 2))).rejects.toThrow(WalFileError);
});

test('a text without end is not held in memory: it is no history file', async () => {
  await using at = await recovering();
  await at.server.put(segmentName(1, 1));
  await at.server.write(at.server.archived('00000002.history'), gzipSync(`${'# \n'.repeat(500_000)}${history([1, '0/180000'])}`));
  await expect(at.restore('00000002.history')).rejects.toMatchObject({ code: 'ERR_WAL_FILE_WRONG_SIZE' });
});
