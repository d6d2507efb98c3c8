/** Counts the errors that receivers publish, by code: `receive-wal.json` has the last one alone, so somebody has to look on. */
import type { Collector } from '../collector/collector.ts';
import type { ServerSnapshot } from '../collector/server-snapshot.ts';
import type { ServerMetric } from './server-metric.ts';

/** Codes look like this; what does not is counted as {@link otherCode}, and so is what comes when a server has so many. */
const codeForm = /^ERR_[A-Z0-9_]{1,60}$/;
const mostCodes = 50;
const otherCode = 'other';

/** Looks on from when it is made until it is disposed of. What was published before does not count. */
export class ErrorCounts implements Disposable {
  readonly #counts = new Map<string, Map<string, number>>();
  /** Of each server, when its last error came. */
  readonly #last = new Map<string, string | undefined>();
  readonly #listening: Disposable;

  constructor(collector: Collector) {
    this.#listening = collector.listen((name, snapshot) => this.#look(name, snapshot));
  }

  /** How often each code has come, in the order of the first time. */
  of(server: string): ReadonlyMap<string, number> {
    return this.#counts.get(server) ?? new Map<string, number>();
  }

  [Symbol.dispose](): void {
    this.#listening[Symbol.dispose]();
  }

  #look(name: string, snapshot: ServerSnapshot | undefined): void {
    if (snapshot === undefined) {
      this.#counts.delete(name);
      this.#last.delete(name);
    }
    if (snapshot?.live === undefined) return;
    const error = snapshot.live.value.receiver.state?.lastError;
    const isFirstLook = !this.#last.has(name);
    const isNew = error != null && error.at !== this.#last.get(name);
    if (error != null || isFirstLook) this.#last.set(name, error?.at);
    if (isNew && !isFirstLook) this.#count(name, error.code);
  }

  #count(name: string, code: string): void {
    const counts = this.#counts.get(name) ?? new Map<string, number>();
    this.#counts.set(name, counts);
    const isKnown = counts.has(code) || (codeForm.test(code) && counts.size < mostCodes);
    const counted = isKnown ? code : otherCode;
    counts.set(counted, (counts.get(counted) ?? 0) + 1);
  }
}

/** The metric of these counts. */
export function errorMetric(counts: Pick<ErrorCounts, 'of'>): ServerMetric {
  return {
    name: 'walvault_errors_total',
    type: 'counter',
    help: 'Errors of the receiver since walvault-web-status began. It looks every 2 seconds, and sees the last error alone.',
    labels: { code: 'of the error, as `walvault explain` knows it; `other` for what is not one' },
    read: ({ snapshot: { server } }) => [...counts.of(server.name)].map(([code, value]) => ({ value, labels: { code } })),
  };
}
