import { mkdir, rm, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseLsn } from '@walvault/wal';
import { expect, test } from 'vitest';
import { filesBelow, history, segmentName, TestServer, walFile } from '../../testing.ts';
import { Catalog } from '../index.ts';

const [one, two, three, four] = [1, 2, 3, 4].map((number) => segmentName(1, number)) as [string, string, string, string];
const live = `${segmentName(1, 9)}.partial`;
/** The first record of segment two names a record before it that is not the last one of segment one. */
const stranger = walFile(two, { previousLsn: parseLsn('0/100028') });

function catalogOf(server: TestServer): Catalog {
  return Catalog.open(join(server.home, 'walvault.sqlite'));
}

test('each segment is proven to go on from the one before it, in a pass and from one pass to the next', async () => {
  await using server = await TestServer.create();
  using catalog = catalogOf(server);
  await server.stream(one, two, live);
  await server.archive({ catalog });
  await server.stream(three, four);
  await server.archive({ catalog });
  expect([one, two, three, four].map((name) => catalog.entry(name)?.facts.link)).toEqual([
    'unknown',
    'proven',
    'proven',
    'proven',
  ]);
});

test.each(['of this pass', 'of the archive'])(
  'a segment that does not follow one %s goes to the errors directory, the next one stays',
  async (where) => {
    await using server = await TestServer.create();
    using catalog = catalogOf(server);
    await server.stream(one, live);
    if (where === 'of the archive') await server.archive({ catalog });
    await writeFile(join(server.streaming, two), stranger);
    await server.stream(three);
    const report = await server.archive({ catalog });
    expect(report.files.map(({ kind, name }) => `${kind} ${name}`).slice(-2)).toEqual([`invalid ${two}`, `archived ${three}`]);
    expect(catalog.entry(three)?.facts.link).toBe('unknown');
    const reason = filesBelow(server.errors).find((name) => name.endsWith('.reason'));
    expect(readFileSync(join(server.errors, reason!), 'utf8')).toMatch(
      /^ERR_WAL_FILE_CORRUPT: WAL file ".*" does not go on from the segment before it: the record at 0\/200028 is not right: .*0\/100028/,
    );
  },
);

test('without a catalogue only what comes together is proven', async () => {
  await using server = await TestServer.create();
  await server.stream(one, live);
  await server.archive();
  await writeFile(join(server.streaming, two), stranger);
  expect((await server.archive()).files.map(({ kind }) => kind)).toEqual(['archived']);
});

test('a segment whose name the archive has with other content proves nothing about the next one', async () => {
  await using server = await TestServer.create();
  using catalog = catalogOf(server);
  await server.put(one);
  await writeFile(join(server.streaming, one), walFile(one, { seed: 'other' }));
  await server.stream(two, live);
  const report = await server.archive({ catalog });
  expect(report.files.map(({ kind }) => kind)).toEqual(['conflict', 'archived']);
  expect(catalog.entry(two)?.facts.link).toBe('unknown');
});

test('the first segment of a timeline follows one of its parent, as the history file says', async () => {
  await using server = await TestServer.create();
  using catalog = catalogOf(server);
  const first = segmentName(2, 3);
  await server.stream(one, two, first, `${segmentName(2, 4)}.partial`);
  await writeFile(join(server.streaming, '00000002.history'), history([1, '0/300400']));
  await server.archive({ catalog });
  expect(catalog.entry(first)?.facts.link).toBe('proven');
});

test('a partial segment that was left is proven to follow, and one that does not goes to the errors directory', async () => {
  await using server = await TestServer.create();
  using catalog = catalogOf(server);
  await server.stream(one);
  await writeFile(join(server.streaming, `${two}.partial`), stranger);
  await server.stream(`${segmentName(2, 2)}.partial`);
  const report = await server.archive({ catalog, livePartial: `${segmentName(2, 2)}.partial` });
  expect(report.files.map(({ kind, name }) => `${kind} ${name}`)).toEqual([`archived ${one}`, `invalid ${two}.partial`]);
});

test('a catalogue that speaks of a segment which the archive does not have keeps the next one out of nothing', async () => {
  await using server = await TestServer.create();
  using catalog = catalogOf(server);
  await server.stream(one, live);
  await server.archive({ catalog });
  await rm(server.archived(one));
  await writeFile(join(server.streaming, two), stranger);
  expect((await server.archive({ catalog })).files.map(({ kind }) => kind)).toEqual(['archived']);
  expect(catalog.entry(two)?.facts.link).toBe('unknown');
});

test('a segment before it that cannot be read fails the one that seems not to follow, and no other', async () => {
  await using server = await TestServer.create();
  using catalog = catalogOf(server);
  await server.stream(one, live);
  await server.archive({ catalog });
  await rm(server.archived(one));
  await mkdir(server.archived(one));
  await writeFile(join(server.streaming, two), stranger);
  await server.stream(three);
  const { files } = await server.archive({ catalog });
  expect(files.map(({ kind, name }) => `${kind} ${name}`)).toEqual([`failed ${two}`, `archived ${three}`]);
  expect(files[0]).toMatchObject({
    error: { message: expect.stringContaining(`could not read "${server.archived(one)}"`) as string },
  });
  expect(filesBelow(server.streaming)).toEqual([two, live]);
});
