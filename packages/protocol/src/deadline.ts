/** Work that must be done in a certain time: a part of connecting, or a command. */

/** How long work may take. */
export interface Deadline {
  /** The caller's own signal; the one that the work gets follows it. */
  readonly signal: AbortSignal;
  /** Milliseconds; 0 is for ever. */
  readonly limitMs: number;
  /** The reason of the abort when the time is over. */
  readonly expired: () => Error;
}

/**
 * Runs work with a signal that aborts when the time is over. After the work has ended that signal goes on following the caller's;
 * only the deadline is taken away.
 */
export async function withDeadline<T>(
  { signal, limitMs, expired }: Deadline,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  if (limitMs <= 0) return await work(signal);
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(expired()), limitMs);
  try {
    return await work(AbortSignal.any([signal, deadline.signal]));
  } finally {
    clearTimeout(timer);
  }
}
