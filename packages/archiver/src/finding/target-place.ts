/** A record as the place at which a recovery stops. */
import { type Lsn, segmentNumberOf, type WalEvent } from '@walvault/wal';
import { type FindableWal, segmentOfEnd } from './findable-wal.ts';
import type { TargetPlace } from './recovery-target.ts';
import type { TimelineChain } from './timeline-chain.ts';

/** What is known of it besides where it lies. */
export interface PlaceDetails {
  readonly event?: WalEvent | undefined;
  readonly isReplayed: boolean;
  readonly lastCommit: WalEvent | undefined;
}

/** Makes the place of a record on a chain; an event is its own. */
export function placeOf(
  wal: FindableWal,
  chain: TimelineChain,
  record: { readonly lsn: Lsn; readonly endLsn: Lsn } | WalEvent,
  details: PlaceDetails,
): TargetPlace {
  const { lsn, endLsn } = record;
  const size = wal.map.walSegmentSize;
  const segment = segmentNumberOf(lsn, size);
  const lastSegment = segmentOfEnd(endLsn, size);
  return {
    chainTimelineId: chain.timelineId,
    timelineId: chain.pieceAt(lsn).timelineId,
    lsn,
    endLsn,
    event: 'kind' in record ? record : details.event,
    isReplayed: details.isReplayed,
    segmentName: wal.nameOf(chain.pieceOfSegment(segment).timelineId, segment),
    lastSegment,
    isInPartial: wal.map.file(chain.pieceOfSegment(lastSegment).timelineId, lastSegment)?.isPartial ?? false,
    lastCommit: details.lastCommit,
  };
}
