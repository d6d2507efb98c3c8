/** What somebody wants to recover to, and where that lies in the WAL. Plain values. */
import type { Lsn, SegmentNumber, TimelineId, WalEvent, WalFault } from '@walvault/wal';
import type { WalHole } from '../wal-files/list-archive.ts';

/** A recovery target as PostgreSQL has it. */
export type RecoveryTarget =
  /** Microseconds since 1970, UTC. */
  | { readonly kind: 'time'; readonly time: bigint }
  | { readonly kind: 'lsn'; readonly lsn: Lsn }
  | { readonly kind: 'xid'; readonly xid: number }
  | { readonly kind: 'name'; readonly name: string };

/** A record at which recovery stops, on the way to one timeline. */
export interface TargetPlace {
  /** The timeline to recover to (`recovery_target_timeline`). */
  readonly chainTimelineId: TimelineId;
  /** The timeline that the record belongs to: that one or an ancestor. */
  readonly timelineId: TimelineId;
  /** Start of the record, and just behind it. */
  readonly lsn: Lsn;
  readonly endLsn: Lsn;
  /** What it says, if it is the end of a transaction or a restore point. */
  readonly event: WalEvent | undefined;
  /** Whether recovery replays it before it stops. */
  readonly isReplayed: boolean;
  /** Name of the file with its start. */
  readonly segmentName: string;
  /** The last segment that must be there. */
  readonly lastSegment: SegmentNumber;
  /** That one is incomplete: it is being received, or was the last one of its timeline. */
  readonly isInPartial: boolean;
  /** The last commit that is replayed; undefined when there is none in what is there. */
  readonly lastCommit: WalEvent | undefined;
}

/** How far the WAL of a timeline reaches. Times are microseconds since 1970. */
export interface WalReach {
  readonly timelineId: TimelineId;
  /** The first and the last complete segment on the way to it; undefined when there is none. */
  readonly first: string | undefined;
  readonly last: string | undefined;
  readonly endLsn: Lsn | undefined;
  readonly firstCommitTime: bigint | undefined;
  readonly lastCommitTime: bigint | undefined;
  /** The incomplete segment behind that. */
  readonly partial: { readonly name: string; readonly verifiedLsn: Lsn; readonly lastCommitTime: bigint | undefined } | undefined;
}

/** What a search on one timeline gives. */
export type ChainFinding =
  | { readonly kind: 'found'; readonly places: readonly TargetPlace[]; readonly clockSteps: readonly ClockStep[] }
  /** It would lie behind all WAL that is there. */
  | { readonly kind: 'beyond' }
  /** It would lie before it. */
  | { readonly kind: 'before' }
  /** It lies in WAL that is missing. */
  | { readonly kind: 'hole'; readonly hole: WalHole }
  /** It lies in a segment that is not right. */
  | { readonly kind: 'damaged'; readonly segmentName: string; readonly fault: WalFault }
  /** Nothing of it is in the WAL that is there. */
  | { readonly kind: 'absent' };

/** WAL that is later in order and has commits that are earlier in time: the clock of the server was set back. */
export interface ClockStep {
  /** Name of the segment with the earlier times. */
  readonly segmentName: string;
  /** The earliest commit in it. */
  readonly time: bigint;
}
