/** One server under `run`: its lock, what is done for it, and what is published of that. */
import type { SpareMemory } from '@walvault/archiver/archiving';
import type { ServerConfig } from '@walvault/config';
import { type FileLock, lockOwner, tryLock } from '@walvault/durable-fs';
import type { Logger } from '@walvault/wal';
import { CoreError } from '../errors.ts';
import { type AppliedChanges, changesBetween, LiveServerConfig } from '../live-server-config.ts';
import { RepeatedWork } from '../repeated-work.ts';
import { ensureDirectories, lockPath } from '../server-paths.ts';
import { keepArchiving } from './archiver-duty.ts';
import { Duty, type DutyPhase } from './duty.ts';
import { keepReceiving } from './receiver-duty.ts';
import { heartbeatMs, type RunState, writeRunState } from './run-state.ts';
import { leaseMs, Turns } from './turns.ts';
import { Upkeep } from './upkeep-duty.ts';
import type { VerifiedServer } from './verification-rounds.ts';

/** What the servers of one process share. */
export interface SharedTurns {
  readonly archiving: Turns;
  /** For the archiving. */
  readonly spareMemory: SpareMemory;
  readonly upkeep: Turns;
}

const publishEveryMs = 1000;

/** Takes the lock that says that `run` looks after a server. @throws {CoreError} `ERR_ALREADY_RUNNING` when another one does */
export async function takeRunLock(server: ServerConfig): Promise<FileLock> {
  await ensureDirectories(server.lockDirectory);
  const path = lockPath(server, 'run');
  const lock = await tryLock(path);
  if (lock !== undefined) return lock;
  const pid = (await lockOwner(path))?.pid;
  const who = pid === undefined ? 'another process' : `process ${pid}`;
  throw new CoreError('ERR_ALREADY_RUNNING', `walvault run is at work for server ${server.name} already (${who})`, {
    hint: 'A server is looked after by one run at a time. Stop the other one first, or name other servers.',
  });
}

/** Is at work from its construction on; disposing of it ends everything in good order and gives the lock back. */
export class ServedServer implements AsyncDisposable {
  /** Says that `run` looks after the server. */
  readonly lock: FileLock;
  readonly #live: LiveServerConfig;
  readonly #log: Logger;
  readonly #stop = new AbortController();
  readonly #startedAt = new Date().toISOString();
  readonly #duties = {
    receiver: new Duty('waiting'),
    archiver: new Duty('idle'),
    deletion: new Duty('idle'),
    healing: new Duty('idle'),
    verification: new Duty('idle'),
  };
  readonly #upkeep: Upkeep;
  readonly #work: Promise<unknown>;
  readonly #timer: NodeJS.Timeout;
  #healedAtMs: number | undefined;
  #published = '';
  #publishedAtMs = 0;
  readonly #publishing = new RepeatedWork(() => this.#publish());

  constructor(server: ServerConfig, lock: FileLock, { log, turns }: { readonly log: Logger; readonly turns: SharedTurns }) {
    const live = new LiveServerConfig(server);
    const stop = this.#stop.signal;
    const { receiver, archiver, deletion, healing } = this.#duties;
    this.#live = live;
    this.lock = lock;
    this.#log = log;
    const ownTurns = new Turns(1, leaseMs);
    const onHealed = (): void => void (this.#healedAtMs = Date.now());
    this.#upkeep = new Upkeep({ live, deletion, healing, ownTurns, turns: turns.upkeep, onHealed, stop, log });
    this.#timer = setInterval(() => this.#publishing.again(), publishEveryMs);
    this.#publishing.again();
    this.#work = Promise.all([
      keepReceiving({ live, duty: receiver, stop, log }),
      keepArchiving({ live, duty: archiver, ownTurns, turns: turns.archiving, spareMemory: turns.spareMemory, stop, log }),
      this.#upkeep.keepUp(),
    ]);
  }

  get receiverPhase(): DutyPhase {
    return this.#duties.receiver.state.phase;
  }

  /** For the verification in the background. */
  get verified(): VerifiedServer {
    const { current } = this.#live;
    const { verification: duty } = this.#duties;
    const onDamage = (): void => this.#upkeep.healNow();
    return { current, duty, healedAtMs: this.#healedAtMs, log: this.#log, stop: this.#stop.signal, onDamage };
  }

  /** Whether another configuration of the same server can only count after a new begin. */
  needsRestartFor(next: ServerConfig): boolean {
    const { current } = this.#live;
    // The log is that of the process.
    const needing = changesBetween(current, next).restart.filter((option) => option !== 'log_file');
    return needing.length > 0 || current.streamingArchiver !== next.streamingArchiver;
  }

  /** Gives it another configuration, which needs no restart. What the receiver does not look at counts with the next work of the others. */
  apply(next: ServerConfig): AppliedChanges {
    const { settings } = this.#live.current;
    const changes = this.#live.apply(next);
    this.#upkeep.lookNow();
    const told = new Set(Object.values(changes).flat());
    const isNews = (name: string, text: string | undefined): boolean => !told.has(name) && settings.get(name)?.text !== text;
    const others = [...next.settings].filter(([name, { text }]) => isNews(name, text)).map(([name]) => name);
    return { ...changes, atOnce: [...changes.atOnce, ...others] };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
    await this.lock[Symbol.asyncDispose]();
  }

  /** Ends everything in good order, and keeps the lock. */
  async end(): Promise<void> {
    this.#stop.abort(new DOMException('run lets go of the server', 'AbortError'));
    await this.#work;
    clearInterval(this.#timer);
    this.#publishing.again();
    await this.#publishing.done();
  }

  /** Never rejects. A directory that is not there yet is made by the receiver. */
  async #publish(): Promise<void> {
    const { receiver, archiver, deletion, healing, verification } = this.#duties;
    const duties = {
      receiver: receiver.state,
      archiver: archiver.state,
      deletion: deletion.state,
      healing: healing.state,
      verification: verification.state,
    };
    const text = JSON.stringify(duties);
    if (text === this.#published && performance.now() - this.#publishedAtMs < heartbeatMs) return;
    const { current } = this.#live;
    const head = { version: 1, server: current.name, pid: process.pid, startedAt: this.#startedAt } as const;
    const state: RunState = { ...head, updatedAt: new Date().toISOString(), ...duties };
    try {
      await writeRunState(current, state);
      this.#published = text;
      this.#publishedAtMs = performance.now();
    } catch (error) {
      this.#log.debug({ error: String(error) }, 'could not publish the state');
    }
  }
}
