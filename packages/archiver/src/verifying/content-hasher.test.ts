import { createHash, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { type Block, BlockPool } from './blocks.ts';
import { contentHasher } from './content-hasher.ts';

/** Fills blocks with bytes and hands them over; how many different blocks were used. */
async function hashAll(
  contents: readonly Buffer[],
  bytes: number,
): Promise<{ readonly digests: string[]; readonly blocks: number }> {
  const pool = new BlockPool();
  await using hasher = contentHasher(pool, bytes, true);
  const used = new Set<Block>();
  const digests: string[] = [];
  for (const content of contents) {
    for (let at = 0; at < content.length; ) {
      const block = pool.take();
      used.add(block);
      const count = content.copy(block.buffer, 0, at);
      await hasher.update({ block, bytes: block.buffer.subarray(0, count) });
      at += count;
    }
    digests.push(await hasher.digest());
  }
  return { digests, blocks: used.size };
}

const contents = [0, 1, 1_048_576, 5_000_000, 90_000_000].map((length) => randomBytes(length));
const right = contents.map((content) => createHash('sha256').update(content).digest('hex'));

test.each([
  ['here', 0],
  ['by a thread', 1e9],
])('checksums taken %s are right, of one content after the other, in few blocks', async (_, bytes) => {
  const { digests, blocks } = await hashAll(contents, bytes);
  expect(digests).toEqual(right);
  expect(blocks).toBeLessThan(30);
});

test('nothing is hashed when nobody wants it', async () => {
  const pool = new BlockPool();
  await using hasher = contentHasher(pool, 1e9, false);
  const block = pool.take();
  await hasher.update({ block, bytes: block.buffer });
  expect(await hasher.digest()).toBe('');
  expect(pool.take()).toBe(block);
});
