/**
 * SIGINT and SIGTERM: the first one ends the program in good order, a second one at once.
 *
 * Who runs us by npm or a shell may send one Ctrl-C twice, so that what comes right behind the first does not count.
 */

const signals = { SIGINT: 2, SIGTERM: 15 } as const;
const echoMs = 500;

/**
 * How long a restore_command that was told to end may take for it, in milliseconds. A read from a file server that does not answer
 * cannot be broken off from inside, and its thread would keep an ordinary exit waiting.
 */
const restoringLeavesWithinMs = 1000;

/** Ends this process by a signal, which PostgreSQL does not take for the end of the archive either, when it has not ended by itself. */
export function leaveSoonAfter(stop: AbortSignal): void {
  stop.addEventListener('abort', () => {
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), restoringLeavesWithinMs).unref();
  });
}

/** Aborts `stop` at the first signal, and leaves the process at the second, as a program without a handler would. */
export function onStopSignals(stop: AbortController): void {
  let firstAtMs: number | undefined;
  for (const [signal, number] of Object.entries(signals)) {
    process.on(signal, () => {
      firstAtMs ??= performance.now();
      stop.abort(new DOMException(`${signal} received`, 'AbortError'));
      if (performance.now() - firstAtMs >= echoMs) process.exit(128 + number);
    });
  }
}
