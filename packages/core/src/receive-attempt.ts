/** One connection: find out where to go on, see to holes, and receive until it ends. */
import type { ServerConfig } from '@walvault/config';
import { type ReceiveEnd, receiveWal } from '@walvault/receiver';
import type { Logger, Lsn, TimelineId } from '@walvault/wal';
import { openStreaming } from './connections.ts';
import { Departure } from './departure.ts';
import { prepareAcrossHoles } from './gap-policy.ts';
import type { HoleRecord } from './holes.ts';
import type { StatePublisher } from './state-publisher.ts';
import { watchSyncState } from './sync-state.ts';

/** Where a stream began. */
export interface StreamStarted {
  readonly timelineId: TimelineId;
  readonly startLsn: Lsn;
}

/** What an attempt works with. */
export interface AttemptOptions {
  /** Ends the stream in good order, or what comes before it at once. */
  readonly end: AbortSignal;
  readonly publisher: StatePublisher;
  readonly holes: HoleRecord;
  /** Whether it must be proven that the server has the WAL before the stream is said to run. */
  readonly mustProve: boolean;
  /** Whether other receivers work in this thread. */
  readonly isThreadShared?: boolean | undefined;
  readonly onStreaming?: ((stream: StreamStarted) => void) | undefined;
  readonly onSegment?: ((name: string) => void) | undefined;
  readonly log: Logger;
}

/** Receives over one connection. @throws what ends it before its time, or the reason of `end` */
export async function attemptToReceive(server: ServerConfig, options: AttemptOptions): Promise<ReceiveEnd> {
  const { end, publisher, holes, mustProve, log } = options;
  using departure = new Departure(end);
  const { signal } = departure;
  await using connection = await openStreaming(server, { signal, log });
  const prepared = await prepareAcrossHoles(server, {
    connection,
    signal,
    log,
    before: publisher.positions,
    holes,
    mustProve,
  });
  const { facts, positions } = prepared;
  using watching = new Watching();
  return await receiveWal({
    ...prepared,
    connection,
    directory: server.directories.streaming,
    walSegmentSize: facts.walSegmentSize,
    positions,
    slotName: server.slotName,
    flushPolicy: server.flush,
    verifyStream: server.verifyStream,
    isThreadShared: options.isThreadShared,
    statusIntervalMs: server.statusIntervalMs,
    stop: end,
    log,
    observer: {
      streaming: (timelineId, startLsn) => {
        departure.streams();
        publisher.streaming(facts, positions, prepared.start.divergence);
        watching.start(server, { backendPid: connection.backendPid, publisher, log });
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

/** Watches the sync state while a stream runs. */
class Watching implements Disposable {
  #over: AbortController | undefined;

  /** A stream goes over several timelines, and is watched once. */
  start(
    server: ServerConfig,
    { backendPid, publisher, log }: { backendPid: number; publisher: StatePublisher; log: Logger },
  ): void {
    if (this.#over !== undefined) return;
    this.#over = new AbortController();
    const onState = publisher.synchronous.bind(publisher);
    void watchSyncState(server, { backendPid, signal: this.#over.signal, log, onState });
  }

  [Symbol.dispose](): void {
    this.#over?.abort();
  }
}
