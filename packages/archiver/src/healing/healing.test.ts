import { readFileSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { tryLock } from '@walvault/durable-fs';
import { parseLsn } from '@walvault/wal';
import { expect, test } from 'vitest';
import { history, segmentName, segmentSize, systemIdentifier, TestServer, walFile } from '../../testing.ts';
import { findDamage, type Judgement, judgeCandidate, Neighbours, setAside, Timelines } from '../index.ts';

const names = (...numbers: readonly number[]): string[] => numbers.map((number) => segmentName(1, number));

/** A segment with one bit turned over. */
function damaged(name: string, at: number): Buffer {
  const content = walFile(name);
  content[at] = content[at]! ^ 4;
  return content;
}

async function judge(server: TestServer, name: string, content: Buffer): Promise<Judgement> {
  const path = join(server.home, name);
  await writeFile(path, content);
  const facts = { systemIdentifier, walSegmentSize: segmentSize };
  const { directories } = server.reading;
  const timelines = await Timelines.read(directories);
  return judgeCandidate(path, name, facts, new Neighbours({ directories, walSegmentSize: segmentSize, facts, timelines }));
}

test('finds what is missing between others, and of what is suspected only what is bad', async () => {
  await using server = await TestServer.create();
  await server.put(...names(2, 3, 6, 7, 8, 9));
  await server.write(server.archived(segmentName(1, 3)), gzipSync(walFile(segmentName(1, 3))));
  await server.write(server.archived(segmentName(1, 7)), gzipSync(damaged(segmentName(1, 7), 9000)));
  await server.write(server.archived(segmentName(1, 8)), gzipSync(walFile(segmentName(1, 8))).subarray(0, 5000));
  await server.stream(segmentName(1, 10));
  const damage = await findDamage(server.reading, names(2, 3, 4, 7, 8, 9, 10, 11));
  expect(damage.segments.map(({ name, kind }) => `${kind} ${name}`)).toEqual([
    `missing ${segmentName(1, 4)}`,
    `missing ${segmentName(1, 5)}`,
    `bad ${segmentName(1, 7)}`,
    `bad ${segmentName(1, 8)}`,
    `missing ${segmentName(1, 11)}`,
  ]);
  expect(damage.segments[2]?.reason).toMatch(
    /^record at 0\/70\w+ \(Heap\/INSERT, .*\): its checksum does not match: \w{8} instead of \w{8}$/,
  );
  expect(damage).toMatchObject({ walSegmentSize: segmentSize, systemIdentifier });
});

test('the first segment of an archive may be the damaged one, and its cluster is told by the others', async () => {
  await using server = await TestServer.create();
  await server.put(...names(1, 2, 3));
  await server.write(server.archived(segmentName(1, 1)), Buffer.alloc(segmentSize));
  const damage = await findDamage({ directories: server.reading.directories }, names(1));
  expect(damage).toMatchObject({
    walSegmentSize: segmentSize,
    systemIdentifier,
    segments: [{ name: segmentName(1, 1), kind: 'bad' }],
  });
});

test('an empty archive has no damage', async () => {
  await using server = await TestServer.create();
  expect(await findDamage(server.reading, [])).toMatchObject({ segments: [], walSegmentSize: undefined });
});

test('takes what is right and fits to what is before and behind it', async () => {
  await using server = await TestServer.create();
  await server.put(...names(4, 6));
  const name = segmentName(1, 5);
  expect(await judge(server, name, walFile(name))).toMatchObject({ isGood: true, before: 'proven', behind: 'proven' });
  expect(await judge(server, segmentName(1, 9), walFile(segmentName(1, 9)))).toMatchObject({
    isGood: true,
    before: 'unknown',
    behind: 'unknown',
  });
});

test.each([
  ['a flipped bit', damaged(segmentName(1, 5), 12_345), /record at 0\/50/],
  ['a piece', walFile(segmentName(1, 5)).subarray(0, 100_000), /not right either/],
  ['another place', walFile(segmentName(1, 6)), /not right either/],
  ['another cluster', walFile(segmentName(1, 5), { systemIdentifier: 1n }), /not right either/],
])('takes nothing that is not right: %s', async (_, content, problem) => {
  await using server = await TestServer.create();
  await server.put(...names(4, 6));
  expect(await judge(server, segmentName(1, 5), content)).toMatchObject({
    isGood: false,
    problem: expect.stringMatching(problem) as string,
  });
});

test('the first segment of a timeline goes on from its parent', async () => {
  await using server = await TestServer.create();
  await server.put(...names(4), segmentName(2, 6));
  await server.write(server.archived('00000002.history'), history([1, '0/550000']));
  expect(await judge(server, segmentName(2, 5), walFile(segmentName(2, 5)))).toMatchObject({ isGood: true, before: 'proven' });
});

test.each([
  ['the copy of its beginning is the same', walFile(segmentName(1, 5)), { isGood: true, behind: 'proven' }],
  ['the copy is damaged itself', damaged(segmentName(1, 5), 9000), { isGood: true, behind: 'unknown' }],
  [
    'the copy of its beginning is another',
    walFile(segmentName(1, 5), { seed: 'another history' }),
    { isGood: false, problem: `"${segmentName(2, 5)}" has other bytes before the switch to timeline 2 at 0/508000` },
  ],
])('a segment in which a timeline was left is held against the younger one: %s', async (_, copy, expected) => {
  await using server = await TestServer.create();
  await server.put(...names(4));
  await server.write(server.archived('00000002.history'), history([1, '0/508000']));
  await server.write(server.archived(segmentName(2, 5)), gzipSync(copy));
  expect(await judge(server, segmentName(1, 5), walFile(segmentName(1, 5)))).toMatchObject(expected);
});

test('what is different behind the switchpoint only is right', async () => {
  await using server = await TestServer.create();
  await server.put(...names(4));
  await server.write(server.archived('00000002.history'), history([1, '0/500028']));
  const other = walFile(segmentName(1, 5), { seed: 'another history' });
  await server.write(server.archived(segmentName(2, 5)), other);
  expect(await judge(server, segmentName(1, 5), walFile(segmentName(1, 5)))).toMatchObject({ isGood: true, behind: 'proven' });
});

test.each(['0/600000', '0/600100'])('a younger timeline that begins at %s must go on from the healed segment', async (leftAt) => {
  await using server = await TestServer.create();
  await server.put(...names(4));
  await server.write(server.archived('00000002.history'), history([1, leftAt]));
  const first = segmentName(2, 6);
  await server.write(server.archived(first), walFile(first, { previousLsn: parseLsn('0/500028') }));
  expect(await judge(server, segmentName(1, 5), walFile(segmentName(1, 5)))).toMatchObject({
    isGood: false,
    problem: `"${first}", the first segment of timeline 2, does not go on where it ends`,
  });
  await server.put(first);
  expect(await judge(server, segmentName(1, 5), walFile(segmentName(1, 5)))).toMatchObject({ isGood: true, behind: 'proven' });
});

test('the bad one is moved aside with the reason, never beside an archiver, and not when it is gone', async () => {
  await using server = await TestServer.create();
  await server.put(...names(5));
  const name = segmentName(1, 5);
  const content = readFileSync(server.archived(name));
  const options = {
    serverName: server.name,
    lockDirectory: server.home,
    walsDirectory: server.wals,
    errorsDirectory: server.errors,
    name,
    reason: 'record at 0/5000028: wrong checksum',
  };
  {
    await using _ = await tryLock(join(server.home, '.pg-archive-wal.lock'));
    await expect(setAside(options)).rejects.toMatchObject({ code: 'ERR_ARCHIVER_BUSY' });
  }
  const movedTo = await setAside(options);
  expect((await readFile(movedTo!)).equals(content)).toBe(true);
  expect(await readFile(`${movedTo}.reason`, 'utf8')).toBe(`replaced by heal-wal: ${options.reason}\n`);
  expect(await setAside(options)).toBeUndefined();
  expect(await readdir(server.errors)).toHaveLength(2);
});
