/** Keeps the receiver of one server running, in this process: one that has ended is begun anew, and touches nobody else. */
import type { Logger } from '@walvault/wal';
import type { LiveServerConfig } from '../live-server-config.ts';
import { runReceiver } from '../receive-service.ts';
import { readReceiverState } from '../receiver-state.ts';
import { statePath } from '../server-paths.ts';
import { reportError } from '../state-publisher.ts';
import type { Duty } from './duty.ts';
import { keepAtWork } from './keep-at-work.ts';

/** What a receiver of `run` works with. */
export interface ReceiverDutyOptions {
  readonly live: LiveServerConfig;
  readonly duty: Duty;
  readonly stop: AbortSignal;
  readonly log: Logger;
}

/** Receives until it is stopped; then everything received is durable and reported. Never rejects. */
export async function keepReceiving({ live, duty, stop, log }: ReceiverDutyOptions): Promise<void> {
  if (!live.current.streamingArchiver) return duty.enter('off');
  let flushedBefore = await flushedLsn(live);
  const receive = (): Promise<void> =>
    runReceiver({
      server: live,
      stop,
      firstAttempt: 'retry',
      isThreadShared: true,
      logFile: live.current.logFile,
      log,
      onStreaming: () => duty.enter('working'),
      onWaiting: (trouble) => void duty.waitsFor(trouble),
    });
  await keepAtWork(receive, {
    stop,
    hasProgressed: async () => {
      const before = flushedBefore;
      flushedBefore = await flushedLsn(live);
      return flushedBefore !== before;
    },
    onEnded: (error, nextStartAt) => {
      const { code, message, hint } = reportError(error);
      const isNews = duty.ended(error, nextStartAt);
      const fields = { code, error: message, hint, nextStartAt: nextStartAt.toISOString() };
      log[isNews ? 'error' : 'debug'](fields, 'the receiver has ended; it is started again');
    },
  });
  duty.enter('off');
}

async function flushedLsn(live: LiveServerConfig): Promise<string | null | undefined> {
  const state = await readReceiverState(statePath(live.current)).catch(() => undefined);
  return state?.flushedLsn;
}
