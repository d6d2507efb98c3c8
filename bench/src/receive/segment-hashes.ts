/** SHA-256 of segment files, to see that two directories hold the same bytes without keeping both. */
import { createHash } from 'node:crypto';
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { tryParseWalFileName } from '@walvault/wal';

const blockBytes = 1024 * 1024;

/** Hashes by name of segment, in the order of the names. */
export type SegmentHashes = ReadonlyMap<string, string>;

/** Hashes the files of these names in a directory. @throws what the file system throws, above all when one is not there */
export async function hashSegments(directory: string, names: readonly string[]): Promise<SegmentHashes> {
  const hashes = new Map<string, string>();
  for (const name of names.toSorted()) hashes.set(name, await hashFile(join(directory, name)));
  return hashes;
}

/** The names of the complete segments in a directory. */
export async function completeSegments(directory: string): Promise<readonly string[]> {
  return (await readdir(directory)).filter((name) => tryParseWalFileName(name)?.kind === 'segment').toSorted();
}

/** In words, the first difference between what was received and what the server has; undefined when there is none. */
export function firstDifference(received: SegmentHashes, expected: SegmentHashes): string | undefined {
  for (const name of new Set([...expected.keys(), ...received.keys()])) {
    if (!received.has(name)) return `segment ${name} is missing`;
    if (!expected.has(name)) return `segment ${name} should not be there`;
    if (received.get(name) !== expected.get(name)) return `segment ${name} differs from the server's own`;
  }
  return undefined;
}

/** By reads into one buffer: a stream would leave the bench itself with far more memory to clean up. */
async function hashFile(path: string): Promise<string> {
  await using file = await open(path, 'r');
  const hash = createHash('sha256');
  const block = Buffer.allocUnsafe(blockBytes);
  for (;;) {
    const { bytesRead } = await file.read(block, 0, block.length);
    if (bytesRead === 0) return hash.digest('hex');
    hash.update(block.subarray(0, bytesRead));
  }
}
