import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { TestServer } from '../../testing.ts';
import { ContentFile } from './content.ts';

const content = Buffer.concat([randomBytes(700_000), Buffer.alloc(300_000)]);
const [first, second] = [content.subarray(0, 400_000), content.subarray(400_000)];

async function whole(stored: Buffer, limit?: number, expected?: number): Promise<Buffer | undefined> {
  await using server = await TestServer.create();
  const path = join(server.wals, 'file');
  await server.write(path, stored);
  await using file = await ContentFile.open(path);
  return await file?.whole(limit, expected);
}

test.each([
  ['nothing', content],
  ['gzip', gzipSync(content)],
  ['zstd', zstdCompressSync(content)],
  ['gzip in two members', Buffer.concat([gzipSync(first), gzipSync(second)])],
  ['zstd in two frames', Buffer.concat([zstdCompressSync(first), zstdCompressSync(second)])],
])('what was compressed with %s comes in one piece, whatever size was expected', async (_, stored) => {
  for (const expected of [undefined, content.length, 1024, 5_000_000]) {
    expect((await whole(stored, undefined, expected))?.equals(content)).toBe(true);
  }
  expect(await whole(stored, content.length - 1)).toBeUndefined();
});

test.each([
  ['gzip that is cut off', gzipSync(content).subarray(0, -20)],
  ['zstd that is cut off', zstdCompressSync(content).subarray(0, -20)],
  ['gzip with something behind it', Buffer.concat([gzipSync(content), Buffer.from('behind')])],
  ['zstd with something behind it', Buffer.concat([zstdCompressSync(content), Buffer.from('behind')])],
])('%s is damage', async (_, stored) => {
  await expect(whole(stored)).rejects.toMatchObject({ code: 'ERR_WAL_FILE_CORRUPT' });
});
