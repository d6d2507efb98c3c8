/** Which cluster an archive is of, by the first pages of some of its segments: one damaged or foreign file must not decide. */
import {
  defaultWalSegmentSize,
  isPlausiblePageMagic,
  isWalSegmentSize,
  longPageHeaderSize,
  readPageHeader,
  WalvaultError,
  type WalSegmentSize,
} from '@walvault/wal';
import type { ClusterFacts } from '../content/check-wal-file.ts';
import { ContentFile, type OpenOptions } from '../content/content.ts';
import type { PlacedFile } from './wal-inventory.ts';

const samples = 9;

/**
 * The segment size and system identifier that most of the sampled files bear, unless they are known. 16 MiB, and no system identifier,
 * where no file says anything: then none of them is right.
 */
export async function sampleCluster(
  files: readonly PlacedFile[],
  known: ClusterFacts,
  options: OpenOptions,
): Promise<{ readonly walSegmentSize: WalSegmentSize; readonly systemIdentifier: bigint | undefined }> {
  if (known.walSegmentSize !== undefined && known.systemIdentifier !== undefined)
    return { walSegmentSize: known.walSegmentSize, systemIdentifier: known.systemIdentifier };
  const sizes: WalSegmentSize[] = [];
  const identifiers: bigint[] = [];
  const step = Math.max(Math.floor(files.length / samples), 1);
  for (let index = 0; index < files.length; index += step) {
    const long = await longHeaderOf(files[index] as PlacedFile, options);
    if (long === undefined || !isWalSegmentSize(long.segmentSize)) continue;
    sizes.push(long.segmentSize);
    identifiers.push(long.systemIdentifier);
  }
  return {
    walSegmentSize: known.walSegmentSize ?? mostCommon(sizes) ?? defaultWalSegmentSize,
    systemIdentifier: known.systemIdentifier ?? mostCommon(identifiers),
  };
}

async function longHeaderOf({ path }: PlacedFile, options: OpenOptions) {
  try {
    await using content = await ContentFile.open(path, options);
    const head = await content?.head(longPageHeaderSize);
    if (head === undefined || head.length < longPageHeaderSize) return undefined;
    const header = readPageHeader(head);
    return isPlausiblePageMagic(header.magic) ? header.long : undefined;
  } catch (error) {
    // What is wrong with a file is told when it is looked at.
    if (WalvaultError.is(error)) return undefined;
    throw error;
  }
}

function mostCommon<T>(values: readonly T[]): T | undefined {
  const counts = new Map<T, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].toSorted(([, a], [, b]) => b - a)[0]?.[0];
}
