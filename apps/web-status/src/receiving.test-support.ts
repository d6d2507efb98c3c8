/** A real server with a real receiver, and the HTTP server over both, for one test. */
import { fileURLToPath } from 'node:url';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { type Cluster, type RunningProgram, runAsServerUser, startAsServerUser, startCluster } from '@walvault/testkit';
import { History } from './history/history.ts';
import { buildApp } from './api/build-app.ts';
import { Collector } from './collector/collector.ts';
import { configured, type ConfiguredServers, type Sections } from './collector/configured.test-support.ts';
import type { ServerSummary } from './schema/server-summary.ts';

const walvault = fileURLToPath(new URL('../../cli/bin/walvault.js', import.meta.url));

/** Looks often, so that tests need not wait. */
export const quickly = { liveMs: 100, inspectionMs: 500, archiveMs: 500 };

/** The section that receives from a cluster by the slot `barman`. */
export function sectionFor(pg: Cluster): Sections[string] {
  return { conninfo: pg.conninfo(), streaming_archiver: 'on', slot_name: 'barman', create_slot: 'auto' };
}

/** All of it. */
export class Receiving implements AsyncDisposable {
  readonly pg: Cluster;
  readonly fixture: ConfiguredServers;
  readonly collector: Collector;
  readonly history: History;
  readonly app: FastifyInstance;
  #receiver: RunningProgram | undefined;

  private constructor(
    pg: Cluster,
    fixture: ConfiguredServers,
    { collector, history, app }: Pick<Receiving, 'collector' | 'history' | 'app'>,
  ) {
    this.pg = pg;
    this.fixture = fixture;
    this.collector = collector;
    this.history = history;
    this.app = app;
  }

  /**
   * Starts a receiver of a server, which is called `pg` and goes away with it; one that is made for it unless given.
   * @param options more of its section
   */
  static async start(pg?: Cluster, options: Sections[string] = {}): Promise<Receiving> {
    return Receiving.#startOver(pg ?? (await startCluster()), options);
  }

  static async #startOver(pg: Cluster, options: Sections[string]): Promise<Receiving> {
    const fixture = await configured({ pg: { ...sectionFor(pg), ...options } });
    const collector = new Collector(fixture.servers, quickly);
    const history = new History(fixture.path('..', 'status.sqlite'), collector, (error) => {
      throw error;
    });
    const app = await buildApp({ collector, history, log: pino({ level: 'silent' }) });
    const all = new Receiving(pg, fixture, { collector, history, app });
    await all.startReceiver();
    return all;
  }

  async startReceiver(): Promise<void> {
    this.#receiver = await startAsServerUser([
      process.execPath,
      walvault,
      '-c',
      this.fixture.configFile,
      'receive-wal',
      '--foreground',
      'pg',
    ]);
    await this.pg.waitFor(`select count(*) = 1 from pg_stat_replication where state = 'streaming'`);
  }

  /** Ends it by a signal, and waits for its end. */
  async endReceiver(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    this.#receiver?.signal(signal);
    await this.#receiver?.exited;
    this.#receiver = undefined;
  }

  /** Runs walvault to its end. */
  async walvault(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await runAsServerUser([process.execPath, walvault, '-c', this.fixture.configFile, ...args]);
    if (code !== 0) throw new Error(`walvault ${args.join(' ')} ended with ${code}:\n${stdout}${stderr}`);
    return stdout;
  }

  /** JSON of a route below `/api/v1`. */
  async get(path: string): Promise<unknown> {
    return (await this.app.inject(`/api/v1${path}`)).json();
  }

  /** The summary of the server as of now. */
  async summary(): Promise<ServerSummary> {
    const [summary] = ((await this.get('/servers')) as { readonly servers: readonly ServerSummary[] }).servers;
    if (summary === undefined) throw new Error('there is no server');
    return summary;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.app.close();
    this.collector[Symbol.dispose]();
    this.history[Symbol.dispose]();
    await this.endReceiver('SIGKILL');
    await this.pg[Symbol.asyncDispose]();
    await this.fixture[Symbol.asyncDispose]();
  }
}
