/**
 * What a receiver does about an error: the one place that decides between trying again, soon or slowly, and giving up. Pure.
 *
 * A receiver that is gone because somebody mistyped a password on the server at night is worse than one that asks once a
 * minute and shows why. So it gives up only about what lies on this side: the disk, the files, the configuration, a defect.
 * Whether the first attempt may fail at all is for who started it to say.
 */
import { ServerError } from '@walvault/protocol';
import { WalvaultError } from '@walvault/wal';

/**
 * - `retry`: it may pass by itself; tried again soon.
 * - `operator`: somebody has to do something on the server or between; tried again slowly, so that it goes on by itself then.
 * - `fatal`: ends the receiver.
 * - `stopped`: it was told to end.
 */
export type FailureClass = 'retry' | 'operator' | 'fatal' | 'stopped';

/**
 * Errors that say `fatal` for one attempt, but whose reason is at the other end. An SQLSTATE that does not help by itself is among
 * them (`ERR_SERVER`): 42501 (no REPLICATION privilege), 42704 (no slot), 58P01 (removed WAL), 53400 (no free slot), 3D000, 08P01.
 */
const forTheOperator: ReadonlySet<string> = new Set([
  'ERR_AUTHENTICATION', // 28P01, 28000
  'ERR_TLS',
  'ERR_SERVER',
  'ERR_UNSUPPORTED_SERVER',
  'ERR_PROTOCOL_VIOLATION',
  'ERR_OTHER_CLUSTER',
  'ERR_TIMELINE_NOT_IN_HISTORY',
  'ERR_TIMELINE_SWITCH',
  'ERR_WAL_PAGE',
  'ERR_WAL_RECORD',
  'ERR_WAL_FILE_FOREIGN',
  'ERR_SLOT_UNUSABLE',
  'ERR_SLOT_MISSING',
  'ERR_SLOT_EXISTS',
  'ERR_SLOTS_EXHAUSTED',
  'ERR_SLOT_WRONG_TYPE',
  'ERR_WAL_REMOVED',
]);

/** From what decides most to what decides least. */
const weight: readonly FailureClass[] = ['fatal', 'stopped', 'operator', 'retry'];

/** Classifies what a stream ended with. Errors of ours carry their own advice; anything else is a defect, and is not tried again with somebody's data. */
export function classifyFailure(error: unknown, stop: AbortSignal): FailureClass {
  return classify(decisiveError(error, stop), stop);
}

/**
 * The error that decides, of all that came together: leaving an `await using` block by an error can fail too, and then both are in a
 * SuppressedError. Of equal ones the first that happened.
 */
export function decisiveError(error: unknown, stop: AbortSignal): unknown {
  return innerErrors(error)
    .map((inner) => ({ inner, rank: weight.indexOf(classify(inner, stop)) }))
    .reduce((first, next) => (next.rank < first.rank ? next : first)).inner;
}

/** In the order in which they happened. Never empty. */
function innerErrors(error: unknown): readonly [unknown, ...unknown[]] {
  if (!(error instanceof SuppressedError)) return [error];
  return [...innerErrors(error.suppressed), ...innerErrors(error.error)];
}

function classify(error: unknown, stop: AbortSignal): FailureClass {
  if (stop.aborted && (error === stop.reason || (error instanceof Error && error.name === 'AbortError'))) return 'stopped';
  if (!WalvaultError.is(error)) return 'fatal';
  if (error.retry === 'retry') return 'retry';
  return forTheOperator.has(error.code) ? 'operator' : 'fatal';
}

/** Whether the server itself has said no to something, so that what a stream stands on must be looked at again. */
export function isRefusal(error: unknown): boolean {
  return error instanceof ServerError || (WalvaultError.is(error) && forTheOperator.has(error.code));
}
