/**
 * What younger timelines know of a segment. PostgreSQL begins the first segment of a timeline with a copy of what its parent had up to
 * the switchpoint (XLogInitNewTimeline, access/transam/xlog.c), so a segment in which a timeline was left is there twice up to that place; and
 * the first segment of a timeline goes on from the last whole one of its parent.
 */
import { formatLsn, type Lsn, lsnDistance, segmentEndLsn, segmentNumberOf, walFileNameAt } from '@walvault/wal';
import type { SegmentFacts } from '../checking/segment-facts.ts';
import { type ContentFile, sameBytes } from '../content/content.ts';
import { WalFileError } from '../errors.ts';
import type { Descendant, Timelines } from '../wal-files/timelines.ts';

/** How the segments of younger timelines are looked at. */
export interface HeirFiles {
  readonly timelines: Timelines;
  /** Opens one by its name; undefined when it is not there. */
  readonly open: (name: string) => Promise<ContentFile | undefined>;
  /** A whole look at one, as the continuation of another where the seam of that is given; undefined when it is not there or cannot be read. */
  readonly inspect: (name: string, predecessor?: Uint8Array) => Promise<SegmentFacts | undefined>;
}

/** What was found: no heir that can tell, at least one that agrees, or one that does not. */
export type HeirFit = { readonly fit: 'unknown' | 'proven' } | { readonly fit: 'broken'; readonly problem: string };

/**
 * Whether younger timelines agree with a segment. One of theirs that is bad in itself says nothing.
 * @param content of the segment
 * @throws {FileSystemError}
 */
export async function fitToHeirs(files: HeirFiles, content: ContentFile, facts: SegmentFacts): Promise<HeirFit> {
  let fit: 'unknown' | 'proven' = 'unknown';
  for (const heir of files.timelines.descendantsOf(facts.timelineId)) {
    const found = await fitToHeir(files, { content, facts, heir });
    if (found.fit === 'broken') return found;
    if (found.fit === 'proven') fit = 'proven';
  }
  return { fit };
}

interface Comparison {
  readonly content: ContentFile;
  readonly facts: SegmentFacts;
  readonly heir: Descendant;
}

async function fitToHeir(files: HeirFiles, comparison: Comparison): Promise<HeirFit> {
  const { facts, heir } = comparison;
  const { startLsn, walSegmentSize } = facts;
  const end = segmentEndLsn(segmentNumberOf(startLsn, walSegmentSize), walSegmentSize);
  if (heir.leftAt <= startLsn || lsnDistance(end, heir.leftAt) >= walSegmentSize) return { fit: 'unknown' };
  return heir.leftAt < end ? compareCopy(files, comparison) : followUp(files, comparison, end);
}

/** The timeline was left in this segment. */
async function compareCopy(files: HeirFiles, { content, facts, heir }: Comparison): Promise<HeirFit> {
  const { startLsn, walSegmentSize } = facts;
  const name = walFileNameAt(heir.timelineId, startLsn, walSegmentSize);
  await using copy = await files.open(name);
  if (copy === undefined) return { fit: 'unknown' };
  if (await haveSameBeginning(content, copy, lsnDistance(startLsn, heir.leftAt))) return { fit: 'proven' };
  if ((await files.inspect(name))?.verdict !== 'good') return { fit: 'unknown' };
  return {
    fit: 'broken',
    problem: `"${name}" has other bytes before the switch to timeline ${heir.timelineId} at ${formatLsn(heir.leftAt)}`,
  };
}

/** The timeline was left in the next segment, or where that begins. */
async function followUp(files: HeirFiles, { facts, heir }: Comparison, end: Lsn): Promise<HeirFit> {
  const name = walFileNameAt(heir.timelineId, end, facts.walSegmentSize);
  const next = facts.seam === undefined ? undefined : await files.inspect(name, facts.seam);
  if (next === undefined || next.verdict === 'bad') return { fit: 'unknown' };
  if (next.link !== 'broken') return { fit: next.link };
  return { fit: 'broken', problem: `"${name}", the first segment of timeline ${heir.timelineId}, does not go on where it ends` };
}

/** A file that cannot be decompressed has nothing in common with another. */
async function haveSameBeginning(one: ContentFile, other: ContentFile, length: number): Promise<boolean> {
  try {
    return await sameBytes(firstBytes(one, length), firstBytes(other, length));
  } catch (error) {
    if (error instanceof WalFileError) return false;
    throw error;
  }
}

async function* firstBytes(content: ContentFile, length: number): AsyncGenerator<Buffer, void, undefined> {
  let left = length;
  for await (const chunk of content.bytes()) {
    yield chunk.subarray(0, left);
    left -= chunk.length;
    if (left <= 0) return;
  }
}
