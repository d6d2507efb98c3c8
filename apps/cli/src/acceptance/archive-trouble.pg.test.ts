/** archive-wal where something is wrong: nothing is lost, nothing is there twice, and it is said what to do. */
import { chmodSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { truncate, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { runAsServerUser } from '@walvault/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Section } from './vault.test-support.ts';
import { watchedRun } from './watched-run.test-support.ts';
import { type FullDisk, fullDisk, makeStock, otherFileSystem, type Stock, WaitingVault } from './archive-trouble.test-support.ts';

const stack = new AsyncDisposableStack();
let stock: Stock;

beforeAll(async () => {
  stock = stack.use(await makeStock(4));
});

afterAll(() => stack[Symbol.asyncDispose]());

test('two runs at once: one of them does the work, the other says so and leaves', async () => {
  await using waiting = await WaitingVault.create(stock);
  const { vault } = waiting;
  const results = await Promise.all([vault.run('archive-wal', 'pg'), vault.run('archive-wal', 'pg')]);
  expect(results).toMatchObject([
    { code: 0, stderr: '' },
    { code: 0, stderr: '' },
  ]);
  const busy = 'Another archive-wal process is already running on server pg. Skipping to the next server\n';
  const said = results.map(({ stdout }) => stdout).filter((text) => text !== busy);
  expect(said.join('').match(/\t[0-9A-F]{24}\n/g)).toEqual(stock.names.map((name) => `\t${name}\n`));
  await waiting.expectAllArchived();
});

async function archiveOnFullDisk(disk: FullDisk, section: Section): Promise<void> {
  await using waiting = await WaitingVault.create(stock, section);
  const { vault } = waiting;
  const result = await runAsServerUser([...disk.before, ...vault.argv('archive-wal', 'pg')]);
  expect(result).toMatchObject({ code: 1, stderr: expect.stringMatching(/^ERROR: .*could not .+\n(HINT: .+\n)?/) });
  expect(readdirSync(waiting.streaming).length).toBeGreaterThan(2);
  await waiting.expectNothingLost();
  await disk.relieve();
  await vault.succeed('archive-wal', 'pg');
  await waiting.expectAllArchived();
}

describe('a full disk ends the pass and loses nothing; the next pass goes on', () => {
  test.each(['none', 'gzip', 'custom'])('the archive alone is there: compression %s', async (compression) => {
    await using disk = await fullDisk(2);
    const filters = { custom_compression_filter: 'cat', custom_decompression_filter: 'cat' };
    const wals = join(disk.path, 'wals');
    await archiveOnFullDisk(disk, { wals_directory: wals, compression, ...(compression === 'custom' ? filters : {}) });
  });

  test('all that belongs to the server is there, the catalogue, too', async () => {
    await using disk = await fullDisk(6);
    await archiveOnFullDisk(disk, { backup_directory: join(disk.path, 'pg'), compression: 'gzip' });
  });
});

test('an archive that may not be written to: all stays where it is, and the next pass goes on', async () => {
  await using waiting = await WaitingVault.create(stock);
  const { vault, wals } = waiting;
  chmodSync(wals, 0o555);
  const mayWrite = (await runAsServerUser(['test', '-w', wals])).code === 0; // as the tests may in a checkout that is closed
  const { code, stderr } = await vault.run('archive-wal', 'pg');
  if (!mayWrite) {
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(
        /^ERROR: could not .+"\/.+": permission denied\nHINT: Check the owner and the mode of this path.+\n$/,
      ),
    });
    await waiting.expectNothingLost();
    expect([...waiting.archived()]).toEqual([]);
  }
  chmodSync(wals, 0o755);
  await vault.succeed('archive-wal', 'pg');
  await waiting.expectAllArchived();
});

test.each(['none', 'zstd'])(
  'the streaming directory is on another file system than the archive: compression %s',
  async (compression) => {
    await using place = await otherFileSystem();
    const section = { streaming_wals_directory: join(place.path, 'streaming'), compression };
    await using waiting = await WaitingVault.create(stock, section);
    expect(statSync(waiting.streaming).dev).not.toBe(statSync(waiting.wals).dev);
    await waiting.vault.succeed('archive-wal', 'pg');
    await waiting.expectAllArchived();
  },
);

describe('a clock that jumps', () => {
  const future = Date.UTC(2051, 0, 1) / 1000;

  test('segments of the future and of long ago are archived, with their times', async () => {
    await using waiting = await WaitingVault.create(stock, { compression: 'zstd' });
    const times = [future, 86_400, future, 1_000_000_000];
    for (const [index, name] of stock.names.entries())
      await utimes(join(waiting.streaming, name), times[index % 4]!, times[index % 4]!);
    await waiting.vault.succeed('archive-wal', 'pg');
    await waiting.expectAllArchived();
    const lines = readFileSync(join(waiting.wals, 'xlog.db'), 'utf8').trim().split('\n');
    expect(lines.map((line) => Number(line.split('\t')[2]))).toEqual(stock.names.map((_, index) => times[index % 4]));
  });

  test('what seems to be written just now, or later, may be a copy under way: it stays, is told, and archived when it is whole', async () => {
    await using waiting = await WaitingVault.create(stock);
    const { vault, incoming } = waiting;
    await vault.succeed('archive-wal', 'pg');
    const name = stock.names[0]!;
    const path = await waiting.put(name, incoming);
    await truncate(path, 300_000);
    await utimes(path, future, future);
    const { code, stderr } = await vault.run('archive-wal', 'pg');
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: expect.stringContaining(`WARNING: ${name} is not right, and was written`),
    });
    expect(readdirSync(incoming)).toEqual([name]);
    await waiting.put(name, incoming);
    await vault.succeed('archive-wal', 'pg');
    expect(readdirSync(incoming)).toEqual([]);
    expect(readdirSync(waiting.errors)).toEqual([]);
    await waiting.expectAllArchived();
  });
});

/** So many of each kind; more by hand: `WALVAULT_MANY_FILES=33333 vitest run -t 'very many'`. */
const count = Number(process.env['WALVAULT_MANY_FILES'] ?? 300);

function hex8(number: number): string {
  return number.toString(16).toUpperCase().padStart(8, '0');
}

test('very many small files: good ones are archived, bad ones moved aside, in bounded memory', {
  timeout: 3_600_000,
}, async () => {
  await using waiting = await WaitingVault.create(stock);
  const { vault, streaming, incoming } = waiting;
  for (let index = 0; index < count; index += 1) {
    const label = `0000000100000001${hex8(index)}`;
    await waiting.plant(join(incoming, `${label}.00000028.backup`), `START WAL LOCATION: 1/0 (file ${label})\n`);
    await waiting.plant(join(streaming, `0000000100000000${hex8(0xf0_0000 + index)}`), 'x');
    await waiting.plant(join(streaming, `unknown ${index}`), '');
  }
  const beganAtMs = performance.now();
  const { code, peakBytes } = await watchedRun(vault, 'archive-wal', 'pg');
  const seconds = (performance.now() - beganAtMs) / 1000;
  console.info(`${3 * count} small files: ${seconds.toFixed(1)} s, peak ${(peakBytes / 1e6).toFixed(0)} MB`);
  expect(code).toBe(0);
  // what it has anyway, and a name and a result for each file
  expect(peakBytes).toBeLessThan(170e6 + 3 * count * 3000);
  expect(readdirSync(incoming)).toEqual([]);
  await waiting.expectAllArchived();
  expect(readdirSync(waiting.wals, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.backup')).length).toBe(
    count,
  );
  const aside = readdirSync(waiting.errors);
  expect(aside.filter((name) => name.endsWith('.invalid')).length).toBe(count);
  expect(aside.filter((name) => name.endsWith('.unknown')).length).toBe(count);
});
