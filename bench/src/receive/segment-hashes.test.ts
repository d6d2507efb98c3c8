import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory } from '@walvault/testkit';
import { describe, expect, test } from 'vitest';
import { completeSegments, firstDifference, hashSegments } from './segment-hashes.ts';

const [a, b] = ['000000010000000000000001', '000000010000000000000002'] as const;

test('hashSegments hashes whole files, and completeSegments sees nothing else', async () => {
  await using directory = await temporaryDirectory();
  const content = Buffer.alloc(2_500_000, 'wal');
  await writeFile(join(directory.path, b), '');
  await writeFile(join(directory.path, a), content);
  await writeFile(join(directory.path, `${b}.partial`), '');
  await writeFile(join(directory.path, '00000002.history'), '');
  const names = await completeSegments(directory.path);
  expect(names).toEqual([a, b]);
  expect([...(await hashSegments(directory.path, names))]).toEqual([
    [a, digest(content)],
    [b, digest('')],
  ]);
});

function digest(bytes: string | Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

describe('firstDifference', () => {
  const server = new Map([
    [a, '11'],
    [b, '22'],
  ]);

  test('is none between the same segments', () => {
    expect(firstDifference(new Map(server), server)).toBeUndefined();
  });

  test('names what is missing, too much or different', () => {
    expect(firstDifference(new Map([[a, '11']]), server)).toBe(`segment ${b} is missing`);
    expect(firstDifference(server, new Map([[a, '11']]))).toBe(`segment ${b} should not be there`);
    expect(firstDifference(new Map([...server, [a, '33']]), server)).toBe(`segment ${a} differs from the server's own`);
  });
});
