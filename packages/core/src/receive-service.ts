/**
 * The receiver of one server as an operator knows it: it holds the lock, streams, publishes its state, and connects
 * again when the connection is lost.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerConfig } from '@walvault/config';
import { lockOwner, tryLock } from '@walvault/durable-fs';
import { type ReceiveEnd, receiveWal } from '@walvault/receiver';
import { type Logger, type Lsn, silentLogger, type TimelineId } from '@walvault/wal';
import { backoffMs } from './backoff.ts';
import { classifyFailure } from './classify-failure.ts';
import { openStreaming } from './connections.ts';
import { CoreError } from './errors.ts';
import { prepareStream } from './prepare-stream.ts';
import { ensureDirectories, lockPath, statePath } from './server-paths.ts';
import { StatePublisher } from './state-publisher.ts';

/** How to run a receiver. */
export interface ReceiveServiceOptions {
  readonly server: ServerConfig;
  /** Aborting it ends the receiver in good order: everything received is durable and reported before it returns. */
  readonly stop: AbortSignal;
  /** `fail` (default): the first attempt must succeed, so that whoever started it learns the reason. `retry`: keep trying. */
  readonly firstAttempt?: 'fail' | 'retry' | undefined;
  /** Called at every start of a stream, after the server has agreed to it. */
  readonly onStreaming?: ((stream: StreamStarted) => void) | undefined;
  /** Called when a segment is complete and durable. */
  readonly onSegment?: ((name: string) => void) | undefined;
  /** File that the log goes to, for the published state. */
  readonly logFile?: string | undefined;
  readonly log?: Logger | undefined;
}

/** Where a stream began. */
export interface StreamStarted {
  readonly timelineId: TimelineId;
  readonly startLsn: Lsn;
}

/**
 * Receives the WAL of a server until it is told to stop.
 * @throws {CoreError} `ERR_ALREADY_RUNNING`, or what ended it for good
 */
export async function runReceiver(options: ReceiveServiceOptions): Promise<void> {
  const { server, log = silentLogger } = options;
  refuseUnlessConfigured(server);
  const { backup, streaming, wals } = server.directories;
  await ensureDirectories(server.lockDirectory, backup, streaming, wals);
  await using lock = await tryLock(lockPath(server, 'receive-wal'));
  if (lock === undefined) throw await alreadyRunning(server);
  await using publisher = new StatePublisher({
    path: statePath(server),
    server: server.name,
    slotName: server.slotName,
    logFile: options.logFile,
    log,
  });
  try {
    await streamAgainAndAgain(options, publisher, log);
    publisher.ended();
  } catch (error) {
    publisher.ended(error);
    throw error;
  }
}

async function streamAgainAndAgain(options: ReceiveServiceOptions, publisher: StatePublisher, log: Logger): Promise<void> {
  const { stop } = options;
  let failures = 0;
  while (!stop.aborted) {
    const before = publisher.positions?.flushedLsn;
    try {
      publisher.starting();
      const end = await streamOnce(options, publisher, log);
      if (end === 'stopped') return;
      throw new CoreError('ERR_SERVER_SHUT_DOWN', 'the server shut down', { retry: 'retry' });
    } catch (error) {
      const verdict = classifyFailure(error, stop);
      if (verdict === 'stopped') return;
      if (verdict === 'fatal' || (publisher.positions === undefined && options.firstAttempt !== 'retry')) throw error;
      failures = publisher.positions?.flushedLsn === before ? failures + 1 : 1;
      await waitBeforeNextAttempt(error, failures, { publisher, log, stop });
    }
  }
}

interface WaitContext {
  readonly publisher: StatePublisher;
  readonly log: Logger;
  readonly stop: AbortSignal;
}

async function waitBeforeNextAttempt(error: unknown, failures: number, context: WaitContext): Promise<void> {
  const waitMs = backoffMs(failures, Math.random());
  context.publisher.waiting(error, new Date(Date.now() + waitMs));
  context.log.warn(
    { error: error instanceof Error ? error.message : String(error), waitMs },
    'streaming was interrupted; trying again',
  );
  await sleep(waitMs, undefined, { signal: context.stop }).catch(() => undefined);
}

/** One connection: find out where to go on, and receive until it ends. */
async function streamOnce(options: ReceiveServiceOptions, publisher: StatePublisher, log: Logger): Promise<ReceiveEnd> {
  const { server, stop } = options;
  // Stopping while we connect leaves at once; once we stream, it is the receiver that stops in good order.
  const connecting = new AbortController();
  using leaving = onceAborted(stop, () => connecting.abort(stop.reason));
  await using connection = await openStreaming(server, { signal: connecting.signal, log });
  const { facts, positions } = await prepareStream(server, {
    connection,
    signal: connecting.signal,
    log,
    before: publisher.positions,
  });
  return await receiveWal({
    connection,
    directory: server.directories.streaming,
    walSegmentSize: facts.walSegmentSize,
    positions,
    slotName: server.slotName,
    flushPolicy: server.flush,
    verifyStream: server.verifyStream,
    statusIntervalMs: server.statusIntervalMs,
    stop,
    log,
    observer: {
      streaming: (timelineId, startLsn) => {
        leaving[Symbol.dispose]();
        publisher.streaming(facts, positions);
        options.onStreaming?.({ timelineId, startLsn });
      },
      segmentCompleted: (name) => {
        publisher.segmentCompleted();
        log.info({ segment: name }, 'finished segment');
        options.onSegment?.(name);
      },
      flushed: (durationMs) => publisher.flushed(durationMs),
    },
  });
}

/** Calls `act` when the signal is aborted, until it is disposed of. */
function onceAborted(signal: AbortSignal, act: () => void): Disposable {
  signal.addEventListener('abort', act, { once: true });
  return { [Symbol.dispose]: () => signal.removeEventListener('abort', act) };
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
