import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { findProgram } from '@walvault/testkit';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { segmentName, useCompressors, walFile } from '../../testing.ts';
import { codecOf, type Compression, type CompressionMethod, type CustomFilters } from './codec.ts';
import { ContentFile, type OpenOptions } from './content.ts';
import { encode, encodeWhole, usableCompression } from './encode.ts';

const methods = ['gzip', 'pigz', 'pygzip', 'zstd', 'lz4', 'snappy', 'bzip2', 'pybzip2', 'xz', 'custom'] as const;
/** Formats with a checksum of their own. */
const checkedMethods = ['gzip', 'zstd', 'lz4', 'snappy', 'bzip2', 'xz'] as const;
/** A filter that is its own inverse and has no magic. */
const turnOver = String.raw`LC_ALL=C tr '\000-\377' '\200-\377\000-\177'`;
const custom: CustomFilters = { filter: turnOver, decompressionFilter: turnOver };
const segment = walFile(segmentName(1, 5));
const damage = { code: 'ERR_WAL_FILE_CORRUPT' };

let directory: string;
let files = 0;
beforeAll(async () => {
  useCompressors();
  directory = await mkdtemp(join(tmpdir(), 'walvault-codecs-'));
});
afterAll(() => rm(directory, { recursive: true }));

/** What can be written on this machine: pigz need not be there. */
async function compressionBy(method: CompressionMethod): Promise<Compression> {
  return (await usableCompression({ method, custom: method === 'custom' ? custom : undefined })).compression;
}

async function stored(bytes: Buffer): Promise<string> {
  const path = join(directory, `${files++}`);
  await writeFile(path, bytes);
  return path;
}

/** Reads a file with these bytes as it was before compression. */
async function contentOf(bytes: Buffer, options: OpenOptions = { custom }): Promise<Buffer> {
  await using file = await ContentFile.open(await stored(bytes), options);
  return await collect(file!.bytes());
}

async function codecOfBytes(bytes: Buffer, options?: OpenOptions): Promise<string | undefined> {
  await using file = await ContentFile.open(await stored(bytes), options);
  return file!.codec;
}

async function collect(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

async function* pieces(content: Buffer, length: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < content.length; at += length) yield content.subarray(at, at + length);
}

test.each(methods)(
  '%s: what is written reads back, in one piece and in chunks, under the name that xlog.db has for it',
  async (method) => {
    const compression = await compressionBy(method);
    const whole = await encodeWhole(compression, segment);
    const streamed = await collect(encode(compression, pieces(segment, 100_000)));
    for (const bytes of [whole, streamed]) {
      await using file = await ContentFile.open(await stored(bytes), { custom });
      expect(file!.codec).toBe(codecOf(method));
      expect((await collect(file!.bytes())).equals(segment)).toBe(true);
      expect((await file!.head(40)).equals(segment.subarray(0, 40))).toBe(true);
    }
  },
);

test.each(methods.filter((method) => method !== 'custom'))('%s: content of any length and kind', async (method) => {
  const compression = await compressionBy(method);
  const content = fc.oneof(
    fc.uint8Array({ maxLength: 3000 }),
    fc.nat(200_000).map((length) => new Uint8Array(length).fill(7)),
  );
  await fc.assert(
    fc.asyncProperty(content, fc.integer({ min: 300, max: 70_000 }), async (bytes, length) => {
      const given = Buffer.from(bytes);
      // Nothing compresses to nothing in some formats, and is then no compressed file.
      fc.pre(given.length > 0);
      const back = await contentOf(await collect(encode(compression, pieces(given, length))));
      expect(back.equals(given)).toBe(true);
    }),
    { numRuns: codecOf(method) === 'bzip2' || method === 'xz' ? 10 : 50 },
  );
});

test.each(checkedMethods)('%s: a flipped bit is damage, or changes nothing', async (method) => {
  const bytes = await encodeWhole(await compressionBy(method), segment.subarray(0, 50_000));
  const bit = fc.integer({ min: 12 * 8, max: bytes.length * 8 - 1 });
  await fc.assert(
    fc.asyncProperty(bit, async (at) => {
      const flipped = Buffer.from(bytes);
      flipped[at >> 3]! ^= 1 << (at & 7);
      const back = await contentOf(flipped).catch((error: unknown) => error);
      if (Buffer.isBuffer(back)) expect(back.equals(segment.subarray(0, 50_000))).toBe(true);
      else expect(back).toMatchObject(damage);
    }),
    { numRuns: method === 'bzip2' || method === 'xz' ? 15 : 100 },
  );
});

test.each(checkedMethods)('%s: a file that was cut is damage; a snappy file cut between two pieces is short', async (method) => {
  const bytes = await encodeWhole(await compressionBy(method), segment.subarray(0, 200_000));
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 10, max: bytes.length - 1 }), async (length) => {
      const back = await contentOf(bytes.subarray(0, length)).catch((error: unknown) => error);
      if (method === 'snappy' && Buffer.isBuffer(back)) expect(back.length % 65_536).toBe(0);
      else expect(back).toMatchObject(damage);
    }),
    { numRuns: method === 'bzip2' || method === 'xz' ? 15 : 100 },
  );
});

test('a file that lacks its last bytes is damage, each of them counts', async () => {
  for (const method of ['gzip', 'zstd', 'lz4', 'bzip2', 'xz'] as const) {
    const bytes = await encodeWhole(await compressionBy(method), segment.subarray(0, 20_000));
    for (let less = 1; less <= 12; less++)
      await expect(contentOf(bytes.subarray(0, bytes.length - less))).rejects.toMatchObject(damage);
  }
});

test.each(checkedMethods)('%s: anything behind the content is damage', async (method) => {
  const bytes = await encodeWhole(await compressionBy(method), segment.subarray(0, 20_000));
  for (const tail of ['g', 'garbage', segment.subarray(0, 8192)])
    await expect(contentOf(Buffer.concat([bytes, Buffer.from(tail)]))).rejects.toMatchObject(damage);
});

test.each(['gzip', 'zstd', 'lz4'] as const)('%s: zeros behind the content are damage', async (method) => {
  const bytes = await encodeWhole(await compressionBy(method), segment.subarray(0, 20_000));
  await expect(contentOf(Buffer.concat([bytes, Buffer.alloc(16)]))).rejects.toMatchObject(damage);
});

test.each(checkedMethods)('%s: a file of several parts, as other programs write them, is read to its end', async (method) => {
  const compression = await compressionBy(method);
  const parts = [segment.subarray(0, 70_000), segment.subarray(70_000, 70_001), segment.subarray(70_001)];
  const bytes = Buffer.concat(await Promise.all(parts.map((part) => encodeWhole(compression, part))));
  expect((await contentOf(bytes)).equals(segment)).toBe(true);
  if (method !== 'snappy') await expect(contentOf(bytes.subarray(0, -1))).rejects.toMatchObject(damage);
});

test('zstd frames to skip, which pzstd writes, are skipped', async () => {
  const frame = await encodeWhole({ method: 'zstd' }, segment);
  const skip = Buffer.concat([Buffer.from('502a4d1804000000', 'hex'), Buffer.alloc(4, 1)]);
  expect((await contentOf(Buffer.concat([skip, frame, skip, frame]))).equals(Buffer.concat([segment, segment]))).toBe(true);
});

test('zstd files carry a checksum and the length of the content', async () => {
  const bytes = await encodeWhole({ method: 'zstd', level: 1 }, segment);
  expect(bytes[4]! & 0x04).toBe(0x04);
  expect(bytes[4]! >> 6).not.toBe(0);
});

test('each level of zstd is one of its own, -1 included, which Node takes for none', async () => {
  const content = Buffer.concat(Array.from({ length: 20 }, (_, index) => walFile(segmentName(1, index + 1)).subarray(0, 50_000)));
  const sizes = new Map<number, number>();
  for (const level of [-22, -2, -1, 1, 9, 22]) sizes.set(level, (await encodeWhole({ method: 'zstd', level }, content)).length);
  expect(sizes.get(-1)).toBe(sizes.get(-2));
  expect(sizes.get(22)!).toBeLessThanOrEqual(sizes.get(-22)!);
});

test.each([['-B4'], ['-B4', '-BD'], ['-B5', '-BD', '-BX'], ['--content-size'], ['--no-frame-crc'], ['-9']])(
  'reads what the program lz4 writes with %s %s %s',
  async (...options) => {
    const bytes = execFileSync('lz4', [...options, '-c', '-', '-'], { input: segment, stdio: ['pipe', 'pipe', 'ignore'] });
    expect((await contentOf(bytes)).equals(segment)).toBe(true);
  },
);

test('other programs read what is written', async () => {
  const programs = { gzip: 'gzip', zstd: 'zstd', lz4: 'lz4', bzip2: 'bzip2', xz: 'xz' } as const;
  for (const [method, program] of Object.entries(programs)) {
    const path = await stored(await encodeWhole({ method: method as keyof typeof programs }, segment));
    expect(execFileSync('/bin/sh', ['-c', `${program} -d -c < "$1"`, 'sh', path]).equals(segment)).toBe(true);
  }
});

test('the filters of the operator get the file as $1 and the result as $2, as in Barman', async () => {
  const filters = { filter: 'test -s "$1" && gzip -c', decompressionFilter: 'gzip -d -c' };
  const bytes = await collect(encode({ method: 'custom', custom: filters }, pieces(segment, 100_000)));
  expect((await contentOf(bytes, { custom: filters })).equals(segment)).toBe(true);
});

test('a filter that fails is told with its exit code and what it said, and leaves no file behind', async () => {
  const filters = { filter: 'echo no key >&2; exit 7; cat', decompressionFilter: 'cat' };
  // In a directory of its own: others' filters run at the same time.
  const temporary = await mkdtemp(join(directory, 'filters-'));
  vi.stubEnv('TMPDIR', temporary);
  onTestFinished(() => void vi.unstubAllEnvs());
  await expect(encodeWhole({ method: 'custom', custom: filters }, segment)).rejects.toMatchObject({
    code: 'ERR_CODEC_PROGRAM_FAILED',
    message: expect.stringContaining('ended with exit code 7: no key'),
  });
  expect(tmpdir()).toBe(temporary);
  expect(await readdir(temporary)).toEqual([]);
});

test('a program that is not there is told before any file is touched; pigz is done without', async () => {
  const path = process.env['PATH'];
  process.env['PATH'] = directory;
  try {
    await expect(usableCompression({ method: 'xz' })).rejects.toMatchObject({
      code: 'ERR_CODEC_PROGRAM_MISSING',
      hint: expect.stringContaining('Install the package xz'),
    });
    await expect(encodeWhole({ method: 'bzip2' }, segment)).rejects.toMatchObject({ code: 'ERR_CODEC_PROGRAM_MISSING' });
    expect(await usableCompression({ method: 'pigz', level: 1 })).toMatchObject({
      compression: { method: 'gzip', level: 1 },
      notice: expect.stringContaining('pigz is not installed'),
    });
  } finally {
    process.env['PATH'] = path;
  }
});

test.each([
  ['has no memory', 'ulimit -v 6000; exec'],
  ['is killed', 'kill -9 $$; exec'],
])('a program that %s says nothing about the file', async (_, start) => {
  const path = process.env['PATH'];
  for (const method of ['bzip2', 'xz'] as const) {
    const bytes = await encodeWhole({ method, level: 9 }, segment.subarray(0, 20_000));
    const wrapper = join(await mkdtemp(join(directory, 'bin-')), method);
    await writeFile(wrapper, `#!/bin/sh\n${start} ${findProgram(method).path} "$@"\n`, { mode: 0o755 });
    process.env['PATH'] = `${dirname(wrapper)}:${path}`;
    try {
      await expect(contentOf(bytes)).rejects.toMatchObject({ code: 'ERR_CODEC_PROGRAM_FAILED', retry: 'retry' });
    } finally {
      process.env['PATH'] = path;
    }
  }
});

test('a program that the system does not start says nothing about the file', async () => {
  const bytes = await encodeWhole({ method: 'xz' }, segment.subarray(0, 20_000));
  // More than Linux hands to a program (E2BIG).
  process.env['WALVAULT_TEST_AMOUNT'] = 'x'.repeat(1024 * 1024);
  try {
    await expect(contentOf(bytes)).rejects.toMatchObject({
      code: 'ERR_CODEC_PROGRAM_FAILED',
      message: expect.stringContaining('could not be started') as string,
    });
  } finally {
    delete process.env['WALVAULT_TEST_AMOUNT'];
  }
});

test('a custom magic goes before the others; without one, what is neither known nor plain is custom', async () => {
  const gzipped = gzipSync(segment);
  const unknown = Buffer.from('8fab12340099', 'hex');
  expect(await codecOfBytes(gzipped)).toBe('gzip');
  expect(await codecOfBytes(gzipped, { custom })).toBe('gzip');
  expect(await codecOfBytes(gzipped, { custom: { ...custom, magic: '0x1f8b' } })).toBe('custom');
  expect(await codecOfBytes(unknown)).toBe(undefined);
  expect(await codecOfBytes(unknown, { custom })).toBe('custom');
  expect(await codecOfBytes(unknown, { custom: { ...custom, magic: '0x1f8b' } })).toBe(undefined);
  for (const plain of [segment, Buffer.alloc(8192), Buffer.alloc(0), walFile('00000002.history')])
    expect(await codecOfBytes(plain, { custom })).toBe(undefined);
});

test('a reader that stops early ends the program', async () => {
  const bytes = await encodeWhole({ method: 'xz' }, Buffer.alloc(50_000_000));
  await using file = await ContentFile.open(await stored(bytes));
  expect((await file!.head(10)).length).toBe(10);
});

test('an encoding that is called off ends with the reason', async () => {
  const stop = new AbortController();
  const endless = async function* (): AsyncGenerator<Buffer> {
    for (let count = 0; ; count++) {
      if (count === 3) stop.abort(new Error('called off'));
      yield segment;
    }
  };
  for (const method of methods) {
    const compression = await compressionBy(method);
    await expect(collect(encode(compression, endless(), stop.signal))).rejects.toThrow('called off');
  }
});
