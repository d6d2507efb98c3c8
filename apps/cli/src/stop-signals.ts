/**
 * SIGINT and SIGTERM: the first one ends the program in good order, a second one at once.
 *
 * Who runs us by npm or a shell may send one Ctrl-C twice, so that what comes right behind the first does not count.
 */

const signals = { SIGINT: 2, SIGTERM: 15 } as const;
const echoMs = 500;

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
