import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { runAsServerUser, temporaryDirectory } from '@walvault/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { plant, Vault } from './vault.test-support.ts';

const stack = new AsyncDisposableStack();
const name = '000000010000000000000001';
const next = '000000010000000000000002';
const segment = segmentAt(0x100000n);
let vault: Vault;

/** A segment of 1 MiB whose first page has the header of PostgreSQL 18 on timeline 1. */
function segmentAt(lsn: bigint): Buffer {
  const bytes = Buffer.alloc(1024 * 1024);
  Buffer.from('18d1020001000000', 'hex').copy(bytes);
  bytes.writeBigUInt64LE(lsn, 8);
  bytes.writeBigUInt64LE(0xdeadbeefn, 24); // system identifier
  bytes.writeUInt32LE(bytes.length, 32);
  bytes.writeUInt32LE(8192, 36);
  return bytes.fill(0x5a, 40, 5000);
}

beforeAll(async () => {
  const section = { conninfo: 'host=127.0.0.1 port=1 user=x', streaming_archiver: 'on', slot_name: 'barman' };
  vault = stack.use(await Vault.create({ pg: section }));
  await plant(vault.path('wals', '0000000100000000'), name, gzipSync(segment));
  await plant(vault.path('streaming'), `${next}.partial`, segmentAt(0x200000n).subarray(0, 8192));
});

afterAll(() => stack[Symbol.asyncDispose]());

/** Standard output as bytes, which the test kit takes for text. */
function bytesOf(...args: readonly string[]): Buffer {
  const [program, ...words] = vault.argv(...args);
  return execFileSync(program!, words, { stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 2 ** 24 });
}

test('get-wal prints the segment as it was before compression', () => {
  expect(bytesOf('get-wal', 'pg', name).equals(segment)).toBe(true);
});

test('several names are refused, as PostgreSQL must not take it for the end of the archive', async () => {
  const refused = await vault.run('get-wal', 'pg', name, next);
  expect(refused).toMatchObject({ code: 255, stdout: '' });
  expect(refused.stderr).toMatch(/^error: too many arguments for 'get-wal'/);
});

/** What a command says and ends with when whoever reads its output is gone before it begins. */
async function withoutReader(...args: readonly string[]): Promise<{ readonly code: unknown; readonly stderr: string }> {
  const child = spawn('sh', ['-c', 'read go; exec "$@"', 'sh', ...vault.argv(...args)], { stdio: 'pipe' });
  child.stdout.destroy();
  await once(child.stdout, 'close');
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin.end('go\n');
  const [code] = (await once(child, 'close')) as unknown[];
  return { code, stderr };
}

test('a reader that goes away is no news: a command ends as cat does then, and get-wal as in trouble', async () => {
  expect(await withoutReader('get-wal', 'pg', name)).toEqual({ code: 255, stderr: '' });
  for (const words of ['show-wal pg', '-f json show-servers pg', 'explain ERR_CONNECT', '--help']) {
    expect([words, await withoutReader(...words.split(' '))]).toEqual([words, { code: 141, stderr: '' }]);
  }
  // What fails for another reason ends with that.
  expect(await withoutReader('show-wal', 'nosuch')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('nosuch') as string,
  });
});

test('get-wal -o writes it to a directory under its name', async () => {
  await using target = await temporaryDirectory('target');
  const { code, stdout, stderr } = await vault.run('get-wal', '-o', target.path, 'pg', name);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toBe(`Sending WAL '${name}' for server 'pg' into '${join(target.path, name)}' file\n`);
  expect((await readFile(join(target.path, name))).equals(segment)).toBe(true);
  expect(await readdir(target.path)).toEqual([name]);
});

test('get-wal --partial takes the segment that is being received, as long as a whole one', async () => {
  await using target = await temporaryDirectory('target');
  expect(await vault.run('get-wal', 'pg', next)).toMatchObject({ code: 1, stdout: '' });
  const said = await vault.succeed('get-wal', '-P', '-o', target.path, 'pg', next);
  expect(said).toBe(`Sending WAL '${next}.partial' for server 'pg' into '${join(target.path, next)}' file\n`);
  expect((await stat(join(target.path, next))).size).toBe(segment.length);
});

test('get-wal: 1 when the file is not there', async () => {
  expect(await vault.run('get-wal', 'pg', '0000000100000000000000AA')).toMatchObject({
    code: 1,
    stdout: '',
    stderr: `ERROR: WAL file '0000000100000000000000AA' not found in server 'pg'\n`,
  });
});

test('get-wal: 3 for what is not the name of a WAL file', async () => {
  for (const bad of ['abc', '../../etc/passwd', `${name}.gz`, name.replace('1', 'g')])
    expect(await vault.run('get-wal', 'pg', bad)).toMatchObject({
      code: 3,
      stdout: '',
      stderr: `ERROR: '${bad}' is not a valid wal file name\n`,
    });
});

test('get-wal: 3 when the output directory cannot be written to, and no file is left behind', async () => {
  await using target = await temporaryDirectory('target');
  const missing = join(target.path, 'missing');
  expect(await vault.run('get-wal', '-o', missing, 'pg', name)).toMatchObject({
    code: 3,
    stdout: '',
    stderr: `ERROR: Unable to open '${join(missing, name)}' file: no such file or directory\nHINT: Name a directory that you may write to.\n`,
  });
  expect(await readdir(target.path)).toEqual([]);
});

test('get-wal: 255 for a damaged file, of which nothing is left under its name', async () => {
  await using target = await temporaryDirectory('target');
  const damaged = '000000010000000000000003';
  await plant(vault.path('wals', '0000000100000000'), damaged, gzipSync(segment).subarray(0, 700));
  const { code, stderr } = await vault.run('get-wal', '-o', target.path, 'pg', damaged);
  expect(code).toBe(255);
  expect(stderr).toMatch(/^ERROR: WAL file ".+000000010000000000000003" .+\n/);
  expect(await readdir(target.path)).toEqual([]);
});

test('get-wal: 255 when the reader goes away, which is not the end of the archive', async () => {
  const script = `${vault
    .argv('get-wal', 'pg', name)
    .map((word) => `'${word}'`)
    .join(' ')} | true; exit \${PIPESTATUS[0]}`;
  const result = await runAsServerUser(['bash', '-c', script]);
  expect(result.code).toBe(255);
});

test('get-wal: 255 when a directory stands where the file is to go', async () => {
  await using target = await temporaryDirectory('target');
  await mkdir(join(target.path, name));
  await writeFile(join(target.path, name, 'x'), '');
  expect(await vault.run('get-wal', '-o', target.path, 'pg', name)).toMatchObject({ code: 255 });
  expect(await readdir(target.path)).toEqual([name]);
});

test('get-wal compresses its output: -z and -x with gzip, -j with bzip2; --keep-compression gives what is stored', async () => {
  const stored = await readFile(vault.path('wals', '0000000100000000', name));
  for (const flag of ['-z', '-x', '--gzip']) expect(gunzipSync(bytesOf('get-wal', flag, 'pg', name)).equals(segment)).toBe(true);
  const bzip2 = bytesOf('get-wal', '-j', 'pg', name);
  expect(execFileSync('bzip2', ['-d', '-c'], { input: bzip2, maxBuffer: 2 ** 24 }).equals(segment)).toBe(true);
  expect(bytesOf('get-wal', '--keep-compression', 'pg', name).equals(stored)).toBe(true);
  const both = await vault.run('get-wal', '-x', '--keep-compression', 'pg', name);
  expect(both).toMatchObject({ code: 255, stdout: '', stderr: expect.stringContaining('cannot be used with option') });
});

test('get-wal --peek lists the files that follow without a gap; a partial one is none', async () => {
  expect(await vault.succeed('get-wal', '-p', '10', 'pg', name)).toBe(`${name}\n`);
  expect(await vault.succeed('get-wal', '--peek', '10', '-P', 'pg', next)).toBe('');
  expect(await vault.run('get-wal', '-p', '0', 'pg', name)).toMatchObject({ code: 255, stdout: '' });
});

test('get-wal --test answers without looking for the file', async () => {
  expect(await vault.succeed('get-wal', '-t', 'pg', 'x')).toBe('Ready to retrieve WAL files from the server pg\n');
});

test('get-wal over SSH names the other end in its messages', async () => {
  const env = { SSH_CONNECTION: '192.0.2.7 51000 192.0.2.1 22' };
  expect(await vault.runWith({ env }, 'get-wal', 'pg', 'abc')).toMatchObject({
    code: 3,
    stderr: `ERROR: 'abc' is not a valid wal file name (SSH host: 192.0.2.7)\n`,
  });
});

test('what waits where an archiver has been switched off is found, and is no end of the archive', async () => {
  const section = { conninfo: 'host=127.0.0.1 port=1 user=x', archiver: 'on' };
  await using other = await Vault.create({ pg: section });
  await mkdir(other.path('incoming'), { recursive: true });
  await plant(other.path('wals', '0000000100000000'), name, gzipSync(segment));
  await plant(other.path('streaming'), next, segmentAt(0x200000n));
  await using directory = await temporaryDirectory('target');
  const target = join(directory.path, 'RECOVERYXLOG');
  expect(await other.run('restore-wal', '--no-verify', 'pg', next, target)).toMatchObject({ code: 0, stderr: '' });
  expect((await readFile(target)).equals(segmentAt(0x200000n))).toBe(true);
  expect((await other.run('restore-wal', '--no-verify', 'pg', '000000010000000000000003', target)).code).toBe(1);
});
