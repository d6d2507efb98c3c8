/** archive-wal where things lie that have no business there: they hold nobody up, and are moved aside as they are, or told. */
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runAsServerUser } from '@walvault/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeStock, otherFileSystem, type Stock, WaitingVault } from './archive-trouble.test-support.ts';
import { watchedRun } from './watched-run.test-support.ts';

const stack = new AsyncDisposableStack();
let stock: Stock;

beforeAll(async () => {
  stock = stack.use(await makeStock(2));
});

afterAll(() => stack[Symbol.asyncDispose]());

const mebibyte = 1024 * 1024;
const lowerCase = '00000001000000000000000a';

/** Names of what {@link plantOddThings} makes, in order. */
const oddNames = [
  lowerCase,
  '0000000100000000000000AA',
  '0000000100000000000000AB',
  '0000000100000000000000AC',
  '0000000100000000000000AD',
  '00000007.history',
  '00000008.history',
  'a pipe',
  'two\nlines',
];

/** Makes, as the server's user: what only looks like a segment, links, pipes, directories, and an odd name. */
async function plantOddThings(directory: string): Promise<void> {
  const script = `set -e; cd "$1"
    echo lower > ${lowerCase}
    ln -s /nowhere 0000000100000000000000AA
    ln -s "$2" 0000000100000000000000AB
    mkdir 0000000100000000000000AC 00000008.history
    echo inside > 0000000100000000000000AC/file
    mkfifo 0000000100000000000000AD 00000007.history 'a pipe'
    echo odd > "$(printf 'two\\nlines')"`;
  const { code, stderr } = await runAsServerUser(['sh', '-c', script, 'sh', directory, join(stock.path, stock.names[0]!)]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
}

/** The names that are in the errors directory, without stamp; and by them their paths. */
function movedAside(waiting: WaitingVault): ReadonlyMap<string, string> {
  const names = readdirSync(waiting.errors).filter((name) => name.endsWith('.unknown'));
  return new Map(names.map((name) => [name.replace(/\.\d{8}T\d{6}Z\.unknown$/, ''), join(waiting.errors, name)] as const));
}

/** What was moved is what it was. */
function expectKept(aside: ReadonlyMap<string, string>): void {
  expect(readFileSync(aside.get(lowerCase)!, 'utf8')).toBe('lower\n');
  expect(readFileSync(`${aside.get(lowerCase)}.reason`, 'utf8')).toContain(lowerCase.toUpperCase());
  expect(readlinkSync(aside.get('0000000100000000000000AA')!)).toBe('/nowhere');
  expect(readlinkSync(aside.get('0000000100000000000000AB')!)).toBe(join(stock.path, stock.names[0]!));
  expect(readFileSync(join(aside.get('0000000100000000000000AC')!, 'file'), 'utf8')).toBe('inside\n');
}

async function expectOddThingsAside(waiting: WaitingVault): Promise<void> {
  const { vault } = waiting;
  const { code, stdout, stderr } = await vault.run('archive-wal', 'pg');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toContain('Objects moved to errors directory:\n');
  for (const name of oddNames) expect(stdout).toContain(`\t${name.replace('\n', String.raw`\u000a`)}\n`);
  const aside = movedAside(waiting);
  expect([...aside.keys()]).toEqual(oddNames);
  expectKept(aside);
  expect(lstatSync(aside.get('0000000100000000000000AD')!).isFIFO()).toBe(true);
  await waiting.expectAllArchived();
  expect(await vault.succeed('archive-wal', 'pg')).not.toContain('Objects moved');
}

test.each(['streaming', 'incoming'] as const)(
  'links, pipes, directories and odd names in %s are moved aside as they are',
  async (source) => {
    await using waiting = await WaitingVault.create(stock);
    await plantOddThings(waiting[source]);
    await expectOddThingsAside(waiting);
    expect(readdirSync(waiting.incoming)).toEqual([]);
  },
);

test('they are, also where the errors directory is on another file system; but pipes, which stay, and are told', async () => {
  await using place = await otherFileSystem();
  await using waiting = await WaitingVault.create(stock, { errors_directory: join(place.path, 'errors') });
  await plantOddThings(waiting.streaming);
  const { code, stderr } = await waiting.vault.run('archive-wal', 'pg');
  expect(code).toBe(1);
  const pipes = oddNames.filter((name) => lstatSync(join(waiting.streaming, name), { throwIfNoEntry: false })?.isFIFO());
  expect(stderr.match(/^ERROR: .+ is a pipe, a socket or a device, .+\nHINT: Remove it; .+$/gm)?.length).toBe(pipes.length);
  for (const name of pipes) await rm(join(waiting.streaming, name));
  expect([...movedAside(waiting).keys()]).toEqual(oddNames.filter((name) => !pipes.includes(name)));
  expectKept(movedAside(waiting));
  await waiting.expectAllArchived();
});

test('a name that is not UTF-8 stays, and it is said each time what to do about it', async () => {
  await using waiting = await WaitingVault.create(stock);
  const path = Buffer.concat([Buffer.from(join(waiting.streaming, 'bad ')), Buffer.from([0xff])]);
  const { code } = await runAsServerUser(['sh', '-c', `cd "$1" && echo odd > "$(printf 'bad \\377')"`, 'sh', waiting.streaming]);
  expect(code).toBe(0);
  for (const _ of ['the first pass', 'the next one']) {
    expect(await waiting.vault.run('archive-wal', 'pg')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /^ERROR: bad .+ could not be archived and stays where it is: the name of ".+" is not UTF-8\nHINT: Rename or remove it; .+\n$/,
      ),
    });
  }
  expect([...waiting.archived().keys()]).toEqual(stock.names);
  expect(readFileSync(path, 'utf8')).toBe('odd\n');
});

test.each(['streaming', 'incoming'] as const)(
  'a history file of 64 MiB in %s is moved aside, and takes no memory',
  async (source) => {
    await using waiting = await WaitingVault.create(stock);
    const line = '1\t0/3000000\tno recovery target specified\n';
    await waiting.plant(join(waiting[source], '00000002.history'), line.repeat(Math.ceil((64 * mebibyte) / line.length)));
    await runAsServerUser(['touch', '-d', '2020-01-01', join(waiting[source], '00000002.history')]);
    const { code, stdout, peakBytes } = await watchedRun(waiting.vault, 'archive-wal', 'pg');
    expect(code).toBe(0);
    expect(peakBytes).toBeLessThan(170e6);
    expect(stdout).toContain('00000002.history" is too long for a history file. File moved to errors directory: ');
    await waiting.expectAllArchived();
    expect(await waiting.vault.succeed('status', 'pg')).toContain('Holes in the archive: none\n');
  },
);

test('nobody who asks for a segment waits for a pipe of its name', async () => {
  await using waiting = await WaitingVault.create(stock);
  await plantOddThings(waiting.incoming);
  const get = await waiting.vault.run('get-wal', 'pg', '0000000100000000000000AD');
  expect(get).toMatchObject({ code: 255, stderr: expect.stringContaining('it is no file') });
  const target = join(waiting.vault.home, 'RECOVERYXLOG');
  const restore = await waiting.vault.run('restore-wal', 'pg', '00000007.history', target);
  expect(restore).toMatchObject({ code: 255, stderr: expect.stringContaining('it is no file') });
  await waiting.vault.succeed('archive-wal', 'pg');
  expect(await waiting.vault.run('restore-wal', 'pg', '00000007.history', target)).toMatchObject({ code: 1 });
});
