/** restore-wal for a server: the answer for PostgreSQL's restore_command, with patience for trouble that passes. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type RestoreOutcome, restoreWal } from '@walvault/archiver/reading';
import type { ServerConfig } from '@walvault/config';
import type { Logger } from '@walvault/wal';
import { backoffMs } from './backoff.ts';
import { readOptions } from './server-wal.ts';
import { isFullAt, isTransientTrouble } from './transient-trouble.ts';

/** What is to be restored. */
export interface RestoreRequest {
  /** `%f` */
  readonly name: string;
  /** `%p`, relative to the working directory. */
  readonly destination: string;
  /** Take the partial segment when there is no complete one. */
  readonly partial: boolean;
  /** Whether each record is checked; false is for somebody who wants what is before damage that is known. */
  readonly verify: boolean;
  /** How long to try again in trouble that may pass, in milliseconds; 0 for not at all. */
  readonly retryForMs: number;
}

/** Who is told what, and who says when to stop. */
export interface RestoreSurroundings {
  readonly signal: AbortSignal;
  readonly log?: Logger | undefined;
  /** Called before each wait, with the trouble that is waited out. */
  readonly onRetry: (error: Error) => void;
  /** Called when there is no room at the destination, before the next attempt: what was prefetched there can go. */
  readonly onFull: () => Promise<void>;
}

/** The longest wait between two attempts. The store that is back should not be waited for. */
const longestWaitMs = 2000;

/**
 * Hands a WAL file to a recovering server; see `restoreWal` for what `absent` means and what is thrown, and when at once. What may
 * pass (see `isTransientTrouble`) is thrown when it has lasted for `retryForMs`.
 * @throws the reason of `signal` when that is aborted
 */
export async function restoreServerWal(
  server: ServerConfig,
  request: RestoreRequest,
  surroundings: RestoreSurroundings,
): Promise<RestoreOutcome> {
  const { name, destination, partial, verify, retryForMs } = request;
  const { signal, log, onRetry, onFull } = surroundings;
  const deadline = performance.now() + retryForMs;
  for (let failures = 1; ; failures += 1) {
    try {
      const options = { ...(await readOptions(server)), log, signal, verify };
      return await restoreWal(options, name, destination, { partial });
    } catch (error) {
      signal.throwIfAborted();
      const waitMs = Math.min(longestWaitMs, backoffMs(failures, Math.random()));
      if (!isTransientTrouble(error, destination) || performance.now() + waitMs > deadline) throw error;
      if (isFullAt(error, destination)) await onFull();
      onRetry(error as Error);
      await sleep(waitMs, undefined, { signal });
    }
  }
}
