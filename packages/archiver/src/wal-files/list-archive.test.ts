import { writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { history, segmentName, TestServer, walFile } from '../../testing.ts';
import { listArchive } from '../index.ts';

test('lists each timeline with its first and last segment, and holes by name', async () => {
  await using server = await TestServer.create();
  await server.put(...[2, 3, 6, 4094, 4095, 4096].map((number) => segmentName(1, number)), `${segmentName(1, 4097)}.partial`);
  const listing = await listArchive(server.reading);
  expect(listing).toEqual({
    walSegmentSize: 1024 * 1024,
    histories: [],
    impossibleNames: [],
    timelines: [
      {
        timelineId: 1,
        first: segmentName(1, 2),
        last: segmentName(1, 4096),
        count: 6,
        partials: [`${segmentName(1, 4097)}.partial`],
        holes: [
          { first: segmentName(1, 4), last: segmentName(1, 5), count: 2 },
          { first: segmentName(1, 7), last: segmentName(1, 4093), count: 4087 },
        ],
      },
    ],
  });
});

test('what waits to be archived is not missing', async () => {
  await using server = await TestServer.create();
  await server.put(segmentName(1, 1), segmentName(1, 4));
  await server.stream(segmentName(1, 2));
  await writeFile(`${server.incoming}/${segmentName(1, 3)}`, walFile(segmentName(1, 3)));
  expect((await listArchive(server.reading)).timelines[0]).toMatchObject({ count: 2, holes: [] });
});

test('a timeline must reach up to where the next one goes on, and that one must begin there', async () => {
  await using server = await TestServer.create();
  await server.put(segmentName(1, 1), segmentName(1, 2), segmentName(2, 7), segmentName(2, 8));
  await server.write(server.archived('00000002.history'), history([1, '0/580000']));
  const { timelines, histories } = await listArchive(server.reading);
  expect(histories).toEqual([2]);
  expect(timelines.map((timeline) => timeline.holes)).toEqual([
    [{ first: segmentName(1, 3), last: segmentName(1, 4), count: 2 }],
    [{ first: segmentName(2, 5), last: segmentName(2, 6), count: 2 }],
  ]);
});

test('an archive that was begun on a later timeline has no hole before it', async () => {
  await using server = await TestServer.create();
  await server.put(segmentName(2, 7), segmentName(2, 8));
  await server.write(server.archived('00000002.history'), history([1, '0/580000']));
  expect((await listArchive(server.reading)).timelines.map((timeline) => timeline.holes)).toEqual([[]]);
});

test('tells names that cannot be, and an empty archive from an unreadable one', async () => {
  await using server = await TestServer.create();
  expect(await listArchive(server.reading)).toMatchObject({ walSegmentSize: undefined, timelines: [] });
  await server.put(segmentName(1, 1));
  await server.write(server.archived('000000010000000000001000'), 'x');
  expect((await listArchive(server.reading)).impossibleNames).toEqual(['000000010000000000001000']);
  const directories = { ...server.reading.directories, wals: `${server.wals}-not-there` };
  await expect(listArchive({ directories })).rejects.toMatchObject({ code: 'ERR_PATH_MISSING' });
});
