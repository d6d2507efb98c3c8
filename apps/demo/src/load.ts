/**
 * The work of the server: clients that remember every acknowledged commit, and beside them rows in bulk, so that segments fill
 * up quickly.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Acknowledged, bulkLoad, type Cluster, startWorkload, type Workload } from '@walvault/testkit';

const clients = 6;
const bulkMegabytes = 4;
const bulkPauseMs = 400;
/** How long `stop` waits for a bulk load under way: for ever, if it hung in a commit that nobody confirms. */
const bulkPatienceMs = 5000;

/** Starts the work. */
export async function startLoad(pg: Cluster): Promise<Load> {
  return new Load(pg, await startWorkload(pg, { clients, rowBytes: 500, reconnect: false }));
}

/** Work under way; disposing it stops it. */
export class Load implements AsyncDisposable {
  static readonly clients: number = clients;
  readonly #workload: Workload;
  readonly #over = new AbortController();
  readonly #bulk: Promise<void>;
  #bulkFailure: unknown;

  constructor(pg: Cluster, workload: Workload) {
    this.#workload = workload;
    this.#bulk = this.#fill(pg);
  }

  /** Commits acknowledged so far. */
  get commits(): number {
    return this.#workload.acknowledged.count;
  }

  /**
   * Must be called while the server is meant to be up.
   * @throws {Error} when a client has failed
   */
  mustBeWell(): void {
    const cause = this.#workload.lastError ?? this.#bulkFailure;
    if (cause === undefined) return;
    throw new Error(`a client failed although the server runs: ${cause instanceof Error ? cause.message : 'no reason given'}`, {
      cause,
    });
  }

  /** Stops the clients; what they know to be committed. */
  async stop(): Promise<Acknowledged> {
    this.#over.abort();
    const bulk = Promise.race([this.#bulk, sleep(bulkPatienceMs, undefined, { ref: false })]);
    const [acknowledged] = await Promise.all([this.#workload.stop(), bulk]);
    return acknowledged;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #fill(pg: Cluster): Promise<void> {
    while (!this.#over.signal.aborted) {
      try {
        await bulkLoad(pg, bulkMegabytes);
        await sleep(bulkPauseMs, undefined, { signal: this.#over.signal });
      } catch (error) {
        // The death of the server, which is the point of the demo, or a failure before it, which `mustBeWell` reports.
        if (!this.#over.signal.aborted) this.#bulkFailure = error;
        return;
      }
    }
  }
}
