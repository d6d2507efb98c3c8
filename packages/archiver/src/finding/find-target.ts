/** Finds a recovery target in the WAL of a server: on one timeline, or on the newest and on what was left behind by others. */
import type { TimelineId } from '@walvault/wal';
import { FinderError } from './errors.ts';
import { findByLsn } from './find-by-lsn.ts';
import { findByName, findByXid } from './find-by-record.ts';
import { findByTime } from './find-by-time.ts';
import { endOf, type FindableWal, isCommit, rangeOf } from './findable-wal.ts';
import type { ChainFinding, ClockStep, RecoveryTarget, TargetPlace, WalReach } from './recovery-target.ts';
import type { TimelineChain } from './timeline-chain.ts';

/** What to look for. */
export interface FindRequest {
  readonly target: RecoveryTarget;
  /** Look at the way to this timeline only; the newest one and all others unless given. */
  readonly timelineId?: TimelineId | undefined;
  /** Whether the target itself is to be replayed, as `recovery_target_inclusive`. */
  readonly inclusive: boolean;
}

/** What was found. */
export interface TargetFinding {
  /** What there is on the timeline that was looked at first: the one that was asked for, or the newest. */
  readonly finding: ChainFinding;
  /** The place that is meant: on that timeline the latest one, or else the latest on any other. */
  readonly place: TargetPlace | undefined;
  /** Other places that could be meant as well. */
  readonly others: readonly TargetPlace[];
  readonly clockSteps: readonly ClockStep[];
  readonly reach: WalReach;
}

/**
 * Finds a target.
 * @throws {FinderError} `ERR_TIMELINE_UNKNOWN` when there is no WAL of the timeline
 * @throws what reading WAL throws
 */
export async function findTarget(wal: FindableWal, request: FindRequest): Promise<TargetFinding> {
  const { timelineId } = request;
  if (timelineId !== undefined && !wal.map.timelineIds.includes(timelineId))
    throw new FinderError('ERR_TIMELINE_UNKNOWN', timelineId, wal.map.timelineIds);
  const chain = wal.chain(timelineId ?? wal.newestTimeline);
  const finding = await findOn(wal, chain, request);
  const own = finding.kind === 'found' ? finding.places : [];
  const elsewhere = timelineId === undefined ? await findElsewhere(wal, chain, request) : [];
  const place = own.at(-1) ?? elsewhere.at(-1);
  return {
    finding,
    place,
    others: [...own, ...elsewhere].filter((other) => other !== place),
    clockSteps: finding.kind === 'found' ? finding.clockSteps : [],
    reach: await reachOf(wal, chain),
  };
}

async function findOn(wal: FindableWal, chain: TimelineChain, { target, inclusive }: FindRequest): Promise<ChainFinding> {
  switch (target.kind) {
    case 'time':
      return findByTime(wal, chain, target.time, inclusive);
    case 'lsn':
      return findByLsn(wal, chain, target.lsn, inclusive);
    case 'xid':
      return findByXid(wal, chain, target.xid, inclusive);
    case 'name':
      return findByName(wal, chain, target.name);
  }
}

/** Places in WAL that other timelines have written and the given one did not come from. */
async function findElsewhere(wal: FindableWal, chain: TimelineChain, request: FindRequest): Promise<readonly TargetPlace[]> {
  const places: TargetPlace[] = [];
  for (const timelineId of wal.map.timelineIds) {
    if (timelineId === chain.timelineId || !hasMore(wal, chain, timelineId)) continue;
    const finding = await findOn(wal, wal.chain(timelineId), request);
    if (finding.kind !== 'found') continue;
    const news = finding.places.filter(
      (place) => !chain.contains(place.timelineId, place.endLsn) && !places.some((known) => isSame(known, place)),
    );
    places.push(...news);
  }
  return places;
}

/** Whether there is WAL of a timeline that is not on the way: of an ancestor only what it wrote behind the place where it was left. */
function hasMore(wal: FindableWal, chain: TimelineChain, timelineId: TimelineId): boolean {
  const piece = chain.pieces.find((one) => one.timelineId === timelineId);
  return piece === undefined || wal.map.reaches(timelineId, piece.endSegment);
}

function isSame(one: TargetPlace, other: TargetPlace): boolean {
  return one.timelineId === other.timelineId && one.lsn === other.lsn;
}

/** How far the WAL of a chain reaches. */
async function reachOf(wal: FindableWal, chain: TimelineChain): Promise<WalReach> {
  const last = wal.lastComplete(chain);
  const times = chain.pieces.map((piece) => wal.index.commitTimes(rangeOf(piece))).filter((found) => found !== undefined);
  return {
    timelineId: chain.timelineId,
    first: wal.firstComplete(chain)?.name,
    last: last?.name,
    endLsn: last === undefined ? undefined : endOf(last, wal.map.walSegmentSize),
    firstCommitTime: extreme(
      times.map((time) => time.first),
      (one, other) => one < other,
    ),
    lastCommitTime: extreme(
      times.map((time) => time.last),
      (one, other) => one > other,
    ),
    partial: await partialReach(wal, chain),
  };
}

async function partialReach(wal: FindableWal, chain: TimelineChain): Promise<WalReach['partial']> {
  const file = wal.partialEnd(chain);
  if (file === undefined) return undefined;
  let lastCommitTime: bigint | undefined;
  const end = await wal.scanner.scan(chain, file.segment, {
    onEvent: (event) => {
      if (isCommit(event)) lastCommitTime = event.time;
    },
  });
  return end === undefined ? undefined : { name: file.name, verifiedLsn: end.verifiedLsn, lastCommitTime };
}

function extreme(times: readonly bigint[], isBetter: (one: bigint, other: bigint) => boolean): bigint | undefined {
  return times.reduce<bigint | undefined>((best, time) => (best === undefined || isBetter(time, best) ? time : best), undefined);
}
