/** The archiver that stays: by itself (`archive-wal --follow`), and beside a receiver (`archive_when_complete`). */
import { existsSync, readFileSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { type Cluster, fillSegments, startCluster } from '@walvault/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeStock, type Stock, WaitingVault } from './archive-trouble.test-support.ts';
import { commandLine, killHard, sectionFor, Vault } from './vault.test-support.ts';

const stack = new AsyncDisposableStack();
let pg: Cluster;
let stock: Stock;

beforeAll(async () => {
  [pg, stock] = await Promise.all([startCluster({ segmentSizeMb: 1 }), makeStock(3)]);
  stack.use(pg);
  stack.use(stock);
});

afterAll(() => stack[Symbol.asyncDispose]());

/** Those that archive for this vault and stay. */
function followers(vault: Vault): readonly number[] {
  return vault.processes().filter((pid) => commandLine(pid).includes('--follow'));
}

/** A segment comes in one step, as a receiver and put-wal do it. */
async function bring(waiting: WaitingVault, name: string, directory: string): Promise<void> {
  await rename(await waiting.put(name, waiting.vault.path()), join(directory, name));
}

test('--follow archives what comes to either directory, lets others have a pass, and ends in good order', async () => {
  await using waiting = await WaitingVault.create(stock, { compression: 'zstd' });
  const { vault } = waiting;
  const [one, two, ...others] = stock.names as [string, string, ...string[]];
  for (const name of [two, ...others]) await rename(join(waiting.streaming, name), vault.path(name));
  await using follower = await vault.start('archive-wal', '--follow', 'pg');
  await follower.waitForOutput(new RegExp(`\t${one}\n`));
  await bring(waiting, two, waiting.incoming);
  await follower.waitForOutput(new RegExp(`\t${two}\n`));
  expect(await vault.run('archive-wal', 'pg')).toMatchObject({ code: 0 });
  for (const name of others) await bring(waiting, name, waiting.streaming);
  await follower.waitForOutput(new RegExp(`\t${stock.names.at(-1)}\n`));
  expect((await follower.kill('SIGTERM')).code).toBe(0);
  await waiting.expectAllArchived();
  expect(await waiting.noted()).toEqual(stock.names);
});

test('--follow goes on after trouble, and says what it was', async () => {
  await using waiting = await WaitingVault.create(stock, { compression: 'zstd' });
  const { vault } = waiting;
  await waiting.plant(join(waiting.wals, stock.names[0]!.slice(0, 16)), 'in the way');
  await using follower = await vault.start('archive-wal', '--follow', 'pg');
  await follower.waitForOutput(/could not read .*not a directory/);
  expect(follower.running).toBe(true);
  await rename(join(waiting.wals, stock.names[0]!.slice(0, 16)), vault.path('away'));
  await follower.waitForOutput(new RegExp(`\t${stock.names.at(-1)}\n`));
  expect((await follower.kill('SIGTERM')).code).toBe(0);
  await waiting.expectAllArchived();
});

test('--with-parent ends when the standard input does', async () => {
  await using waiting = await WaitingVault.create(stock);
  await using follower = await waiting.vault.start('archive-wal', '--follow', '--with-parent', 'pg');
  await follower.waitForOutput(new RegExp(`\t${stock.names.at(-1)}\n`));
  expect(follower.running).toBe(true);
  follower.endInput();
  expect((await follower.exited).code).toBe(0);
});

test('--with-parent ends when it is told to as well, while the standard input stays open', async () => {
  await using waiting = await WaitingVault.create(stock);
  await using follower = await waiting.vault.start('archive-wal', '--follow', '--with-parent', 'pg');
  await follower.waitForOutput(new RegExp(`\t${stock.names.at(-1)}\n`));
  expect((await follower.kill('SIGTERM')).code).toBe(0);
});

test('a receiver has its archiver beside it, which comes back when it is killed and is gone when the receiver is', async () => {
  await using vault = await Vault.create({ pg: sectionFor(pg, { archive_when_complete: 'on', compression: 'zstd' }) });
  const isArchived = (name: string): boolean => existsSync(vault.path('wals', name.slice(0, 16), name));
  const receiver = await vault.startReceiving();
  await expect.poll(() => followers(vault)).toHaveLength(1);
  const [first] = await fillSegments(pg, 1);
  await expect.poll(() => isArchived(first!)).toBe(true);
  const [companion] = followers(vault);
  await killHard(companion!);
  await vault.reaches({ pid: receiver, phase: 'streaming' });
  const [second] = await fillSegments(pg, 1);
  await expect.poll(() => isArchived(second!)).toBe(true);
  expect(followers(vault)).not.toContain(companion);
  expect(readFileSync(vault.path('receive-wal.log'), 'utf8')).toContain(
    'the archiver beside the receiver ended with signal SIGKILL',
  );
  await killHard(receiver);
  await expect.poll(() => followers(vault)).toEqual([]);
});

test('a receiver that is stopped ends its archiver; one that reads its configuration again begins it', async () => {
  const options = sectionFor(pg, { slot_name: 'other' });
  await using vault = await Vault.create({ pg: options });
  const receiver = await vault.startReceiving();
  expect(followers(vault)).toEqual([]);
  await vault.configure({ pg: { ...options, archive_when_complete: 'on' } });
  process.kill(receiver, 'SIGHUP');
  await expect.poll(() => followers(vault)).toHaveLength(1);
  await vault.succeed('receive-wal', '--stop', 'pg');
  await expect.poll(() => vault.processes()).toEqual([]);
});
