import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { startCluster } from '@walvault/testkit';
import {
  addToLsn,
  formatLsn,
  type Lsn,
  lsnDistance,
  parseLsn,
  parseWalFileName,
  recordTypeName,
  rmgrName,
  startLsnOfName,
} from '@walvault/wal';
import { randomNumbers } from '@walvault/wal/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Catalog, VerifyFinding, VerifyReport, VerifyWalOptions } from '../index.ts';
import { mebibyte, RealArchive, segmentSize } from './real-archive.test-support.ts';
import { parseVerifyEdge } from './verify-range.ts';

let archive: RealArchive;
let catalog: Catalog;
let names: readonly string[];

beforeAll(async () => {
  archive = await RealArchive.create();
  catalog = await archive.openCatalog();
  names = archive.segments;
});

afterAll(async () => {
  catalog[Symbol.dispose]();
  await archive[Symbol.asyncDispose]();
});

function startOf(name: string): Lsn {
  const file = parseWalFileName(name);
  if (file.kind !== 'segment') throw new Error(`${name} is no segment`);
  return startLsnOfName(file, segmentSize);
}

/** From the segment before to the one behind. */
function around(name: string): Pick<VerifyWalOptions, 'range'> {
  const index = names.indexOf(name);
  return { range: { from: parseVerifyEdge(names[index - 1]!), to: parseVerifyEdge(names[index + 1]!) } };
}

/** From the beginning to that segment. */
function upTo(index: number): Pick<VerifyWalOptions, 'range'> {
  return { range: { to: parseVerifyEdge(names[index]!) } };
}

/** Without a catalogue nobody knows the beginning of the first record: the archive begins in the middle of one. */
function withoutBeginning({ findings }: VerifyReport): readonly VerifyFinding[] {
  return findings.filter(({ name, kind }) => name !== names[0] || kind !== 'beginning');
}

interface Flip {
  readonly content: Buffer;
  /** Where it is. */
  readonly lsn: Lsn;
}

/** One wrong bit in each of many segments, so far from each other that no segment stands between two of them. */
function flips(seed: number, offset: () => number): Map<string, Flip> {
  const random = randomNumbers(seed);
  const found = new Map<string, Flip>();
  for (let index = 2 + (seed % 4); index < names.length - 2; index += 4) {
    const name = names[index]!;
    const content = archive.content(name);
    const at = offset();
    content[at]! ^= 1 << Math.floor(random() * 8);
    found.set(name, { content, lsn: addToLsn(startOf(name), at) });
  }
  return found;
}

function contentsOf(planted: ReadonlyMap<string, Flip>): Record<string, Buffer> {
  return Object.fromEntries([...planted].map(([name, { content }]) => [name, content]));
}

/** Found in the first forty segments. */
async function found(files: Record<string, Buffer | undefined>): Promise<readonly VerifyFinding[]> {
  return withoutBeginning(await archive.with(files, () => archive.verify(upTo(40))));
}

function at(index: number): string {
  return names[index]!;
}

async function foundAtAGlance(files: Record<string, Buffer | undefined>): Promise<readonly VerifyFinding[]> {
  return (await archive.with(files, () => archive.verify({ quick: true }))).findings;
}

/** Stops behind so many segments. */
async function stopAt(count: number, more: Partial<VerifyWalOptions> = {}): Promise<void> {
  const stop = new AbortController();
  const onProgress = ({ done }: { readonly done: number }): void => {
    if (done === count) stop.abort();
  };
  await expect(archive.verify({ ...more, signal: stop.signal, onProgress })).rejects.toMatchObject({ name: 'AbortError' });
}

/** In the record or page that is named; or before the page that does not go on with a record whose length is wrong. */
function expectNear(named: string | undefined, lsn: Lsn): void {
  expect(lsnDistance(lsn, parseLsn(named!))).toBeLessThanOrEqual(8192);
}

describe('an archive of several hundred segments over two timelines', () => {
  test('is good, and its records are those that pg_waldump counts', async () => {
    const report = await archive.verify({ catalog });
    expect(names.length).toBeGreaterThan(200);
    expect(report).toMatchObject({ verdict: 'good', findings: [], good: names.length, holes: 0, histories: 1, resumed: 0 });
    expect(report.timelines.map(({ timelineId }) => timelineId)).toEqual([1, 2]);
    const counted = report.counts.rmgrs.map(({ rmgr, info, count, recordBytes, fpiBytes }) =>
      [`${rmgrName(rmgr)}/${recordTypeName(rmgr, info, report.counts.magic)}`, count, recordBytes, fpiBytes].join(' '),
    );
    expect(counted.toSorted()).toEqual(await archive.dumpedStatistics());
    expect(report.counts).toMatchObject({ bytes: names.length * mebibyte });
    expect(catalog.records.lastVerify()).toMatchObject({ good: names.length, bad: 0, holes: 0, unknown: 0 });
  });

  test('is as good without a catalogue, but for its beginning; and at a glance', async () => {
    const report = await archive.verify();
    expect(withoutBeginning(report)).toEqual([]);
    expect(report.good + report.unknown).toBe(names.length);
    expect(await archive.verify({ quick: true })).toMatchObject({ verdict: 'good', good: names.length, counts: { records: 0 } });
  });
});

describe('one wrong bit', () => {
  test('anywhere is found in the segment in which it is, where the catalogue knows the content', async () => {
    for (let seed = 0; seed < 3; seed += 1) {
      const random = randomNumbers(seed);
      const planted = flips(seed, () => Math.floor(random() * (random() < 0.3 ? 9000 : mebibyte)));
      const { findings } = await archive.with(contentsOf(planted), () => archive.verify({ catalog }));
      expect(findings.map(({ verdict, name }) => [verdict, name])).toEqual([...planted.keys()].map((name) => ['bad', name]));
      for (const { name, lsn, kind } of findings) if (kind !== 'content') expectNear(lsn, planted.get(name)!.lsn);
    }
  });

  test('is found without it, too, unless pg_waldump does not notice it either', async () => {
    let unnoticed = 0;
    for (let seed = 5; seed < 7; seed += 1) {
      const random = randomNumbers(seed);
      // Some in page headers.
      const inHeader = (): number => Math.floor(random() * 128) * 8192 + Math.floor(random() * 24);
      const planted = flips(seed, () => (random() < 0.2 ? inHeader() : Math.floor(random() * mebibyte)));
      const findings = await archive.with(contentsOf(planted), async () => withoutBeginning(await archive.verify()));
      for (const [name, { content, lsn }] of planted) {
        const next = names[names.indexOf(name) + 1];
        const found = findings.filter((finding) => finding.name === name || (finding.name === next && finding.kind === 'link'));
        for (const finding of found) expectNear(finding.lsn, lsn);
        if (found.length > 0) continue;
        unnoticed += 1;
        expect(await archive.dumpOf(name, content), `${name} at ${formatLsn(lsn)}`).toBe(
          await archive.dumpOf(name, archive.content(name)),
        );
      }
    }
    expect(unnoticed).toBeGreaterThan(0);
    expect(unnoticed).toBeLessThan(30);
  });

  test('in a compressed file is found, unless it changes nothing in the content', async () => {
    const random = randomNumbers(3);
    const stored: Record<string, Buffer> = {};
    for (const [index, name] of names.entries()) {
      if (index % 4 !== 2 && index % 8 !== 7) continue;
      stored[name] = readFileSync(archive.server.archived(name));
      stored[name][Math.floor(random() * stored[name].length)]! ^= 1 << Math.floor(random() * 8);
    }
    const { findings } = await archive.with(stored, () => archive.verify({ catalog }));
    const found = new Set(findings.filter(({ verdict }) => verdict === 'bad').map(({ name }) => name));
    expect([...found].filter((name) => stored[name] === undefined)).toEqual([]);
    for (const [name, content] of Object.entries(stored))
      if (!found.has(name)) expect(decompressed(content).equals(archive.content(name)), name).toBe(true);
    expect(found.size).toBeGreaterThan(50);
  });
});

function decompressed(stored: Buffer): Buffer {
  return stored[0] === 0x1f ? gunzipSync(stored) : zstdDecompressSync(stored);
}

describe('what is planted is found, with the right segment and LSN', () => {
  test('a file that was cut, plain or compressed', async () => {
    const cut = archive.content(at(10)).subarray(0, 500_000);
    const stored = readFileSync(archive.server.archived(at(14)));
    const findings = await found({ [at(10)]: cut, [at(14)]: stored.subarray(0, stored.length - 5000) });
    const lsn = formatLsn(addToLsn(startOf(at(10)), 500_000));
    expect(findings.filter(({ verdict }) => verdict === 'bad')).toEqual([
      expect.objectContaining({
        name: at(10),
        kind: 'page',
        lsn,
        problem: expect.stringContaining('ends after 500000 of 1048576'),
      }),
      expect.objectContaining({ name: at(14), kind: 'file' }),
    ]);
  });

  test('a page of zeros, in the middle, at the start and at the end', async () => {
    for (const page of [0, 64, 127]) {
      const content = archive.content(at(20));
      content.fill(0, page * 8192, (page + 1) * 8192);
      const { findings } = await archive.with({ [at(20)]: content }, () => archive.verify(around(at(20))));
      const lsn = addToLsn(startOf(at(20)), page * 8192);
      expect(findings[0]).toMatchObject({ verdict: 'bad', name: at(20) });
      expect(parseLsn(findings[0]!.lsn!)).toBe(lsn);
    }
  });

  test('two files with the names of each other', async () => {
    const findings = await found({ [at(24)]: archive.content(at(30)), [at(30)]: archive.content(at(24)) });
    for (const index of [24, 30]) {
      expect(findings).toContainEqual(
        expect.objectContaining({
          name: at(index),
          kind: 'page',
          lsn: formatLsn(startOf(at(index))),
          expected: formatLsn(startOf(at(index))),
        }),
      );
    }
    expect(findings.filter(({ verdict }) => verdict === 'bad').length).toBe(2);
  });

  test('a segment of long ago in a file that was used again, with the beginning of the new one', async () => {
    const recycled = archive.content(at(5));
    archive.content(at(35)).copy(recycled, 0, 0, 40 * 8192);
    const [finding] = await found({ [at(35)]: recycled });
    expect(finding).toMatchObject({ verdict: 'bad', name: at(35), lsn: formatLsn(addToLsn(startOf(at(35)), 40 * 8192)) });
  });

  test('a file of another cluster', async () => {
    await using other = await startCluster({ major: 15, segmentSizeMb: 1 });
    await other.switchWal();
    const name = (await other.walFiles()).at(0)!;
    const foreign = readFileSync(join(other.walDirectory, name));
    const [finding] = await found({ [name]: foreign });
    expect(finding).toMatchObject({ verdict: 'bad', name, kind: 'page', expected: String(archive.systemIdentifier) });
    // Nobody says which cluster it is: most files do.
    const { reading } = archive.options;
    const report = await archive.with({ [name]: foreign }, () =>
      archive.verify({ reading: { directories: reading.directories }, ...upTo(12) }),
    );
    expect(report.systemIdentifier).toBe(archive.systemIdentifier);
    expect(report.findings).toContainEqual(expect.objectContaining({ verdict: 'bad', name, kind: 'page' }));
  });

  test('segments that are missing', async () => {
    const findings = await found({ [at(12)]: undefined, [at(22)]: undefined, [at(23)]: undefined });
    expect(findings.filter(({ verdict }) => verdict === 'hole')).toEqual([
      expect.objectContaining({
        name: at(12),
        last: at(12),
        count: 1,
        lsn: formatLsn(startOf(at(12))),
        endLsn: formatLsn(startOf(at(13))),
      }),
      expect.objectContaining({ name: at(22), last: at(23), count: 2 }),
    ]);
  });

  test('a history file that is missing, or damaged', async () => {
    expect(await foundAtAGlance({ '00000002.history': undefined })).toContainEqual(
      expect.objectContaining({ verdict: 'hole', name: '00000002.history' }),
    );
    expect(await foundAtAGlance({ '00000002.history': Buffer.from('2\t0/5\tno\n') })).toContainEqual(
      expect.objectContaining({ verdict: 'bad', name: '00000002.history', kind: 'file' }),
    );
  });

  test('what cannot be known is unknown: a file that cannot be read, a beginning that nothing vouches for', async () => {
    const name = at(20);
    const { verdict, findings } = await archive.with({ [name]: undefined }, async () => {
      mkdirSync(archive.server.archived(name));
      const report = await archive.verify({ catalog, ...around(name) });
      rmSync(archive.server.archived(name), { recursive: true });
      return report;
    });
    expect([verdict, findings.length]).toEqual(['unknown', 1]);
    expect(findings[0]).toMatchObject({ verdict: 'unknown', name, kind: 'file' });
    // The archive begins in the middle of a record; the catalogue knows that this is what was archived.
    const later = names.find((candidate, index) => index > 3 && archive.content(candidate).readUInt32LE(16) > 0)!;
    const before = Object.fromEntries(names.slice(0, names.indexOf(later)).map((one) => [one, undefined]));
    await archive.with(before, async () => {
      const report = await archive.verify(upTo(40));
      expect(report).toMatchObject({ verdict: 'unknown', unknown: 1, findings: [{ name: later, kind: 'beginning' }] });
      expect(await archive.verify({ catalog, ...upTo(40) })).toMatchObject({ verdict: 'good' });
    });
  });
});

describe('a run that is interrupted', () => {
  test('goes on where it was, and comes to the same', async () => {
    const once = await archive.verify({ catalog, ...upTo(60) });
    for (const count of [1, 30, 50]) await stopAt(count, { catalog, ...upTo(60) });
    expect(await archive.verify({ catalog, ...upTo(60) })).toEqual({ ...once, resumed: 50 });
    // It is done, so that the next one begins anew.
    expect(await archive.verify({ catalog, ...upTo(60) })).toEqual(once);
  });

  test('looks again at what was bad or missing then, and keeps nothing when it is told to, or asked something else', async () => {
    await archive.with({ [names[5]!]: archive.content(names[6]!), [names[9]!]: undefined }, () => stopAt(50, upTo(60)));
    const report = await archive.verify(upTo(60));
    // Segment 5 was bad and 9 not there, so that those behind them were not known to be right either.
    expect(withoutBeginning(report)).toEqual([]);
    expect(report.resumed).toBeGreaterThan(40);
    expect(report.resumed).toBeLessThan(50);
    await stopAt(20, upTo(60));
    expect(await archive.verify({ restart: true, ...upTo(60) })).toMatchObject({ resumed: 0 });
    await stopAt(20, upTo(60));
    expect(await archive.verify(upTo(61))).toMatchObject({ resumed: 0 });
  });

  test('by kill -9 too, over a change of timeline', async () => {
    const from = { range: { from: parseVerifyEdge(names.findLast((name) => name.startsWith('00000001'))!) } };
    const once = await archive.verify(from);
    for (const count of [1, 30]) expect(await verifyInChild(count, once)).toBe('SIGKILL');
    const report = await archive.verify(from);
    expect(report.resumed).toBeGreaterThan(20);
    expect(report).toEqual({ ...once, resumed: report.resumed });
  });
});

/** Verifies in a process of its own, which kills itself behind so many segments; the signal that ended it. */
async function verifyInChild(count: number, { timelines }: VerifyReport): Promise<string | null> {
  const { reading, statePath } = archive.options;
  const program = `
    import { parseVerifyEdge, verifyWal } from ${JSON.stringify(join(import.meta.dirname, '../index.ts'))};
    await verifyWal({
      reading: { directories: ${JSON.stringify(reading.directories)}, systemIdentifier: ${archive.systemIdentifier}n },
      statePath: ${JSON.stringify(statePath)},
      range: { from: parseVerifyEdge('${timelines[0]!.first}') },
      signal: new AbortController().signal,
      saveEveryMs: 0,
      onProgress: ({ done }) => { if (done >= ${count}) process.kill(process.pid, 'SIGKILL'); },
    });`;
  const child = spawn(process.execPath, ['--conditions=@walvault/source', '--input-type=module', '--eval', program], {
    stdio: 'inherit',
  });
  const [, signal] = (await once(child, 'close')) as [number | null, string | null];
  return signal;
}

describe('while others work on the archive', () => {
  test('a segment that is archived meanwhile is found, one that goes away is a hole', async () => {
    const { server } = archive;
    const moving = names.slice(-3);
    const contents = moving.map((name) => readFileSync(server.archived(name)));
    for (const [index, name] of moving.entries()) {
      rmSync(server.archived(name));
      writeFileSync(join(server.streaming, name), contents[index]!);
    }
    const onProgress = ({ done }: { readonly done: number }): void => {
      if (done !== 10) return;
      renameSync(join(server.streaming, moving[0]!), server.archived(moving[0]!));
      rmSync(join(server.streaming, moving[1]!));
    };
    const report = await archive.verify({ onProgress, range: { from: parseVerifyEdge(names.at(-40)!) } });
    for (const [index, name] of moving.entries()) {
      rmSync(join(server.streaming, name), { force: true });
      writeFileSync(server.archived(name), contents[index]!);
    }
    expect(report.waiting).toBe(3);
    expect(report.findings.filter(({ verdict }) => verdict === 'hole')).toEqual([
      expect.objectContaining({ name: moving[1], count: 1 }),
    ]);
    expect(report.findings.some(({ name }) => name === moving[0])).toBe(false);
  });

  test('a range without a segment is refused', async () => {
    await expect(archive.verify({ range: { from: { lsn: parseLsn('99/0') } } })).rejects.toMatchObject({
      code: 'ERR_NOTHING_TO_VERIFY',
    });
  });
});
