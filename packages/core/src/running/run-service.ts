/**
 * `run`: everything that is to be done for WAL, for many servers in one process, without cron.
 *
 *   RunService -> ServedServer (lock, state) -> receiver | archiver | upkeep      each begun anew by itself when it ends
 *             '-> verification of all of them, one after another, by a budget; one that hangs is passed over
 *
 * Nothing that happens to one server touches another one. What would take much memory is done in turns.
 */
import { SpareMemory } from '@walvault/archiver/archiving';
import type { Configuration, ServerConfig } from '@walvault/config';
import type { FileLock } from '@walvault/durable-fs';
import { type Logger, WalvaultError } from '@walvault/wal';
import { checkConninfo } from '../connections.ts';
import type { AppliedChanges } from '../live-server-config.ts';
import { lockPath } from '../server-paths.ts';
import { serversNamed } from '../servers.ts';
import { reportError } from '../state-publisher.ts';
import type { DutyPhase } from './duty.ts';
import { ServedServer, type SharedTurns, takeRunLock } from './served-server.ts';
import { leaseMs, Turns } from './turns.ts';
import { verifyInRounds } from './verification-rounds.ts';

/** How to run. */
export interface RunServiceOptions {
  /** The servers to look after; all that are active unless given. */
  readonly names?: readonly string[] | undefined;
  /** The log of one server. */
  readonly logOf: (serverName: string) => Logger;
}

/** What a new configuration has done to a server. */
export interface ServerChange {
  readonly name: string;
  readonly kind: 'started' | 'stopped' | 'restarted' | 'changed' | 'failed';
  /** Of `changed`: what, and from when on it counts. */
  readonly changes?: AppliedChanges | undefined;
  /** Of `failed`: why it goes on as it was, or is not begun. */
  readonly error?: unknown;
}

/** A segment may be 1 GB, and some 64 MB are held of it while it is compressed. */
const archivingAtATime = 1;
const upkeepAtATime = 2;
/** Each is as large as a segment. One turn takes two; more are borrowed where turns outlast their lease. */
const spareBuffers = 4;

/** Is at work until it is disposed of, which ends everything in good order. */
export class RunService implements AsyncDisposable {
  readonly #options: RunServiceOptions;
  readonly #stop = new AbortController();
  readonly #servers = new Map<string, ServedServer>();
  readonly #turns: SharedTurns = {
    archiving: new Turns(archivingAtATime, leaseMs),
    spareMemory: new SpareMemory(spareBuffers),
    upkeep: new Turns(upkeepAtATime, leaseMs),
  };
  #verifyBudget: number;
  #change = new AbortController();
  readonly #verification: Promise<void>;
  #applying: Promise<unknown> = Promise.resolve();

  private constructor(configuration: Configuration, options: RunServiceOptions) {
    this.#options = options;
    this.#verifyBudget = configuration.globals.verifyBudget;
    this.#verification = verifyInRounds({
      servers: () => [...this.#servers.values()].map((server) => server.verified),
      budget: () => this.#verifyBudget,
      change: () => this.#change.signal,
      stop: this.#stop.signal,
    });
  }

  /**
   * Begins.
   * @throws {CoreError} `ERR_ALREADY_RUNNING` when another `run` looks after one of the servers: then nothing is begun;
   *   `ERR_UNKNOWN_SERVER`
   */
  static async begin(configuration: Configuration, options: RunServiceOptions): Promise<RunService> {
    const wanted = wantedServers(configuration, options.names);
    await using locks = new AsyncDisposableStack();
    const taken: [ServerConfig, FileLock][] = [];
    for (const server of wanted) taken.push([server, locks.use(await takeRunLock(server))]);
    locks.move();
    const service = new RunService(configuration, options);
    for (const [server, lock] of taken) await service.#serve(server, lock);
    return service;
  }

  /** What the receivers are about, by the names of the servers that are looked after. */
  get receivers(): ReadonlyMap<string, DutyPhase> {
    return new Map([...this.#servers].map(([name, server]) => [name, server.receiverPhase]));
  }

  /**
   * Gives it another configuration: begins, ends and begins anew what is different, and leaves the rest alone. Not to be called while
   * an earlier call is at work.
   * @throws {CoreError} `ERR_UNKNOWN_SERVER` when a server that was named is gone; nothing is changed then
   */
  async apply(configuration: Configuration): Promise<readonly ServerChange[]> {
    const changes = this.#apply(configuration);
    this.#applying = changes.catch(() => undefined);
    return await changes;
  }

  async #apply(configuration: Configuration): Promise<readonly ServerChange[]> {
    const wanted = new Map(wantedServers(configuration, this.#options.names).map((server) => [server.name, server]));
    this.#verifyBudget = configuration.globals.verifyBudget;
    const gone = [...this.#servers.keys()].filter((name) => !wanted.has(name));
    const stopped = await Promise.all(gone.map((name) => this.#end(name)));
    const others = await Promise.all([...wanted.values()].map((server) => this.#applyTo(server)));
    this.#change.abort();
    this.#change = new AbortController();
    return [...stopped, ...others.filter((change) => change !== undefined)];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new DOMException('run ends', 'AbortError'));
    await Promise.all([this.#applying, ...[...this.#servers.keys()].map((name) => this.#end(name))]);
    await this.#verification;
  }

  async #applyTo(server: ServerConfig): Promise<ServerChange | undefined> {
    const { name } = server;
    try {
      const served = this.#servers.get(name);
      if (served === undefined) {
        await this.#serve(server, await takeRunLock(server));
        return { name, kind: 'started' };
      }
      if (server.streamingArchiver) await checkConninfo(server);
      if (served.needsRestartFor(server)) {
        await this.#restart(served, server);
        return { name, kind: 'restarted' };
      }
      const changes = served.apply(server);
      return Object.values(changes).every(({ length }) => length === 0) ? undefined : { name, kind: 'changed', changes };
    } catch (error) {
      if (!WalvaultError.is(error)) throw error;
      const { code, message, hint } = reportError(error);
      this.#options.logOf(name).error({ code, error: message, hint }, 'the new configuration of the server cannot be used');
      return { name, kind: 'failed', error };
    }
  }

  /** Nothing ends before the lock is there; where it is the same, it is not given back for a moment, in which another process could take it. */
  async #restart(served: ServedServer, server: ServerConfig): Promise<void> {
    const isSame = served.lock.path === lockPath(server, 'run');
    const lock = isSame ? served.lock : await takeRunLock(server);
    await served.end();
    if (!isSame) await served.lock[Symbol.asyncDispose]();
    await this.#serve(server, lock);
  }

  /** Where everything ends, nothing is begun any more. */
  async #serve(server: ServerConfig, lock: FileLock): Promise<void> {
    if (this.#stop.signal.aborted) return await lock[Symbol.asyncDispose]();
    this.#servers.set(server.name, new ServedServer(server, lock, { log: this.#options.logOf(server.name), turns: this.#turns }));
  }

  async #end(name: string): Promise<ServerChange> {
    const served = this.#servers.get(name);
    this.#servers.delete(name);
    await served?.[Symbol.asyncDispose]();
    return { name, kind: 'stopped' };
  }
}

function wantedServers(configuration: Configuration, names: readonly string[] | undefined): readonly ServerConfig[] {
  const servers =
    names === undefined || names.length === 0
      ? [...configuration.servers.values()]
      : serversNamed(configuration, [...new Set(names)]);
  return servers.filter(({ active }) => active);
}
