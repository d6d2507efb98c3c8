/** What the receiver of a server is doing, by what it published and whether its process lives. */
import type { ReceiverObservation } from '@walvault/core/observing';
import type { ServerConfig } from '@walvault/core';
import type { ReceiverPhase } from '../schema/server-summary.ts';

/** See {@link ReceiverPhase}. */
export function receiverPhase(server: ServerConfig, { pid, state, stateError }: ReceiverObservation): ReceiverPhase {
  if (pid === undefined && !server.streamingArchiver) return 'off';
  if (stateError !== undefined) return 'unknown';
  if (state === undefined) return pid === undefined ? 'none' : 'starting';
  if (state.phase === 'stopped' || state.phase === 'failed') return pid === undefined ? state.phase : 'starting';
  if (pid === undefined) return 'dead';
  // Another process has the lock, and has not published anything yet.
  return pid === state.pid ? state.phase : 'starting';
}
