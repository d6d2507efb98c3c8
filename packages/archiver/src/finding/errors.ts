/** What can be wrong with the question of find-target. */
import { type RetryAdvice, type TimelineId, WalvaultError } from '@walvault/wal';

/** Codes of a {@link FinderError}. */
export type FinderErrorCode =
  /**
   * There is no WAL of the timeline that was asked for.
   *
   * @why The number is wrong, or the timeline is that of a server that never archived here.
   * @do Take one of those that `walvault show-wal SERVER` shows.
   * @retry fatal
   */
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
