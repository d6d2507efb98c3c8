import { createHash, randomBytes } from 'node:crypto';
import { gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { ContentThreads } from './content-threads.ts';
import { SpareMemory } from './spare-memory.ts';

/** Something that can be compressed, and is not all the same. */
function someContent(shared: boolean): Buffer {
  const content = shared ? new SpareMemory().take(1024 * 1024) : Buffer.alloc(1024 * 1024);
  const noise = randomBytes(4096);
  for (let at = 0; at < content.length; at += noise.length) noise.copy(content, at);
  content.writeUInt32LE(at32, 500_000);
  return content;
}

const at32 = 0x1234_5678;

test.each([
  ['by threads', 2, true],
  ['without threads', 0, true],
  ['with memory that threads cannot share', 2, false],
])('takes checksums, compresses and compares %s', async (_, count, shared) => {
  await using threads = new ContentThreads(count, 0);
  const content = someContent(shared);
  const answers = await Promise.all([
    threads.sha256(content),
    threads.compress('zstd', 1, content),
    threads.compress('gzip', 1, content),
    threads.sha256(content.subarray(0, 10)),
  ]);
  const [sha256, zstd, gzip, sha256OfStart] = answers;
  expect(sha256).toBe(createHash('sha256').update(content).digest('hex'));
  expect(sha256OfStart).toBe(createHash('sha256').update(content.subarray(0, 10)).digest('hex'));
  expect(zstdDecompressSync(zstd).equals(content)).toBe(true);
  expect(await threads.matches('gzip', gzip, content)).toBe(true);
  expect(await threads.matches('zstd', zstd, content)).toBe(true);
});

test.each([0, 2])('what cannot be compressed is stored a little longer than it was (%i threads)', async (count) => {
  await using threads = new ContentThreads(count);
  threads.begin();
  const content = new SpareMemory().take(1024 * 1024);
  randomBytes(content.length).copy(content);
  const zstd = await threads.compress('zstd', 1, content);
  expect(zstd.length).toBeGreaterThan(content.length);
  expect(zstd.buffer.byteLength).toBeLessThan(content.length * 1.1);
  expect(await threads.matches('zstd', zstd, content)).toBe(true);
});

test.each([0, 2])('another content, damage, and what is too short or too long are told (%i threads)', async (count) => {
  await using threads = new ContentThreads(count, 0);
  const content = someContent(true);
  const other = Buffer.from(content);
  other[700_000]! ^= 1;
  const damaged = zstdCompressSync(content);
  damaged[damaged.length - 2]! ^= 1;
  const checksummed = gzipSync(content);
  checksummed[checksummed.length - 6]! ^= 1;
  expect(await threads.matches('zstd', zstdCompressSync(other), content)).toBe(false);
  expect(await threads.matches('gzip', gzipSync(content.subarray(1)), content)).toBe(false);
  expect(await threads.matches('gzip', gzipSync(Buffer.concat([content, content])), content)).toBeUndefined();
  expect(await threads.matches('zstd', damaged.subarray(0, -10), content)).toBeUndefined();
  expect(await threads.matches('gzip', checksummed, content)).toBeUndefined();
  expect(await threads.matches('gzip', Buffer.concat([gzipSync(content), gzipSync('more')]), content)).not.toBe(true);
});

test('an error of one piece of work is its own', async () => {
  await using threads = new ContentThreads(1, 0);
  const content = someContent(true);
  const wrong = threads.compress('gzip', 99, content);
  const right = threads.sha256(content);
  await expect(wrong).rejects.toMatchObject({ code: 'ERR_OUT_OF_RANGE' });
  expect(await right).toMatch(/^[0-9a-f]{64}$/);
});

test('a thread that ends leaves no work without an answer, and is given no more', async () => {
  await using threads = new ContentThreads(1, 0);
  const content = someContent(true);
  const given = threads.compress('gzip', 9, content).catch(String);
  await threads[Symbol.asyncDispose]();
  expect(await given).toBe('Error: a thread has ended before its work was done');
  expect(await threads.sha256(content)).toBe(createHash('sha256').update(content).digest('hex'));
});
