/**
 * The receiver of one server as an operator knows it: it holds the lock, streams, publishes its state, and connects
 * again when the connection is lost.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerConfig } from '@walvault/config';
import { lockOwner, tryLock } from '@walvault/durable-fs';
import { type Logger, silentLogger, WalvaultError } from '@walvault/wal';
import { backoffMs } from './backoff.ts';
import { CatchUp, type CatchUpOptions } from './catch-up.ts';
import { classifyFailure, decisiveError, isRefusal } from './classify-failure.ts';
import { CoreError } from './errors.ts';
import { HoleRecord } from './holes.ts';
import { LiveServerConfig } from './live-server-config.ts';
import { rememberedOf } from './prepare-stream.ts';
import { attemptToReceive, type StreamStarted } from './receive-attempt.ts';
import { readReceiverState, type ReportedError } from './receiver-state.ts';
import { ensureDirectories, holesPath, lockPath, statePath } from './server-paths.ts';
import { giveUpSlot } from './slot-safety/give-up-slot.ts';
import { SlotGuard } from './slot-safety/slot-guard.ts';
import { reportError, StatePublisher } from './state-publisher.ts';

/** How to run a receiver. */
export interface ReceiveServiceOptions {
  /** A {@link LiveServerConfig} can be given another configuration while the receiver runs. */
  readonly server: ServerConfig | LiveServerConfig;
  /** Aborting it ends the receiver in good order: everything received is durable and reported before it returns, within 5 s. */
  readonly stop: AbortSignal;
  /** `fail` (default): the first attempt must succeed, so that whoever started it learns the reason. `retry`: keep trying. */
  readonly firstAttempt?: 'fail' | 'retry' | undefined;
  /** Called at every start of a stream, when the server has agreed to it and the WAL is there. */
  readonly onStreaming?: ((stream: StreamStarted) => void) | undefined;
  /** Called when there is something new to wait for, with what stands in the way. */
  readonly onWaiting?: ((trouble: ReportedError) => void) | undefined;
  /** Called when a segment is complete and durable. */
  readonly onSegment?: ((name: string) => void) | undefined;
  /** Told how far a catch-up with the server is, in place of the lines of the log; see `CatchUp`. */
  readonly onCatchUp?: CatchUpOptions['onProgress'];
  /** File that the log goes to, for the published state. */
  readonly logFile?: string | undefined;
  readonly log?: Logger | undefined;
  /** Whether others work in this thread, whom a slow disk must not hold up. False unless given. */
  readonly isThreadShared?: boolean | undefined;
}

/** A stream that lasted so long, in milliseconds, is progress, also when there was nothing to receive. */
const healthyMs = 60_000;
/** A server that is full may hang, and streaming must not wait for it. */
const giveUpWithinMs = 30_000;

/**
 * Receives the WAL of a server until it is told to stop.
 * @throws {CoreError} `ERR_ALREADY_RUNNING`, or what ended it for good
 */
export async function runReceiver(options: ReceiveServiceOptions): Promise<void> {
  const live = options.server instanceof LiveServerConfig ? options.server : new LiveServerConfig(options.server);
  const server = live.current;
  const { log = silentLogger } = options;
  refuseUnlessConfigured(server);
  const { backup, streaming, wals } = server.directories;
  await ensureDirectories(server.lockDirectory, backup, streaming, wals);
  await using lock = await tryLock(lockPath(server, 'receive-wal'), { withFlock: true });
  if (lock === undefined) throw await alreadyRunning(server);
  const holes = await HoleRecord.open(holesPath(server));
  const catchUp = new CatchUp({ log, onProgress: options.onCatchUp });
  await using publisher = new StatePublisher({
    path: statePath(server),
    server: live,
    holes,
    logFile: options.logFile,
    onState: (state) => catchUp.follow(state),
    before: await readReceiverState(statePath(server)).catch(() => undefined),
    log,
  });
  try {
    await new Service(live, holes, publisher, options).run();
    publisher.ended();
  } catch (error) {
    publisher.ended(decisiveError(error, options.stop));
    throw error;
  }
}

/** The attempts, and the waits between them. */
class Service {
  readonly #live: LiveServerConfig;
  readonly #holes: HoleRecord;
  readonly #publisher: StatePublisher;
  readonly #options: ReceiveServiceOptions;
  readonly #log: Logger;
  readonly #guard: SlotGuard;
  /** In a row. */
  #failures = 0;
  /** Whether the server must show that it has the WAL: it said no last time, or nothing was streamed yet. */
  #mustProve = true;
  #streamingSinceMs: number | undefined;
  /** What was said last about waiting, so as not to say it again and again. */
  #told = '';

  constructor(live: LiveServerConfig, holes: HoleRecord, publisher: StatePublisher, options: ReceiveServiceOptions) {
    this.#live = live;
    this.#holes = holes;
    this.#publisher = publisher;
    this.#options = options;
    this.#log = options.log ?? silentLogger;
    this.#guard = new SlotGuard({ live, log: this.#log, onSafety: (safety) => publisher.slotSafety(safety) });
  }

  async run(): Promise<void> {
    const over = new AbortController();
    const watching = this.#guard.watch(AbortSignal.any([this.#options.stop, over.signal]));
    try {
      await this.#receive();
    } finally {
      over.abort();
      await watching;
    }
  }

  async #receive(): Promise<void> {
    const { stop } = this.#options;
    while (!stop.aborted) {
      const before = this.#publisher.positions?.flushedLsn;
      let end = stop;
      try {
        await this.#giveUpSlot();
        end = AbortSignal.any([stop, this.#live.streamEnd, this.#guard.limit]);
        await this.#attempt(end);
      } catch (error) {
        await this.#afterFailure(error, end, this.#publisher.positions?.flushedLsn !== before);
      }
    }
  }

  /** Between two streams, when the slot keeps too much. */
  async #giveUpSlot(): Promise<void> {
    if (!this.#guard.limit.aborted) return;
    const { stop } = this.#options;
    const server = this.#live.current;
    const signal = AbortSignal.any([stop, AbortSignal.timeout(giveUpWithinMs)]);
    try {
      const slot = await this.#guard.toGiveUp(server, signal);
      if (slot?.restartLsn === undefined) return;
      const { positions } = this.#publisher;
      const from = positions === undefined ? { timelineId: slot.timelineId, lsn: slot.restartLsn } : rememberedOf(positions);
      await giveUpSlot(server, { ...slot, from, holes: this.#holes, signal, log: this.#log });
      this.#guard.givenUp(slot);
    } catch (error) {
      if (stop.aborted || !(WalvaultError.is(error) || signal.aborted)) throw error;
      const { code, message, hint } = reportError(signal.aborted ? noAnswer() : error);
      this.#log.error({ code, error: message, hint }, 'could not give up the replication slot; trying again soon');
      this.#guard.postpone();
    }
  }

  async #attempt(end: AbortSignal): Promise<void> {
    this.#streamingSinceMs = undefined;
    this.#publisher.starting();
    const ended = await attemptToReceive(this.#live.current, {
      end,
      publisher: this.#publisher,
      holes: this.#holes,
      mustProve: this.#mustProve || this.#holes.open !== undefined,
      onStreaming: (stream) => this.#onStreaming(stream),
      onSegment: this.#options.onSegment,
      isThreadShared: this.#options.isThreadShared,
      log: this.#log,
    });
    if (ended === 'serverShutdown') throw new CoreError('ERR_SERVER_SHUT_DOWN', 'the server shut down', { retry: 'retry' });
  }

  #onStreaming(stream: StreamStarted): void {
    this.#mustProve = false;
    this.#told = '';
    this.#streamingSinceMs ??= performance.now();
    this.#options.onStreaming?.(stream);
  }

  /** Waits for the next attempt, or throws when there shall be none. */
  async #afterFailure(error: unknown, end: AbortSignal, hasProgressed: boolean): Promise<void> {
    const verdict = classifyFailure(error, end);
    if (verdict === 'stopped' || (end.aborted && verdict !== 'fatal')) return;
    const isFirst = this.#publisher.positions === undefined;
    if (verdict === 'fatal' || (isFirst && this.#options.firstAttempt !== 'retry')) throw error;
    const decisive = decisiveError(error, end);
    if (isRefusal(decisive)) this.#mustProve = true;
    const wasHealthy = this.#streamingSinceMs !== undefined && performance.now() - this.#streamingSinceMs >= healthyMs;
    this.#failures = hasProgressed || wasHealthy ? 1 : this.#failures + 1;
    await this.#wait(decisive, backoffMs(this.#failures, Math.random(), verdict));
  }

  /** Ends early when it should end, or when the configuration is another one, which may be just what was needed. */
  async #wait(error: unknown, waitMs: number): Promise<void> {
    const trouble = reportError(error);
    const { code, message, hint } = trouble;
    this.#publisher.waitingFor({ error, attempts: this.#failures, nextAttemptAt: new Date(Date.now() + waitMs) });
    const isNews = this.#told !== code + message;
    this.#told = code + message;
    if (isNews) this.#options.onWaiting?.(trouble);
    this.#log[isNews ? 'warn' : 'debug']({ code, error: message, hint, waitMs }, 'streaming was interrupted; trying again');
    const signal = AbortSignal.any([this.#options.stop, this.#live.change, this.#guard.limit]);
    await sleep(waitMs, undefined, { signal }).catch(() => undefined);
  }
}

function noAnswer(): CoreError {
  return new CoreError('ERR_NO_ANSWER_IN_TIME', `the server did not answer within ${giveUpWithinMs / 1000} s`, {
    retry: 'retry',
  });
}

function refuseUnlessConfigured(server: ServerConfig): void {
  if (!server.active) throw new CoreError('ERR_SERVER_INACTIVE', `Skipping inactive server '${server.name}'`);
  if (server.streamingArchiver) return;
  throw new CoreError(
    'ERR_OPTION_REQUIRED',
    `Unable to start receive-wal process: streaming_archiver option set to 'off' in walvault configuration file`,
    { hint: `Set streaming_archiver = on in section [${server.name}].` },
  );
}

async function alreadyRunning(server: ServerConfig): Promise<CoreError> {
  const owner = await lockOwner(lockPath(server, 'receive-wal'));
  const who = owner?.kind === 'flock' ? 'Barman holds its lock' : 'it holds the lock';
  return new CoreError('ERR_ALREADY_RUNNING', `Another receive-wal process is already running for server ${server.name}.`, {
    hint:
      owner?.pid === undefined
        ? undefined
        : `Process ${owner.pid} is at work (${who}). Stop it with: walvault receive-wal --stop ${server.name}`,
  });
}
