/**
 * Whether a place in the WAL can be recovered to from a base backup: the backup lies on the way, it is consistent before the
 * place, and no WAL is missing or bad between.
 */
import { type SegmentNumber, segmentNumberOf } from '@walvault/wal';
import { type BaseBackup, isRestorable, type RestorableBackup } from '../backups/base-backup.ts';
import type { WalHole } from '../wal-files/list-archive.ts';
import { type FindableWal, rangeOf } from './findable-wal.ts';
import type { TargetPlace } from './recovery-target.ts';
import type { TimelineChain } from './timeline-chain.ts';

/** Whether, and from where. */
export interface Reachability {
  /**
   * `reachable`: from `backup`. `broken`: `backup` would be the one, but WAL is missing or bad. `noBackup`: backups are known, and none is
   * suitable. `unknown`: no backup is known at all.
   */
  readonly verdict: 'reachable' | 'broken' | 'noBackup' | 'unknown';
  /** The newest suitable backup. */
  readonly backup: RestorableBackup | undefined;
  /** WAL that is missing between its begin and the place. */
  readonly holes: readonly WalHole[];
  /** Segments between that are known to be bad, or not to continue what is before them. */
  readonly faulty: readonly string[];
  /** WAL is whole from this segment to the place: a backup that begins in it or later is suitable. */
  readonly wholeFrom: string | undefined;
}

/**
 * Judges a place.
 * @param backups as they are listed, of whatever state
 */
export function judgeReachability(wal: FindableWal, place: TargetPlace, backups: readonly BaseBackup[]): Reachability {
  const chain = wal.chain(place.chainTimelineId);
  const known = backups.filter(isRestorable).filter((backup) => isOfCluster(wal, backup));
  const backup = known.findLast((one) => isSuitable(chain, place, one));
  const last = place.lastSegment;
  const wholeFrom = wholeUpTo(wal, chain, last);
  if (backup === undefined) {
    const verdict = known.length === 0 ? 'unknown' : 'noBackup';
    return { verdict, backup, holes: [], faulty: [], wholeFrom };
  }
  const first = segmentNumberOf(backup.begin.lsn, wal.map.walSegmentSize);
  const holes = wal.map.holes(chain, first, last);
  const faulty = faultyBetween(wal, chain, first, last);
  return { verdict: holes.length + faulty.length === 0 ? 'reachable' : 'broken', backup, holes, faulty, wholeFrom };
}

function isOfCluster({ systemIdentifier }: FindableWal, backup: RestorableBackup): boolean {
  return systemIdentifier === undefined || backup.systemIdentifier === undefined || backup.systemIdentifier === systemIdentifier;
}

/** Recovery may stop when the backup is consistent, which is at its end; where it ends, it must be on the way. */
function isSuitable(chain: TimelineChain, place: TargetPlace, { begin, end }: RestorableBackup): boolean {
  const stop = place.isReplayed ? place.endLsn : place.lsn;
  return end.lsn <= stop && chain.contains(begin.timelineId, begin.lsn) && chain.contains(end.timelineId, end.lsn);
}

function faultyBetween(wal: FindableWal, chain: TimelineChain, first: SegmentNumber, last: SegmentNumber): readonly string[] {
  const names = chain.pieces.flatMap((piece) => {
    const from = first > piece.firstSegment ? first : piece.firstSegment;
    const end = last + 1n < piece.endSegment ? ((last + 1n) as SegmentNumber) : piece.endSegment;
    const { timelineId } = piece;
    const there = wal.map.segmentsOf(piece).filter(({ segment }) => segment >= from && segment < end);
    const foundNow = there.filter(({ name }) => wal.scanner.faults.has(name) || wal.unreadable.has(name)).map(({ name }) => name);
    return [
      ...wal.index.faulty({ ...rangeOf(piece), first: from, end }).map((segment) => wal.nameOf(timelineId, segment)),
      ...foundNow,
    ];
  });
  return [...new Set(names)].toSorted();
}

/** The first of the segments in a row that end with the given one. */
function wholeUpTo(wal: FindableWal, chain: TimelineChain, last: SegmentNumber): string | undefined {
  const nameOf = (segment: SegmentNumber): string => wal.nameOf(chain.pieceOfSegment(segment).timelineId, segment);
  const first = wal.firstComplete(chain)?.segment ?? last;
  if (first > last) return nameOf(last);
  const breaks = [...wal.map.holes(chain, first, last).map((hole) => hole.last), ...faultyBetween(wal, chain, first, last)];
  const from = breaks
    .map((name) => wal.numberOf(name) + 1n)
    .reduce((greatest, one) => (one > greatest ? one : greatest), first as bigint);
  return from > last ? undefined : nameOf(from as SegmentNumber);
}
