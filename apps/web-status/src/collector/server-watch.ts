/**
 * Looks at one server again and again, in three rounds that do not wait for each other: the files that its processes publish, the server
 * itself with the checks, and the archive.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerConfig } from '@walvault/core';
import { inspectServer } from '@walvault/core/checking';
import { isReportedError, newestArchived, reportError } from '@walvault/core/observing';
import type { Lanes } from './lanes.ts';
import { liveSample } from './live-sample.ts';
import type { Surveyor } from '../survey/surveyor.ts';
import type { ServerSnapshot } from './server-snapshot.ts';

/** How often what is looked at, in milliseconds. */
export interface Periods {
  readonly liveMs: number;
  readonly inspectionMs: number;
  readonly archiveMs: number;
}

/** As the documentation says. */
export const defaultPeriods: Periods = { liveMs: 2000, inspectionMs: 15_000, archiveMs: 60_000 };

/** What all servers share. */
export interface SharedLanes {
  readonly live: Lanes;
  readonly inspection: Lanes;
  readonly archive: Lanes;
}

/** What a watch needs. */
export interface ServerWatchOptions {
  readonly surveyor: Surveyor;
  readonly lanes: SharedLanes;
  readonly periods: Periods;
  readonly onSnapshot: (snapshot: ServerSnapshot) => void;
}

/** So long one server may be asked for a check. */
const inspectionTimeoutMs = 10_000;

/** Runs from when it is made until it is disposed of. */
export class ServerWatch implements Disposable {
  readonly #options: ServerWatchOptions;
  readonly #stop = new AbortController();
  #snapshot: ServerSnapshot;
  #wakeInspection = new AbortController();
  #wakeArchive = new AbortController();

  constructor(server: ServerConfig, options: ServerWatchOptions) {
    this.#options = options;
    this.#snapshot = Object.freeze({ server, live: undefined, inspection: undefined, archive: undefined, index: undefined });
    const { lanes, periods } = options;
    void this.#every(
      () => periods.liveMs,
      undefined,
      async () => lanes.live.run(server.name, async () => this.#lookAtReceiver()),
    );
    void this.#every(
      () => periods.inspectionMs,
      () => this.#wakeInspection,
      async () => lanes.inspection.run(server.name, async () => this.#inspect()),
    );
    void this.#every(
      () => periods.archiveMs,
      () => this.#wakeArchive,
      async () => lanes.archive.run(server.name, async () => this.#survey()),
    );
  }

  get snapshot(): ServerSnapshot {
    return this.#snapshot;
  }

  [Symbol.dispose](): void {
    this.#stop.abort();
    this.#wakeInspection.abort();
    this.#wakeArchive.abort();
    this.#snapshot.index?.[Symbol.dispose]();
  }

  /** Work and pause until the end. The work does not reject: what stands in its way is what it has found out. */
  async #every(periodMs: () => number, alarm: (() => AbortController) | undefined, work: () => Promise<void>): Promise<void> {
    // The first pause has any length, so that many servers are not looked at all together for ever.
    for (let share = Math.random(); !this.#stop.signal.aborted; share = 1) {
      await work();
      const woken = alarm?.().signal ?? this.#stop.signal;
      await sleep(share * periodMs(), undefined, { signal: AbortSignal.any([this.#stop.signal, woken]) }).catch(() => undefined);
    }
  }

  async #lookAtReceiver(): Promise<void> {
    const { server, live } = this.#snapshot;
    const value = await liveSample(server);
    const { receiver } = value;
    this.#take({ live: { at: Date.now(), value } });
    const before = live?.value.receiver;
    // What the checks said of a receiver that has come or gone is out of date.
    if (before !== undefined && (before.pid !== receiver.pid || before.state?.phase !== receiver.state?.phase))
      this.#inspectSoon();
  }

  async #inspect(): Promise<void> {
    const { server, inspection } = this.#snapshot;
    const timeoutMs = server.checkTimeoutMs === 0 ? inspectionTimeoutMs : Math.min(server.checkTimeoutMs, inspectionTimeoutMs);
    const value = await inspectServer(server, { timeoutMs }).catch((error: unknown) => ({
      facts: undefined,
      results: [{ name: 'check', status: 'failed' as const, hint: reportError(error).message, numbers: {}, isOurs: true }],
    }));
    this.#take({ inspection: { at: Date.now(), value } });
    const newest = (facts: typeof value.facts): string | undefined => facts && newestArchived(facts.files.archive);
    if (newest(inspection?.value.facts) !== newest(value.facts)) this.#surveySoon();
  }

  async #survey(): Promise<void> {
    const { server, index: before } = this.#snapshot;
    const found = await this.#options.surveyor.survey(server, () => this.#surveySoon());
    const index = isReportedError(found) ? undefined : found;
    if (this.#stop.signal.aborted) {
      index?.[Symbol.dispose]();
      return;
    }
    this.#take({ archive: { at: Date.now(), value: isReportedError(found) ? found : found.survey }, index });
    before?.[Symbol.dispose]();
  }

  #inspectSoon(): void {
    this.#wakeInspection.abort();
    this.#wakeInspection = new AbortController();
  }

  #surveySoon(): void {
    this.#wakeArchive.abort();
    this.#wakeArchive = new AbortController();
  }

  #take(part: Partial<ServerSnapshot>): void {
    if (this.#stop.signal.aborted) return;
    this.#snapshot = Object.freeze({ ...this.#snapshot, ...part });
    this.#options.onSnapshot(this.#snapshot);
  }
}
