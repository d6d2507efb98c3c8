import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { link, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { filesBelow, segmentName, TestServer, walFile } from '../../testing.ts';
import { putWal, type PutWalReport } from './put-wal.ts';

const name = segmentName(1, 5);
const segment = walFile(name).subarray(0, 300_000);
const refused = { code: 'ERR_PUT_WAL_REFUSED' };
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'walvault-tar-'));
});
afterAll(() => rm(directory, { recursive: true }));

/** What tar makes of files with these names and contents, in this order. */
async function tarOf(files: Readonly<Record<string, Buffer | string>>, ...options: readonly string[]): Promise<Buffer> {
  const source = await mkdtemp(join(directory, 'source-'));
  for (const [file, content] of Object.entries(files)) {
    await writeFile(join(source, file), content);
    await utimes(join(source, file), 1_700_000_000, 1_700_000_000.25);
  }
  return tar(source, ...options, ...Object.keys(files));
}

function tar(source: string, ...words: readonly string[]): Buffer {
  return execFileSync('tar', ['-cf', '-', '-C', source, ...words], { maxBuffer: 2 ** 26 });
}

function sums(kind: 'md5' | 'sha256', file: string, content: Buffer): string {
  return `${createHash(kind).update(content).digest('hex')} *${file}\n`;
}

async function put(server: TestServer, archive: Buffer, pieceLength = 65_536): Promise<PutWalReport> {
  const pieces = async function* (): AsyncGenerator<Buffer> {
    for (let at = 0; at < archive.length; at += pieceLength) yield archive.subarray(at, at + pieceLength);
  };
  return putWal({ serverName: 'pg', incomingDirectory: server.incoming, errorsDirectory: server.errors, source: pieces() });
}

test.each([
  ['MD5SUMS', 'md5', '--format=pax'],
  ['SHA256SUMS', 'sha256', '--format=pax'],
  ['SHA256SUMS', 'sha256', '--format=ustar'],
  ['SHA256SUMS', 'sha256', '--format=gnu'],
] as const)('takes a file with its checksum in %s, and keeps its time (%s, %s)', async (sumsFile, kind, format) => {
  await using server = await TestServer.create();
  const report = await put(server, await tarOf({ [name]: segment, [sumsFile]: sums(kind, name, segment) }, format));
  const path = join(server.incoming, name);
  expect(report).toEqual({ files: [{ kind: 'placed', name, path }], badChecksumLines: [] });
  expect((await readFile(path)).equals(segment)).toBe(true);
  expect((await stat(path)).mtimeMs).toBe(format === '--format=pax' ? 1_700_000_000_250 : 1_700_000_000_000);
  expect(await readdir(server.incoming)).toEqual([name]);
});

test('takes several files, checksums before them, and ./ before the names', async () => {
  await using server = await TestServer.create();
  const history = walFile('00000002.history');
  const source = await mkdtemp(join(directory, 'source-'));
  await writeFile(join(source, name), segment);
  await writeFile(join(source, '00000002.history'), history);
  await writeFile(join(source, 'SHA256SUMS'), sums('sha256', `./${name}`, segment));
  await writeFile(join(source, 'MD5SUMS'), sums('md5', '00000002.history', history));
  await put(server, tar(source, './SHA256SUMS', './MD5SUMS', `./${name}`, './00000002.history'));
  expect((await readdir(server.incoming)).toSorted()).toEqual([name, '00000002.history'].toSorted());
});

test('however the stream is cut into pieces, the files are the same', async () => {
  await using server = await TestServer.create();
  const archive = await tarOf({ [name]: segment.subarray(0, 5000), SHA256SUMS: sums('sha256', name, segment.subarray(0, 5000)) });
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 3000 }), async (length) => {
      await put(server, archive, length);
      expect((await readFile(join(server.incoming, name))).equals(segment.subarray(0, 5000))).toBe(true);
    }),
    { numRuns: 20 },
  );
});

test('a stream that breaks off, wherever that is, leaves nothing and is refused', async () => {
  await using server = await TestServer.create();
  const archive = await tarOf({ [name]: segment.subarray(0, 3000), SHA256SUMS: sums('sha256', name, segment.subarray(0, 3000)) });
  const end = archive.findLastIndex((byte) => byte !== 0);
  for (let length = 0; length <= end; length += length < 600 ? 37 : 211) {
    await expect(put(server, archive.subarray(0, length))).rejects.toMatchObject(refused);
    expect(await readdir(server.incoming)).toEqual([]);
  }
});

test('a flipped bit in what the checksums are about is refused; nothing that is kept is wrong', async () => {
  await using server = await TestServer.create();
  const content = segment.subarray(0, 3000);
  const archive = await tarOf({ [name]: content, SHA256SUMS: sums('sha256', name, content) });
  await fc.assert(
    fc.asyncProperty(fc.nat(archive.length * 8 - 1), async (bit) => {
      const flipped = Buffer.from(archive);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      const outcome = await put(server, flipped).catch((error: unknown) => error);
      if (outcome instanceof Error) expect(outcome).toMatchObject(refused);
      else expect((await readFile(join(server.incoming, name))).equals(content)).toBe(true);
      expect((await readdir(server.incoming)).filter((each) => each !== name)).toEqual([]);
      await rm(join(server.incoming, name), { force: true });
    }),
    { numRuns: 150 },
  );
});

test.each([
  ['Missing checksum for file', { [name]: segment, SHA256SUMS: '' }],
  ['Missing checksum for file', { [name]: segment }],
  ['Checksum without corresponding file', { SHA256SUMS: sums('sha256', name, segment) }],
  ['Bad file checksum', { [name]: segment, SHA256SUMS: sums('sha256', name, Buffer.from('other')) }],
  ['Bad file checksum', { [name]: segment, MD5SUMS: sums('md5', name, Buffer.from('other')) }],
  ['Unsupported filename', { 'not-wal': segment, SHA256SUMS: sums('sha256', 'not-wal', segment) }],
  ['Unsupported filename', { '.hidden': segment, SHA256SUMS: sums('sha256', '.hidden', segment) }],
  ['Unsupported filename', { [name.replace('5', 'a')]: segment, SHA256SUMS: sums('sha256', name.replace('5', 'a'), segment) }],
])('refuses with "%s"', async (message, files) => {
  await using server = await TestServer.create();
  await expect(put(server, await tarOf(files))).rejects.toMatchObject({
    ...refused,
    message: expect.stringMatching(new RegExp(`^${message} .+ in put-wal for server 'pg'$`)),
  });
  expect(await readdir(server.incoming)).toEqual([]);
});

test('refuses what is no ordinary file, and names with a way in them', async () => {
  await using server = await TestServer.create();
  const source = await mkdtemp(join(directory, 'source-'));
  await mkdir(join(source, 'sub'));
  await writeFile(join(source, 'sub', name), segment);
  await writeFile(join(source, name), segment);
  await link(join(source, name), join(source, segmentName(1, 6)));
  await symlink('/etc/passwd', join(source, segmentName(1, 7)));
  execFileSync('mkfifo', [join(source, segmentName(1, 8))]);
  const archives: readonly (readonly [message: string, archive: Buffer])[] = [
    ["Unsupported file type '1'", tar(source, name, segmentName(1, 6))],
    ["Unsupported file type '2'", tar(source, segmentName(1, 7))],
    ["Unsupported file type '6'", tar(source, segmentName(1, 8))],
    ["Unsupported file type '5'", tar(source, 'sub')],
    [`Unsupported filename 'sub/${name}'`, tar(source, `sub/${name}`)],
    [`Unsupported filename '../${name}'`, tar(source, '--absolute-names', '--transform=s,^,../,', name)],
    [`Unsupported filename '/tmp/${name}'`, tar(source, '--absolute-names', '--transform=s,^,/tmp/,', name)],
    [`Unsupported filename '${name}'`, tar(source, '--hard-dereference', name, name)],
  ];
  for (const [message, archive] of archives) {
    await expect(put(server, archive)).rejects.toMatchObject({ ...refused, message: expect.stringContaining(message) });
    expect(filesBelow(server.home)).toEqual([]);
  }
});

test('refuses what is no tar archive', async () => {
  await using server = await TestServer.create();
  for (const bytes of [segment, Buffer.from('hello'), Buffer.alloc(0)])
    await expect(put(server, bytes)).rejects.toMatchObject(refused);
  expect(await readdir(server.incoming)).toEqual([]);
});

test('lines that are no checksums are told', async () => {
  await using server = await TestServer.create();
  const text = `nonsense\n${sums('md5', name, segment)}`;
  expect((await put(server, await tarOf({ [name]: segment, MD5SUMS: text }))).badChecksumLines).toEqual(['nonsense']);
});

test('a file that waits already: the same once more is fine, another one goes to the errors directory', async () => {
  await using server = await TestServer.create();
  const archive = await tarOf({ [name]: segment, SHA256SUMS: sums('sha256', name, segment) });
  await put(server, archive);
  expect((await put(server, archive)).files).toMatchObject([{ kind: 'duplicate', name }]);
  const other = walFile(name, { seed: 'other' });
  const report = await put(server, await tarOf({ [name]: other, SHA256SUMS: sums('sha256', name, other) }));
  expect(report.files).toMatchObject([{ kind: 'conflict', name }]);
  expect((await readFile(join(server.incoming, name))).equals(segment)).toBe(true);
  const kept = filesBelow(server.errors);
  expect(kept).toEqual([
    expect.stringMatching(new RegExp(`^${name}\\.\\d{8}T\\d{6}Z\\.duplicate$`)),
    expect.stringMatching(/\.duplicate\.reason$/),
  ]);
  expect((await readFile(join(server.errors, kept[0]!))).equals(other)).toBe(true);
  expect(await readdir(server.incoming)).toEqual([name]);
});

test('what a delivery left behind that was killed a day ago is removed, what is at work is not', async () => {
  await using server = await TestServer.create();
  for (const leftover of ['.put-wal-old', '.put-wal-new']) await server.write(join(server.incoming, leftover, name), segment);
  await utimes(join(server.incoming, '.put-wal-old'), 1_700_000_000, 1_700_000_000);
  await put(server, await tarOf({ [name]: segment, SHA256SUMS: sums('sha256', name, segment) }));
  expect((await readdir(server.incoming)).toSorted()).toEqual(['.put-wal-new', name]);
});
