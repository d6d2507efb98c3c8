/** What can be wrong with the question of find-target. */
import { type RetryAdvice, type TimelineId, WalvaultError } from '@walvault/wal';

/** Codes of a {@link FinderError}. */
export type FinderErrorCode =
  /** There is no WAL of the timeline that was asked for. `show-wal SERVER` shows which timelines there are. */
  'ERR_TIMELINE_UNKNOWN';

/** A question that has no answer. */
export class FinderError extends WalvaultError {
  readonly code: FinderErrorCode;
  readonly retry: RetryAdvice = 'fatal';

  constructor(code: FinderErrorCode, timelineId: TimelineId, known: readonly TimelineId[]) {
    super(`there is no WAL of timeline ${timelineId}`, {
      hint: `There is WAL of ${known.length === 1 ? 'timeline' : 'the timelines'} ${known.join(', ')}.`,
    });
    this.code = code;
  }
}
