/** What a receiver does about an error: the one place that decides between trying again and giving up. Pure. */
import { WalvaultError } from '@walvault/wal';

/** `retry` after a wait, `fatal` ends the receiver, `stopped` means that it was told to end. */
export type FailureClass = 'retry' | 'fatal' | 'stopped';

/**
 * Classifies what a stream ended with. Errors of ours carry their own advice; anything else is a defect in walvault
 * or in a library, and is not tried again with somebody's data.
 */
export function classifyFailure(error: unknown, stop: AbortSignal): FailureClass {
  if (stop.aborted && (error === stop.reason || (error instanceof Error && error.name === 'AbortError'))) return 'stopped';
  return WalvaultError.is(error) ? error.retry : 'fatal';
}
