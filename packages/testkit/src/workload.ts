/**
 * Clients that commit rows and remember what the server acknowledged: the one thing an archive must never lose.
 *
 * Every client inserts rows with the ids 1, 2, 3, ... in transactions of their own. A commit whose answer never came, because the
 * server died or the connection broke, is unsure: it may be there after a recovery or not, and either is right.
 */
import { randomBytes } from 'node:crypto';
import { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { Cluster } from './cluster.ts';

/** What one client knows: all ids from 1 to `last` were acknowledged except the unsure ones. */
export interface AcknowledgedClient {
  readonly client: number;
  /** The highest acknowledged id, 0 before the first. */
  readonly last: number;
  /** Ids whose commit was sent and never answered. */
  readonly unsure: readonly number[];
}

/** What the server acknowledged to a workload. A plain value that survives JSON. */
export interface Acknowledged {
  readonly table: string;
  /** How many commits were acknowledged in all. */
  readonly count: number;
  readonly clients: readonly AcknowledgedClient[];
}

/** Options of {@link startWorkload}. */
export interface WorkloadOptions {
  /** Number of connections. Default 4. */
  readonly clients?: number | undefined;
  /** Random bytes in every row: 8000 make some MB of WAL a second. Default 100. */
  readonly rowBytes?: number | undefined;
  /** Name of the table, made if it is not there. Default `workload`. */
  readonly table?: string | undefined;
  /** Pause of each client between two commits. Default none. */
  readonly pauseMs?: number | undefined;
  /** Whether clients connect again after a failure; otherwise they stop at the first one. Default true. */
  readonly reconnect?: boolean | undefined;
  /** Called about every `progressIntervalMs` (default 1000) with the number of commits acknowledged so far. */
  readonly onProgress?: ((acknowledged: number) => void) | undefined;
  readonly progressIntervalMs?: number | undefined;
}

/** How long `stop` waits for commits under way before it breaks the connections. */
const stopGraceMs = 2000;

/** Makes the table and starts the clients. Disposing the workload stops it. */
export async function startWorkload(cluster: Cluster, options: WorkloadOptions = {}): Promise<Workload> {
  const table = options.table ?? 'workload';
  await cluster.query(`create table if not exists ${table} (client int, id bigint, payload bytea, primary key (client, id))`);
  return new Workload(cluster, { ...options, table });
}

/** A workload under way. */
export class Workload implements AsyncDisposable {
  readonly #table: string;
  readonly #committers: readonly Committer[];
  readonly #progress: NodeJS.Timeout | undefined;

  constructor(cluster: Cluster, options: WorkloadOptions & { readonly table: string }) {
    this.#table = options.table;
    this.#committers = Array.from({ length: options.clients ?? 4 }, (_, index) => new Committer(cluster, index + 1, options));
    const { onProgress, progressIntervalMs = 1000 } = options;
    if (onProgress !== undefined) this.#progress = setInterval(() => onProgress(this.acknowledged.count), progressIntervalMs);
  }

  /** What was acknowledged up to now. */
  get acknowledged(): Acknowledged {
    const clients = this.#committers.map((committer) => committer.acknowledged);
    const count = clients.reduce((sum, { last, unsure }) => sum + last - unsure.filter((id) => id <= last).length, 0);
    return { table: this.#table, count, clients };
  }

  /** The last failure of any client: expected while a server is down, worth a look when nothing gets through. */
  get lastError(): unknown {
    return this.#committers.findLast((committer) => committer.lastError !== undefined)?.lastError;
  }

  /** Waits until so many commits are acknowledged, counted from the start. */
  async reached(count: number, timeoutMs = 30_000): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (this.acknowledged.count < count) {
      if (performance.now() > deadline)
        throw new Error(`fewer than ${count} commits in ${timeoutMs} ms`, { cause: this.lastError });
      await sleep(5);
    }
  }

  /** Stops the clients and waits for them; a commit that is not answered for two seconds is left unsure. */
  async stop(): Promise<Acknowledged> {
    clearInterval(this.#progress);
    await Promise.all(this.#committers.map(async (committer) => committer.stop()));
    return this.acknowledged;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** One client: a loop of commits on a connection that it opens again when it breaks. */
class Committer {
  readonly #cluster: Cluster;
  readonly #client: number;
  readonly #options: WorkloadOptions & { readonly table: string };
  readonly #payloads: Buffer;
  readonly #unsure: number[] = [];
  readonly #stopping = new AbortController();
  readonly #loop: Promise<void>;
  #socket = new Socket();
  #last = 0;
  #next = 1;
  /** The last failure, if there was one. */
  lastError: unknown;

  constructor(cluster: Cluster, client: number, options: WorkloadOptions & { readonly table: string }) {
    this.#cluster = cluster;
    this.#client = client;
    this.#options = options;
    // Rows are windows of this, so that neighbours differ without the cost of new random bytes for each.
    this.#payloads = randomBytes(1_000_003 + (options.rowBytes ?? 100));
    this.#loop = this.#run();
  }

  get acknowledged(): AcknowledgedClient {
    return { client: this.#client, last: this.#last, unsure: [...this.#unsure] };
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    const timer = setTimeout(() => this.#socket.destroy(), stopGraceMs);
    await this.#loop;
    clearTimeout(timer);
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      try {
        await this.#commitUntilStopped();
      } catch (error) {
        this.lastError = error;
        if (this.#options.reconnect === false) return;
        await this.#pause(50);
      }
    }
  }

  async #commitUntilStopped(): Promise<void> {
    this.#socket = new Socket();
    const client = await this.#cluster.client({ stream: () => this.#socket });
    try {
      while (!this.#stopping.signal.aborted) {
        await this.#commit(client);
        if (this.#options.pauseMs !== undefined) await this.#pause(this.#options.pauseMs);
      }
      await client.end();
    } finally {
      this.#socket.destroy();
    }
  }

  async #commit(client: pg.Client): Promise<void> {
    const id = this.#next;
    this.#next += 1;
    const at = (id * 7919) % 1_000_003;
    const payload = this.#payloads.subarray(at, at + (this.#options.rowBytes ?? 100));
    try {
      await client.query({
        name: 'commit',
        text: `insert into ${this.#options.table} values ($1, $2, $3)`,
        values: [this.#client, id, payload],
      });
    } catch (error) {
      this.#unsure.push(id);
      throw error;
    }
    this.#last = id;
  }

  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
  }
}
