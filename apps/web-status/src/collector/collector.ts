/** Looks at all servers in the background, so that no request waits for a PostgreSQL server or for an archive. */
import { isDeepStrictEqual } from 'node:util';
import type { ServerConfig } from '@walvault/core';
import { Surveyor, type SurveyorOptions } from '../survey/surveyor.ts';
import { Lanes } from './lanes.ts';
import type { ServerSnapshot } from './server-snapshot.ts';
import { defaultPeriods, type Periods, ServerWatch, type SharedLanes } from './server-watch.ts';

/** Called with each new snapshot; undefined for a server that is not configured any more. */
export type SnapshotListener = (name: string, snapshot: ServerSnapshot | undefined) => void;

/** How many servers are looked at at the same time. */
const widths = { live: 16, inspection: 16, archive: 2 };

/** Runs from when it is made until it is disposed of. */
export class Collector implements Disposable {
  readonly #periods: Periods;
  readonly #surveyor: Surveyor;
  readonly #listeners = new Set<SnapshotListener>();
  readonly #watches = new Map<string, ServerWatch>();
  #order: readonly string[] = [];
  readonly #lanes: SharedLanes = {
    live: new Lanes(widths.live),
    inspection: new Lanes(widths.inspection),
    archive: new Lanes(widths.archive),
  };

  constructor(servers: readonly ServerConfig[], periods: Periods = defaultPeriods, surveying: SurveyorOptions = {}) {
    this.#periods = periods;
    this.#surveyor = new Surveyor(surveying);
    this.configure(servers);
  }

  /** The last snapshot of each server. */
  get snapshots(): readonly ServerSnapshot[] {
    return this.#order.flatMap((name) => this.#watches.get(name)?.snapshot ?? []);
  }

  /** That of one server; undefined when none of that name is configured. */
  snapshot(name: string): ServerSnapshot | undefined {
    return this.#watches.get(name)?.snapshot;
  }

  /** How many listen. */
  get listenerCount(): number {
    return this.#listeners.size;
  }

  /** Tells of new snapshots until what it returns is disposed of. A listener must not throw. */
  listen(listener: SnapshotListener): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => this.#listeners.delete(listener) };
  }

  /** From now on it is these servers. Those of which nothing has changed are looked at as before, all others anew. */
  configure(servers: readonly ServerConfig[]): void {
    const kept = new Set(servers.filter((server) => this.#isWatched(server)).map(({ name }) => name));
    const gone = this.#order.filter((name) => !servers.some((server) => server.name === name));
    for (const [name, watch] of this.#watches) {
      if (kept.has(name)) continue;
      watch[Symbol.dispose]();
      this.#watches.delete(name);
    }
    this.#order = servers.map(({ name }) => name);
    for (const name of gone) this.#tell(name, undefined);
    for (const server of servers) if (!kept.has(server.name)) this.#watch(server);
  }

  [Symbol.dispose](): void {
    for (const watch of this.#watches.values()) watch[Symbol.dispose]();
    this.#surveyor[Symbol.dispose]();
    this.#listeners.clear();
  }

  #isWatched(server: ServerConfig): boolean {
    const watched = this.#watches.get(server.name)?.snapshot.server;
    // Where an option was written counts for nothing.
    return watched !== undefined && isDeepStrictEqual({ ...watched, settings: undefined }, { ...server, settings: undefined });
  }

  #watch(server: ServerConfig): void {
    const onSnapshot = (snapshot: ServerSnapshot): void => this.#tell(server.name, snapshot);
    const options = { lanes: this.#lanes, periods: this.#periods, surveyor: this.#surveyor, onSnapshot };
    this.#watches.set(server.name, new ServerWatch(server, options));
  }

  #tell(name: string, snapshot: ServerSnapshot | undefined): void {
    for (const listener of this.#listeners) listener(name, snapshot);
  }
}
