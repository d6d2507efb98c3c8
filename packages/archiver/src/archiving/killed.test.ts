/** A real process, killed before each of its system calls that changes something, one run for each; the next pass completes it. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { archiveInChild, filesBelow, segmentName, TestServer, walFile } from '../../testing.ts';
import { Catalog } from '../index.ts';

const [one, two] = [segmentName(1, 1), segmentName(1, 2)];
const backup = `${one}.00000028.backup`;
const live = `${segmentName(1, 3)}.partial`;
const hook = join(import.meta.dirname, 'kill-at-call.test-support.ts');

/** What archive-wal has to do with: a good segment; if all is wanted, a bad one and a file in the other directory, too. */
async function setUp(isAll: boolean): Promise<TestServer> {
  const server = await TestServer.create();
  await server.stream(one, live);
  if (!isAll) return server;
  await writeFile(join(server.streaming, two), walFile(two).subarray(0, 500_000));
  await writeFile(join(server.incoming, backup), walFile(backup));
  return server;
}

test.each([
  ['gzip', true, 40],
  ['none', false, 12], // which is linked instead of copied
] as const)(
  'killed at each call, nothing is lost and nothing is there twice (%s)',
  { timeout: 600_000 },
  async (method, isAll, steps) => {
    const kills: number[] = [];
    for (let killAt = 1; ; killAt += 1) {
      await using server = await setUp(isAll);
      const catalogPath = join(server.home, 'walvault.sqlite');
      const directories = { ...server.options.directories, incoming: server.incoming };
      const options = { ...server.options, directories, compression: { method } } as const;
      const env = { WALVAULT_KILL_AT: String(killAt) };
      const { signal } = await archiveInChild(options, { imported: hook, env, catalogPath });
      if (signal === 'SIGKILL') kills.push(killAt);
      using catalog = Catalog.open(catalogPath);
      await server.archive({ ...options, catalog, now: () => Date.now() + 3_600_000 });
      await expectInPlace(server, { catalog, isAll, when: `killed before call ${killAt}` });
      if (signal !== 'SIGKILL') break;
    }
    expect(kills.length).toBeGreaterThan(steps);
  },
);

interface Expected {
  readonly catalog: Catalog;
  readonly isAll: boolean;
  readonly when: string;
}

async function expectInPlace(server: TestServer, { catalog, isAll, when }: Expected): Promise<void> {
  const names = isAll ? [one, backup] : [one];
  expect(filesBelow(server.streaming), when).toEqual([live]);
  expect(filesBelow(server.incoming), when).toEqual([]);
  expect(server.notedNames(), when).toEqual(names);
  expect(catalog.names(), when).toEqual([one]);
  const visible = filesBelow(server.wals).filter((path) => !/(^|\/)\./.test(path));
  expect(visible, when).toEqual([...names.map((name) => `0000000100000000/${name}`), 'xlog.db']);
  const stored = await readFile(server.archived(one));
  expect(Number(server.noted()[0]?.[1]), when).toBe(stored.length);
  expect((stored.readUInt16BE(0) === 0x1f8b ? gunzipSync(stored) : stored).equals(walFile(one)), when).toBe(true);
  const moved = filesBelow(server.errors).filter((name) => !name.startsWith('.') && !name.endsWith('.reason'));
  const bad = expect.stringMatching(new RegExp(`^${two}\\..*\\.invalid$`));
  expect(moved, when).toEqual(isAll ? [bad] : []);
}
