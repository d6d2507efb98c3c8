/**
 * Which of the files in a streaming directory may be archived now, and in which order.
 *
 * Barman's rules: plain string order; partial segments behind everything else; one file always stays, because the
 * receiver (ours like pg_receivewal) finds its position by the latest file there: the partial segment, or, when
 * there is none, the last complete one. What Barman gets wrong is which partial is the live one: it takes the one
 * with the highest name, so that a stray file makes it archive the segment that is being written. Here a partial is
 * archived only when it is proven that nobody writes it any more:
 *   - the receiver says which one it writes, and this one lies before that or on an earlier timeline; or, not knowing that,
 *     it is not the latest partial, and either a complete segment of its timeline at its place or later has come,
 *     or segments of a timeline that descends from its own.
 */
import type { WalFileName } from '@walvault/wal';
import { isPartialFile, isSegmentFile, positionOf, type SegmentFileName } from '../wal-files/layout.ts';
import type { Timelines } from '../wal-files/timelines.ts';

/**
 * Why a file stays where it is: the receiver writes it, it marks the receiver's position, nobody can tell that it is done with, or
 * it is not right and so new that it may still be copied.
 */
export type KeepReason = 'live' | 'position' | 'unproven' | 'unfinished';

/** A file that was not archived on purpose. */
export interface KeptFile {
  readonly name: string;
  readonly reason: KeepReason;
}

/** What to do with the files of a streaming directory. */
export interface Selection {
  /** To be archived, in this order. */
  readonly take: readonly WalFileName[];
  readonly keep: readonly KeptFile[];
}

/** What is known when files are selected. */
export interface SelectionFacts {
  /** Name (`....partial`) of the segment that the receiver is writing, as it said before the directory was read. */
  readonly livePartial: string | undefined;
  /** The last complete segment, when the receiver needs it; see {@link segmentsFromLatest}. */
  readonly positionMark: string | undefined;
  /** How the timelines descend from each other, if known. */
  readonly timelines: Timelines | undefined;
}

/** Sorts the files of a streaming directory into those to archive and those to keep. */
export function selectStreamed(files: readonly WalFileName[], facts: SelectionFacts): Selection {
  const sorted = files.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const partials = sorted.filter(isPartialFile);
  const latest = partials.toSorted(compareForStart).at(-1);
  const verdicts = new Map(partials.map((file) => [file.name, verdictOn(file, { all: sorted, latest }, facts)]));
  const keep: KeptFile[] = [];
  const take: WalFileName[] = [];
  for (const file of [...sorted.filter((other) => other.kind !== 'partial'), ...partials]) {
    const reason = file.name === facts.positionMark ? 'position' : verdicts.get(file.name);
    if (reason === undefined) take.push(file);
    else keep.push({ name: file.name, reason });
  }
  return { take, keep };
}

/** All files that archive_command or put-wal brought, also partial segments: what is there was sent to be archived. */
export function selectIncoming(files: readonly WalFileName[]): Selection {
  return { take: files.toSorted((a, b) => (a.name < b.name ? -1 : 1)), keep: [] };
}

/**
 * The complete segments that may mark the receiver's position, latest first: none when a partial segment does. Latest
 * is what pg_receivewal (FindStreamingStart) takes for it: the highest position, then the highest timeline.
 */
export function segmentsFromLatest(files: readonly WalFileName[]): readonly SegmentFileName[] {
  const segments = files.filter(isSegmentFile).toSorted((a, b) => compareForStart(b, a));
  const firstPartial = segments.findIndex((file) => file.kind === 'partial');
  return firstPartial === -1 ? segments : segments.slice(0, firstPartial);
}

interface Siblings {
  readonly all: readonly WalFileName[];
  readonly latest: SegmentFileName | undefined;
}

function verdictOn(file: SegmentFileName, { all, latest }: Siblings, facts: SelectionFacts): KeepReason | undefined {
  if (facts.livePartial !== undefined) return verdictByReceiver(file, facts.livePartial);
  if (file.name === latest?.name) return 'live';
  return isOvertaken(file, all, facts.timelines) ? undefined : 'unproven';
}

/** Names compare by timeline, then by position: the order that the receiver goes through. */
function verdictByReceiver(file: SegmentFileName, livePartial: string): KeepReason | undefined {
  if (file.name === livePartial) return 'live';
  return file.name < livePartial ? undefined : 'unproven';
}

function isOvertaken(file: SegmentFileName, all: readonly WalFileName[], timelines: Timelines | undefined): boolean {
  const heirs = new Set(timelines?.descendantsOf(file.timelineId).map((descendant) => descendant.timelineId));
  return all.filter(isSegmentFile).some((other) => {
    if (heirs.has(other.timelineId)) return true;
    const isSameTimeline = other.timelineId === file.timelineId && other.kind === 'segment';
    return isSameTimeline && positionOf(other) >= positionOf(file);
  });
}

function compareForStart(a: SegmentFileName, b: SegmentFileName): number {
  return (
    compareText(positionOf(a), positionOf(b)) ||
    a.timelineId - b.timelineId ||
    Number(b.kind === 'partial') - Number(a.kind === 'partial')
  );
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
