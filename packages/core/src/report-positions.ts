/** How far a receiver is, as its state shows it. */
import type { Positions } from '@walvault/receiver';
import { formatLsn, type Lsn } from '@walvault/wal';
import type { ReceiverState } from './receiver-state.ts';

type Reached = Pick<
  ReceiverState,
  'timelineId' | 'writtenLsn' | 'verifiedLsn' | 'flushedLsn' | 'acknowledgedLsn' | 'serverLsn' | 'lastMessageAt'
>;

/** How far the stream is; before the first one, how far an earlier process was: that is still here, whether the server answers or not. */
export function reportPositions(positions: Positions | undefined, before: Reached | undefined): Reached {
  if (positions === undefined) {
    return {
      timelineId: before?.timelineId ?? null,
      writtenLsn: before?.writtenLsn ?? null,
      verifiedLsn: before?.verifiedLsn ?? null,
      flushedLsn: before?.flushedLsn ?? null,
      acknowledgedLsn: before?.acknowledgedLsn ?? null,
      serverLsn: null,
      lastMessageAt: before?.lastMessageAt ?? null,
    };
  }
  return {
    timelineId: positions.timelineId,
    writtenLsn: formatLsn(positions.writtenLsn),
    verifiedLsn: formatLsn(positions.verifiedLsn),
    flushedLsn: formatLsn(positions.flushedLsn),
    acknowledgedLsn: formatLsn(positions.acknowledgedLsn),
    serverLsn: lsnText(positions.serverLsn),
    lastMessageAt: timeText(positions.lastMessageAtMs),
  };
}

function lsnText(lsn: Lsn | undefined): string | null {
  return lsn === undefined ? null : formatLsn(lsn);
}

/** 0 stands for never. */
export function timeText(ms: number): string | null {
  return ms === 0 ? null : new Date(ms).toISOString();
}
