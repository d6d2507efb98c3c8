/** A server that is received from in this process and archived, all of which is well, for tests that break one thing at a time. */
import type { ServerConfig } from '@walvault/config';
import { type Cluster, fillSegments, startCluster, type StartClusterOptions } from '@walvault/testkit';
import { vi } from 'vitest';
import { archiveServer } from '../archive-server.ts';
import { type Configured, configured } from '../configured.test-support.ts';
import { runReceiver } from '../receive-service.ts';
import { createServerSlot } from '../slot-commands.ts';
import { checkServer } from './check-server.ts';

/** The section that receives from a cluster by the slot `barman`. */
export function sectionOf(pg: Cluster): string {
  return `conninfo = ${pg.conninfo()}\nstreaming_archiver = on\nslot_name = barman\n`;
}

/** A server with a receiver and an archive. */
export class CheckedWorld implements AsyncDisposable {
  readonly pg: Cluster;
  readonly fixture: Configured;
  #stop: (() => Promise<void>) | undefined;

  private constructor(pg: Cluster, fixture: Configured) {
    this.pg = pg;
    this.fixture = fixture;
  }

  /** Starts the cluster and the receiver, and archives some segments. */
  static async create(options: StartClusterOptions = {}): Promise<CheckedWorld> {
    const pg = await startCluster({ segmentSizeMb: 1, ...options });
    const world = new CheckedWorld(pg, await configured(sectionOf(pg)));
    await createServerSlot(world.server, new AbortController().signal);
    await world.receive();
    await fillSegments(pg, 4);
    await world.caughtUp();
    await world.archive();
    return world;
  }

  get server(): ServerConfig {
    return this.fixture.pg;
  }

  async receive(): Promise<void> {
    const stop = new AbortController();
    const started = Promise.withResolvers<unknown>();
    const ended = runReceiver({ server: this.server, stop: stop.signal, onStreaming: started.resolve, firstAttempt: 'retry' });
    ended.catch(started.reject);
    await started.promise;
    await this.#says('receive-wal running', 'ok');
    this.#stop = async () => {
      stop.abort();
      await ended;
      await this.pg.waitFor('select not active from pg_replication_slots where slot_name = $$barman$$');
    };
  }

  /** Ends the receiver in good order. */
  async stopReceiving(): Promise<void> {
    await this.#stop?.();
    this.#stop = undefined;
  }

  async archive(): Promise<void> {
    await archiveServer(this.server, { signal: new AbortController().signal });
  }

  /** Waits until nothing is missing here. */
  async caughtUp(): Promise<void> {
    await this.#says('receive lag', 'ok: nothing is missing');
  }

  async #says(name: string, words: string): Promise<void> {
    await vi.waitFor(
      async () => {
        const said = (await look(this.server)).get(name);
        if (said !== words) throw new Error(`${name}: ${said}`);
      },
      { timeout: 60_000 },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stopReceiving();
    await this.fixture[Symbol.asyncDispose]();
    await this.pg[Symbol.asyncDispose]();
  }
}

/** What the check of a server says: `ok`, or `failed: ` with the hint, by name and in order. */
export async function look(server: ServerConfig, timeoutMs?: number): Promise<ReadonlyMap<string, string>> {
  const results = await checkServer(server, { timeoutMs });
  return new Map(results.map(({ name, status, hint }) => [name, hint === '' ? status : `${status}: ${hint}`]));
}

/** Those that are not `ok`, without their hints. */
export function troubles(results: ReadonlyMap<string, string>): readonly string[] {
  return [...results].filter(([, said]) => !said.startsWith('ok')).map(([name]) => name);
}
