import { readFileSync, writeFileSync } from 'node:fs';
import { rm, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { filesBelow, history, segmentName, TestServer, walFile } from '../../testing.ts';
import { Catalog, rebuildCatalog, type RebuildCatalogOptions } from '../index.ts';
import { entryNamed } from './catalog.test-support.ts';

function pathOf(server: TestServer): string {
  return join(server.home, 'walvault.sqlite');
}

async function rebuild(server: TestServer, more: Partial<RebuildCatalogOptions> = {}) {
  return rebuildCatalog({ reading: server.reading, path: pathOf(server), signal: new AbortController().signal, ...more });
}

/** All that is in a catalogue, but for when it was archived. */
function contentOf(server: TestServer) {
  using catalog = Catalog.open(pathOf(server), { readOnly: true });
  return catalog.names().map((name) => {
    const { facts, ...file } = catalog.entry(name)!;
    return { ...file, archivedAt: undefined, facts: { ...facts, seam: Buffer.from(facts.seam ?? []).toString('hex') } };
  });
}

const all = [1, 2, 3, 4, 5, 6, 7].map((number) => segmentName(1, number));

test('a rebuilt catalogue is the one that was noted while archiving, whatever came, went and came again', async () => {
  await using server = await TestServer.create();
  const archive = async (name: string): Promise<void> => {
    await server.stream(name);
    await utimes(join(server.streaming, name), 1_790_000_000, 1_790_000_000);
    using catalog = Catalog.open(pathOf(server));
    await server.archive({ catalog, receivedThrough: segmentName(1, 99), compression: { method: 'gzip' } });
  };
  for (const name of all) await archive(name);
  const step = fc.record({ index: fc.nat(all.length - 1), isRemoved: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 5 }), async (steps) => {
      for (const { index, isRemoved } of steps) {
        const name = all[index]!;
        if (isRemoved) {
          await rm(server.archived(name), { force: true });
          using catalog = Catalog.open(pathOf(server));
          catalog.forget([name]);
        } else if (!filesBelow(server.wals).some((path) => path.endsWith(name))) await archive(name);
      }
      const noted = contentOf(server);
      await rebuild(server);
      // What was archived behind a hole does not know its link, and does when the hole was filled since.
      const links = (content: ReturnType<typeof contentOf>) =>
        content.map(({ facts }) => `${facts.name} ${facts.verdict} ${facts.sha256}`);
      expect(links(contentOf(server))).toEqual(links(noted));
    }),
    { numRuns: 5 },
  );
  for (const name of all) if (!filesBelow(server.wals).some((path) => path.endsWith(name))) await archive(name);
  await rebuild(server);
  const first = contentOf(server);
  expect(first.map(({ facts }) => facts.link)).toEqual(['unknown', ...all.slice(1).map(() => 'proven')]);
  await rebuild(server);
  expect(contentOf(server)).toEqual(first);
});

test('follows the links over a change of timeline', async () => {
  await using server = await TestServer.create();
  await server.put(segmentName(1, 4), segmentName(1, 5), segmentName(2, 5), segmentName(2, 6));
  await server.write(server.archived('00000002.history'), history([1, '0/580000']));
  await server.write(server.archived(segmentName(2, 5)), walFile(segmentName(2, 5)));
  await rebuild(server);
  expect(contentOf(server).map(({ facts }) => [facts.name, facts.link])).toEqual([
    [segmentName(1, 4), 'unknown'],
    [segmentName(1, 5), 'proven'],
    [segmentName(2, 5), 'proven'],
    [segmentName(2, 6), 'proven'],
  ]);
});

test('keeps what is on record and when segments were archived; tells bad and unreadable ones', async () => {
  await using server = await TestServer.create();
  await server.put(...all.slice(0, 4));
  await rebuild(server);
  const [good, bad, torn] = all as [string, string, string];
  const heal = { name: good, reason: 'bad', source: 'server', healedAt: 7, movedTo: undefined };
  {
    using catalog = Catalog.open(pathOf(server));
    catalog.note([{ ...catalog.entry(good)!, archivedAt: 77 }]);
    catalog.records.noteHeal(heal);
  }
  const content = readFileSync(server.archived(bad));
  content[20_000]! ^= 1;
  writeFileSync(server.archived(bad), content);
  writeFileSync(server.archived(torn), Buffer.from([0x1f, 0x8b, 0x08, 0, 1, 2, 3]));
  const report = await rebuild(server);
  expect(report).toMatchObject({ segments: 3, bad: [bad], recordsLost: undefined, movedTo: undefined });
  expect(report.unreadable.map(({ name, error }) => [name, error.code])).toEqual([[torn, 'ERR_WAL_FILE_CORRUPT']]);
  using catalog = Catalog.open(pathOf(server), { readOnly: true });
  expect(catalog.entry(good)?.archivedAt).toBe(77);
  expect(catalog.entry(bad)?.facts).toMatchObject({ verdict: 'bad', fault: { kind: 'record' } });
  expect(catalog.records.heals()).toEqual([heal]);
});

test('takes the place of a file that cannot be used, which is kept beside it', async () => {
  await using server = await TestServer.create();
  await server.put(all[0]!);
  writeFileSync(pathOf(server), 'this is no catalogue'.repeat(300));
  const report = await rebuild(server);
  expect(report).toMatchObject({ segments: 1, recordsLost: { code: 'ERR_CATALOG_DAMAGED' } });
  expect(readFileSync(report.movedTo!, 'utf8')).toMatch(/^this is no catalogue/);
  expect(contentOf(server).map(({ facts }) => facts.name)).toEqual([all[0]]);
});

test('what is noted while the files are read is not lost, and what is removed is not there', async () => {
  await using server = await TestServer.create();
  await server.put(...all.slice(0, 3));
  {
    using catalog = Catalog.open(pathOf(server));
    catalog.note([entryNamed(all[0]!)]);
  }
  using writer = Catalog.open(pathOf(server));
  let seen = 0;
  const onProgress = (): void => {
    seen += 1;
    if (seen !== 3) return;
    writeFileSync(server.archived(all[3]!), walFile(all[3]!));
    writer.note([{ ...entryNamed(all[3]!, { storedBytes: 4711 }), archivedAt: Date.now() }]);
    writer.forget([all[1]!]);
  };
  const before = all[1]!;
  const report = await rebuild(server, {
    onProgress: () => {
      onProgress();
      if (seen === 3) void rm(server.archived(before));
    },
  });
  expect(report.segments).toBe(3);
  writer.note([entryNamed(all[4]!)]);
  using catalog = Catalog.open(pathOf(server), { readOnly: true });
  expect(catalog.names()).toEqual([all[0], all[2], all[3], all[4]]);
  expect(catalog.entry(all[3]!)?.storedBytes).toBe(4711);
});

test('a rebuild that is stopped leaves the old catalogue and nothing else', async () => {
  await using server = await TestServer.create();
  await server.put(...all.slice(0, 3));
  await rebuild(server);
  const before = contentOf(server);
  const stop = new AbortController();
  await expect(rebuild(server, { signal: stop.signal, onProgress: () => stop.abort() })).rejects.toThrow(/aborted/);
  expect(contentOf(server)).toEqual(before);
  expect(filesBelow(server.home).filter((path) => path.includes('.new'))).toEqual([]);
});
