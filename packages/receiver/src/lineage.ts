/**
 * Where WAL that was received goes on on a server whose timelines may have gone another way meanwhile.
 *
 *   ours     1 ------- S2 ---- here          The two agree up to the first point where one of them left a timeline and
 *   server   1 --- S1 ------------ 3         the other did not. What was received behind it is not in the server's
 *                  ^ goes on here            history: it stays on disk under the names of its own timeline.
 *
 * Pure. A lineage is what a history file tells (access/transam/timeline.c).
 */
import { type Lsn, type TimelineId, type TimelineSwitch } from '@walvault/wal';

/** A timeline of a lineage, and where it was left; the last one has no end. */
export interface LineageStep {
  readonly timelineId: TimelineId;
  readonly endLsn: Lsn | undefined;
}

/** A timeline behind its ancestors, oldest first. Never empty. */
export type Lineage = readonly LineageStep[];

/** A place in the history of the server. */
export interface Continuation {
  readonly timelineId: TimelineId;
  readonly lsn: Lsn;
  /** Where the server's history left the one that was received; undefined when nothing was received behind that. */
  readonly divergedAt: Lsn | undefined;
}

/** The lineage that ends in `timelineId`, from its history file. */
export function lineageOf(timelineId: TimelineId, switches: readonly TimelineSwitch[]): Lineage {
  return [
    ...switches.map((step) => ({ timelineId: step.timelineId, endLsn: step.switchLsn })),
    { timelineId, endLsn: undefined },
  ];
}

/** The last timeline of a lineage. */
export function tipOf(lineage: Lineage): TimelineId {
  return (lineage.at(-1) as LineageStep).timelineId;
}

/** The timeline that the byte at `lsn` belongs to (tliOfPointInHistory). */
export function timelineAt(lineage: Lineage, lsn: Lsn): TimelineId {
  const step = lineage.find(({ endLsn }) => endLsn !== undefined && lsn < endLsn);
  return step?.timelineId ?? tipOf(lineage);
}

/** Whether WAL of a timeline that begins at `lsn` belongs to a lineage. */
export function isInLineage(lineage: Lineage, timelineId: TimelineId, lsn: Lsn): boolean {
  const step = lineage.find((candidate) => candidate.timelineId === timelineId);
  return step !== undefined && (step.endLsn === undefined || lsn < step.endLsn);
}

/** The timeline that a segment is read from by who goes along a lineage: the later one where two meet in it. `endLsn` is the segment's. */
export function timelineOfSegment(lineage: Lineage, endLsn: Lsn): TimelineId {
  const step = lineage.find((candidate) => candidate.endLsn === undefined || candidate.endLsn >= endLsn);
  return (step as LineageStep).timelineId;
}

/**
 * Where WAL that was received along `ours` up to `lsn` goes on on the server. Undefined when the server's history does not
 * lead on from it: there is no timeline in common, the server stands on an ancestor of ours, or one number stands for two
 * different timelines, whose segments would have the same names.
 */
export function continuationOn(server: Lineage, ours: Lineage, lsn: Lsn): Continuation | undefined {
  const fork = ours.findIndex((step, index) => !isSameStep(step, server[index]));
  const [mine, theirs] = [ours[fork], server[fork]];
  if (mine === undefined || theirs === undefined) return undefined;
  if (mine.timelineId !== theirs.timelineId) return branchAt(ours[fork - 1]?.endLsn, server.slice(fork), ours);
  const reached = mine.endLsn ?? lsn;
  const later = server.slice(fork + 1);
  if (theirs.endLsn === undefined || reached <= theirs.endLsn) {
    if (mine.endLsn === undefined) return { timelineId: mine.timelineId, lsn, divergedAt: undefined };
    // we left it, and the server went on; or it stands there and has nothing behind it
    return branchAt(reached, later, ours) && { timelineId: theirs.timelineId, lsn: reached, divergedAt: reached };
  }
  return branchAt(theirs.endLsn, later, ours);
}

/** Leaves our way for the timelines of the server, unless the number of one of them is that of another one of ours. */
function branchAt(lsn: Lsn | undefined, theirs: Lineage, ours: Lineage): Continuation | undefined {
  const next = theirs[0];
  if (lsn === undefined || next === undefined) return undefined;
  if (theirs.some((step) => ours.some((other) => other.timelineId === step.timelineId))) return undefined;
  return { timelineId: next.timelineId, lsn, divergedAt: lsn };
}

/** Whether both went along a timeline to the same end, and left it. */
function isSameStep(mine: LineageStep, theirs: LineageStep | undefined): boolean {
  return (
    theirs !== undefined && mine.endLsn !== undefined && mine.timelineId === theirs.timelineId && mine.endLsn === theirs.endLsn
  );
}
