/** Looks at the receiver of a server: a few small files, so that it can be done every other second for many servers. Changes nothing. */
import type { ServerConfig } from '@walvault/config';
import { type RecordedHole, readHoles } from '../holes.ts';
import { isReportedError, readWholeReceiverState, type ReceiverState, type ReportedError } from '../receiver-state.ts';
import { holesPath, statePath } from '../server-paths.ts';
import { reportError } from '../state-publisher.ts';
import { pidOf } from '../stop-task.ts';

/** What a receiver says of itself. */
export interface ReceiverObservation {
  /** PID of the receiver that runs. */
  readonly pid: number | undefined;
  /** What the receiver published last, whether it still runs or not; undefined when none ever has, or it cannot be read. */
  readonly state: ReceiverState | undefined;
  /** Why there is no state, where there is a file. */
  readonly stateError: ReportedError | undefined;
  /** The holes on record, resolved or not. */
  readonly holes: readonly RecordedHole[] | ReportedError;
}

/** Looks. Never rejects: what stands in the way is in the answer. */
export async function observeReceiver(server: ServerConfig): Promise<ReceiverObservation> {
  const [pid, state, holes] = await Promise.all([
    pidOf(server, 'receive-wal').catch(() => undefined),
    readWholeReceiverState(statePath(server)).catch(reportError),
    readHoles(holesPath(server)).catch(reportError),
  ]);
  if (state !== undefined && isReportedError(state)) return { pid, state: undefined, stateError: state, holes };
  return { pid, state, stateError: undefined, holes };
}
