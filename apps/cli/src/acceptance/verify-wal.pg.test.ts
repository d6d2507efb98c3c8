import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, chown, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { bulkLoad, fillSegments, findProgram, runAsServerUser, serverUser, startCluster } from '@walvault/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { plant, type Section, Vault } from './vault.test-support.ts';

const stack = new AsyncDisposableStack();
const section: Section = { conninfo: 'host=127.0.0.1 port=1 user=x', streaming_archiver: 'on', slot_name: 'barman' };
const contents = new Map<string, Buffer>();
let names: readonly string[];
let vault: Vault;
/** What pg_waldump counts in the segments. */
let records: number;

beforeAll(async () => {
  await using pg = await startCluster({ major: 15, segmentSizeMb: 1 });
  await pg.query('create table t as select n, md5(n::text) as text from generate_series(1, 20000) n; create index on t (text)');
  await fillSegments(pg, 10);
  await bulkLoad(pg, 1);
  const current = await pg.value('select pg_walfile_name(pg_switch_wal())');
  for (const name of (await pg.walFiles()).filter((one) => one <= current!))
    contents.set(name, await readFile(join(pg.walDirectory, name)));
  names = [...contents.keys()];
  const { path, env } = findProgram('pg_waldump');
  const { stdout } = await runAsServerUser([path, '--stats', '--path', pg.walDirectory, names[0]!, names.at(-1)!], { env });
  records = Number(/^Total +(\d+)/m.exec(stdout)![1]);
  vault = stack.use(await Vault.create({ pg: section }));
  await restore();
});

afterAll(() => stack[Symbol.asyncDispose]());

function pathOf(name: string): string {
  return join(directory(), name);
}

function directory(): string {
  return vault.path('wals', '0000000100000000');
}

/** Puts all files in place: the last two still wait, the others are compressed. */
async function restore(): Promise<void> {
  for (const [name, content] of contents) {
    if (name < names.at(-2)!) await plant(directory(), name, gzipSync(content, { level: 1 }));
    else await plant(vault.path('streaming'), name, content);
  }
  letEverybodyWrite(vault);
}

/** The user that the program runs as need not be the one of the test. */
function letEverybodyWrite(to: Vault): void {
  execFileSync('chmod', ['-R', 'a+rwX', to.path()]);
}

/** What it says with --json, the exit code with it. */
async function verifyAsJson(...args: readonly string[]): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await vault.run('verify-wal', '--json', ...args, 'pg');
  return { code, stderr, ...(JSON.parse(stdout) as { pg: Record<string, unknown> }).pg };
}

/** What the last run over all of it has left behind. */
async function lastVerification(): Promise<unknown> {
  return JSON.parse(await readFile(vault.path('last-verification.json'), 'utf8'));
}

test('verify-wal says what it has looked at, and that all is good, with 0', async () => {
  await vault.succeed('rebuild-catalog', 'pg');
  const { code, stdout, stderr } = await vault.run('verify-wal', 'pg');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const said = stdout.split('\n');
  expect(said[0]).toMatch(new RegExp(`^Server pg: ${names.length} complete segments, 0 history files in `));
  expect(said.slice(1)).toEqual([
    `\ttimeline 1: ${names[0]} to ${names.at(-1)}, ${names.length} segments`,
    '\t2 of them wait to be archived',
    expect.stringMatching(new RegExp(`^\t${records} records, \\d+ commits, ${names.length}.0 MiB of WAL are right$`)),
    `Verdict: good (${names.length} good, 0 bad, 0 unknown, 0 holes)`,
    '',
  ]);
  expect(await verifyAsJson()).toMatchObject({
    code: 0,
    verdict: 'good',
    quick: false,
    segments: { good: names.length, bad: 0, unknown: 0, missing: 0, waiting: 2, resumed: 0 },
    findings: [],
    records,
    bytes: names.length * 1024 * 1024,
    catalog: 'written',
  });
  expect(existsSync(vault.path('verify-wal.json'))).toBe(false);
  expect(await lastVerification()).toMatchObject({ version: 1, verdict: 'good', good: names.length, bad: 0, missingSegments: 0 });
});

test('what is bad or missing is told with its place, with 2, and kept in mind for a glance', async () => {
  const [bad, missing] = [names[3]!, names[6]!];
  const damaged = Buffer.from(contents.get(bad)!);
  damaged.fill(0, 8192 * 20, 8192 * 21);
  await writeFile(pathOf(bad), damaged);
  await rm(pathOf(missing));
  const { code, stdout } = await vault.run('verify-wal', 'pg');
  expect(code).toBe(2);
  expect(stdout).toMatch(new RegExp(`^BAD\t${bad}: the page at 0/[0-9A-F]+28000 is not right: magic number 0000 .*$`, 'm'));
  expect(stdout).toMatch(new RegExp(`^HOLE\t${missing}: the segment is missing \\(0/\\w+00000 to 0/\\w+00000\\)$`, 'm'));
  expect(stdout).toMatch(/^Verdict: bad \(\d+ good, 1 bad, 0 unknown, 1 hole of 1 segment\)$/m);
  expect(await verifyAsJson('--quick')).toMatchObject({ code: 2, verdict: 'bad', segments: { bad: 1, missing: 1 }, records: 0 });
  expect(await verifyAsJson('--from', names[4]!, '--to', names[5]!)).toMatchObject({ code: 0, segments: { good: 2 } });
  expect(await lastVerification()).toMatchObject({ verdict: 'bad', bad: 1, holes: 1, missingSegments: 1 });
  await restore();
});

test('what nobody can vouch for is unknown, with 3; what cannot be done ends with 1', async () => {
  await rm(vault.path('walvault.sqlite'), { force: true });
  const first = names.findIndex((name, index) => index > 0 && contents.get(name)!.readUInt32LE(16) > 0);
  for (const name of names.slice(0, first)) await rm(pathOf(name));
  const { code, verdict, findings, catalog } = await verifyAsJson();
  expect({ code, verdict, catalog }).toEqual({ code: 3, verdict: 'unknown', catalog: 'missing' });
  expect(findings).toEqual([expect.objectContaining({ verdict: 'unknown', name: names[first], kind: 'beginning' })]);
  await restore();
  for (const args of [
    ['--from', 'FF/0'],
    ['--from', 'nonsense'],
    ['--timeline', '0'],
  ]) {
    const { code: wrong, stdout, stderr } = await vault.run('verify-wal', ...args, 'pg');
    expect([wrong === 1 || wrong === 2, stdout, stderr.startsWith('ERROR') || stderr.startsWith('error')]).toEqual([
      true,
      '',
      true,
    ]);
  }
});

test('stopped by SIGINT, or killed, it goes on where it was', async () => {
  const magic = Buffer.from('SLOW');
  await using slow = await Vault.create({
    pg: {
      ...section,
      compression: 'custom',
      custom_compression_filter: 'cat',
      custom_decompression_filter: 'sh -c "sleep 0.3; tail -c +5"',
      custom_compression_magic: '0x534c4f57',
    },
  });
  for (const [name, content] of contents)
    await plant(slow.path('wals', '0000000100000000'), name, Buffer.concat([magic, content]));
  await plant(slow.path('streaming'), 'nothing', '');
  letEverybodyWrite(slow);
  const statePath = slow.path('verify-wal.json');
  const stopped = await interrupted(slow, statePath, 'SIGINT');
  expect(stopped).toMatchObject({ code: 1 });
  expect(stopped.stderr).toMatch(/^ERROR: stopped after \d+ of \d+ segments\nHINT: /);
  expect(await interrupted(slow, statePath, 'SIGKILL')).toMatchObject({ signal: 'SIGKILL' });
  const { stdout } = await slow.run('verify-wal', '--json', 'pg');
  const { segments, ...result } = (JSON.parse(stdout) as { pg: { segments: Record<string, number>; records: number } }).pg;
  expect(result.records).toBe(records);
  expect(segments['resumed']).toBeGreaterThan(2);
  expect(existsSync(statePath)).toBe(false);
});

/** Runs it until it has written, or written anew, how far it is. */
async function interrupted(slow: Vault, statePath: string, signal: 'SIGINT' | 'SIGKILL') {
  const before = existsSync(statePath) ? await readFile(statePath, 'utf8') : '';
  await using program = await slow.start('verify-wal', 'pg');
  const isWritten = async (): Promise<boolean> => existsSync(statePath) && (await readFile(statePath, 'utf8')) !== before;
  while (!(await isWritten())) await sleep(20);
  const [pid] = slow.processes();
  process.kill(pid!, signal);
  return await program.exited;
}

test('who may only read may verify, and is told that nothing of it is on record', async () => {
  await rm(vault.path('last-verification.json'), { force: true });
  const path = vault.path();
  const { uid, gid, mode } = await stat(path);
  if (serverUser() !== undefined) await chown(path, 0, 0);
  await chmod(path, 0o555);
  try {
    const mayWrite = (await runAsServerUser(['test', '-w', path])).code === 0;
    const result = await vault.run('verify-wal', 'pg');
    expect(result.stdout).toContain(`${names.length - 1} good, 0 bad, 1 unknown, 0 holes`);
    expect(result.code).toBe(3);
    expect(existsSync(vault.path('last-verification.json'))).toBe(mayWrite);
    if (!mayWrite)
      expect(result.stderr).toMatch(/^WARNING: nothing of this run is on record, .*could not write to ".+": permission denied/m);
  } finally {
    await chmod(path, mode & 0o7777);
    await chown(path, uid, gid);
  }
});
