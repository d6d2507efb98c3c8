import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { filesBelow, segmentName, TestServer, walFile } from '../../testing.ts';
import { type ArchiveCatalog, Catalog } from '../index.ts';

const [one, two, three] = [1, 2, 3].map((number) => segmentName(1, number)) as [string, string, string];
const live = `${segmentName(1, 4)}.partial`;

test('notes each segment in the catalogue with what was found in it, and what it takes in the archive', async () => {
  await using server = await TestServer.create();
  await server.stream(one, two, '00000002.history', live);
  using catalog = Catalog.open(join(server.home, 'walvault.sqlite'));
  await server.archive({ catalog, compression: { method: 'zstd' }, now: () => 1_800_000_000_000 });
  expect(catalog.names()).toEqual([one, two]);
  const [, size, modifiedAt, compression] = server.noted()[1]!;
  expect(catalog.entry(two)).toMatchObject({
    storedBytes: Number(size),
    modifiedAt: Number(modifiedAt),
    compression,
    archivedAt: 1_800_000_000_000,
    facts: { verdict: 'good', walSegmentSize: 1_048_576 },
  });
});

test('notes in the catalogue what a crash has left out', async () => {
  await using server = await TestServer.create();
  await server.stream(one, live);
  await server.put(one);
  using catalog = Catalog.open(join(server.home, 'walvault.sqlite'));
  await server.archive({ catalog });
  expect(catalog.names()).toEqual([one]);
});

test('many files are noted together, and in their order', async () => {
  await using server = await TestServer.create();
  const names = Array.from({ length: 20 }, (_, index) => segmentName(1, index + 1));
  await server.stream(...names, `${segmentName(1, 21)}.partial`);
  const groups: (readonly string[])[] = [];
  const catalog: ArchiveCatalog = {
    note: async (entries) => {
      groups.push(entries.map(({ facts }) => facts.name));
      await new Promise((resolve) => void setTimeout(resolve, 50)); // others come meanwhile
    },
    seamOf: () => undefined,
  };
  await server.archive({ catalog, workers: 4 });
  expect(groups.flat()).toEqual(names);
  expect(server.notedNames()).toEqual(names);
  expect(groups.length).toBeLessThan(15);
});

test('a catalogue that cannot be used keeps nothing from being archived, and is told of', async () => {
  await using server = await TestServer.create();
  await server.stream(one, two, three, live);
  const trouble = new Error('database disk image is malformed');
  const fail = (): never => {
    throw trouble;
  };
  const report = await server.archive({ catalog: { note: fail, seamOf: fail } });
  expect(report.catalogTrouble).toBe(trouble);
  expect(server.notedNames()).toEqual([one, two, three]);
  expect(filesBelow(server.streaming)).toEqual([live]);
});

test('a partial segment is noted under its own name', async () => {
  await using server = await TestServer.create();
  await writeFile(join(server.incoming, `${two}.partial`), walFile(two));
  using catalog = Catalog.open(join(server.home, 'walvault.sqlite'));
  const directories = { ...server.options.directories, incoming: server.incoming };
  await server.archive({ catalog, directories, now: () => Date.now() + 3_600_000 });
  expect(catalog.names()).toEqual([`${two}.partial`]);
});
