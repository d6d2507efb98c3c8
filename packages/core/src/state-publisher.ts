/** Keeps `receive-wal.json` up to date: at most one write at a time, at most one every quarter second, none while nothing changes. */
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import type { Positions } from '@walvault/receiver';
import { formatLsn, type Logger, partialSuffix, walFileNameAt, type WalSegmentSize, WalvaultError } from '@walvault/wal';
import {
  type FlushLatency,
  type ReceiverPhase,
  type ReceiverState,
  type ReportedError,
  writeReceiverState,
} from './receiver-state.ts';

/** What does not change while a receiver lives. */
export interface PublisherOptions {
  readonly path: string;
  readonly server: string;
  readonly slotName: string | undefined;
  readonly logFile: string | undefined;
  readonly log: Logger;
}

/** Facts about the server at the other end. */
export interface ServerFacts {
  readonly systemIdentifier: bigint;
  readonly serverVersion: number;
  readonly walSegmentSize: WalSegmentSize;
}

const intervalMs = 250;
const rateWindowMs = 1000;

/** Publishes the state of one receiver until it is disposed of; the last write then shows how it ended. */
export class StatePublisher implements AsyncDisposable {
  readonly #options: PublisherOptions;
  readonly #startedAt = new Date().toISOString();
  readonly #flushes: RecordableHistogram = createHistogram({ lowest: 1, highest: 3_600_000_000, figures: 3 });
  readonly #timer: NodeJS.Timeout;
  #phase: ReceiverPhase = 'starting';
  #facts: ServerFacts | undefined;
  #positions: Positions | undefined;
  #startLsn: string | null = null;
  #receivedBefore = 0;
  #segmentsCompleted = 0;
  #reconnects = 0;
  #lastError: ReportedError | null = null;
  #nextAttemptAt: string | null = null;
  #rate = { atMs: Date.now(), bytes: 0, bytesPerSecond: 0 };
  #published = '';
  #writing: Promise<void> = Promise.resolve();

  constructor(options: PublisherOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#publishSoon(), intervalMs);
    this.#timer.unref();
  }

  /** The positions of the stream at hand, if there is one. */
  get positions(): Positions | undefined {
    return this.#positions;
  }

  starting(): void {
    this.#phase = 'starting';
    this.#nextAttemptAt = null;
    this.#publishSoon();
  }

  /** A stream has begun. */
  streaming(facts: ServerFacts, positions: Positions): void {
    if (this.#positions !== positions) {
      this.#receivedBefore += this.#positions?.receivedBytes ?? 0;
      this.#positions = positions;
      this.#startLsn = formatLsn(positions.writtenLsn);
    }
    this.#facts = facts;
    this.#phase = 'streaming';
    this.#publishSoon();
  }

  segmentCompleted(): void {
    this.#segmentsCompleted += 1;
  }

  flushed(durationMs: number): void {
    this.#flushes.record(Math.max(1, Math.round(durationMs * 1000)));
  }

  /** An attempt failed and another one is due. */
  waiting(error: unknown, nextAttemptAt: Date): void {
    this.#phase = 'waiting';
    this.#lastError = reportError(error);
    this.#nextAttemptAt = nextAttemptAt.toISOString();
    this.#reconnects += 1;
    this.#publishSoon();
  }

  /** It is over. */
  ended(error?: unknown): void {
    this.#phase = error === undefined ? 'stopped' : 'failed';
    if (error !== undefined) this.#lastError = reportError(error);
    this.#nextAttemptAt = null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#writing;
    await this.#publish();
  }

  #publishSoon(): void {
    this.#writing = this.#writing.then(() => this.#publish());
  }

  /** Never rejects: state is for watching, and must not stand in the way of the WAL. */
  async #publish(): Promise<void> {
    const { updatedAt, ...content } = this.#state();
    const text = JSON.stringify(content);
    if (text === this.#published) return;
    try {
      await writeReceiverState(this.#options.path, { ...content, updatedAt });
      this.#published = text;
    } catch (error) {
      this.#options.log.warn({ error: String(error) }, 'could not publish the state');
    }
  }

  #state(): ReceiverState {
    const { server, slotName, logFile } = this.#options;
    const positions = this.#positions;
    return {
      version: 1,
      server,
      pid: process.pid,
      phase: this.#phase,
      startedAt: this.#startedAt,
      updatedAt: new Date().toISOString(),
      systemIdentifier: this.#facts?.systemIdentifier.toString() ?? null,
      serverVersion: this.#facts?.serverVersion ?? null,
      walSegmentSize: this.#facts?.walSegmentSize ?? null,
      slotName: slotName ?? null,
      timelineId: positions?.timelineId ?? null,
      startLsn: this.#startLsn,
      writtenLsn: positions === undefined ? null : formatLsn(positions.writtenLsn),
      flushedLsn: positions === undefined ? null : formatLsn(positions.flushedLsn),
      serverLsn: positions === undefined ? null : formatLsn(positions.serverLsn),
      partialName: this.#partialName(),
      receivedBytes: this.#receivedBytes(),
      bytesPerSecond: this.#phase === 'streaming' ? this.#bytesPerSecond() : 0,
      lastMessageAt:
        positions === undefined || positions.lastMessageAtMs === 0 ? null : new Date(positions.lastMessageAtMs).toISOString(),
      segmentsCompleted: this.#segmentsCompleted,
      reconnects: this.#reconnects,
      flushLatency: this.#flushLatency(),
      lastError: this.#lastError,
      nextAttemptAt: this.#nextAttemptAt,
      logFile: logFile ?? null,
    };
  }

  #partialName(): string | null {
    if (this.#positions === undefined || this.#facts === undefined) return null;
    const { timelineId, writtenLsn } = this.#positions;
    return walFileNameAt(timelineId, writtenLsn, this.#facts.walSegmentSize) + partialSuffix;
  }

  #receivedBytes(): number {
    return this.#receivedBefore + (this.#positions?.receivedBytes ?? 0);
  }

  #bytesPerSecond(): number {
    const nowMs = Date.now();
    const elapsedMs = nowMs - this.#rate.atMs;
    if (elapsedMs >= rateWindowMs) {
      const bytes = this.#receivedBytes();
      this.#rate = { atMs: nowMs, bytes, bytesPerSecond: Math.round(((bytes - this.#rate.bytes) * 1000) / elapsedMs) };
    }
    return this.#rate.bytesPerSecond;
  }

  #flushLatency(): FlushLatency {
    if (this.#flushes.count === 0) return { count: 0, p50Ms: 0, p99Ms: 0, maxMs: 0 };
    return {
      count: this.#flushes.count,
      p50Ms: milliseconds(this.#flushes.percentile(50)),
      p99Ms: milliseconds(this.#flushes.percentile(99)),
      maxMs: milliseconds(this.#flushes.max),
    };
  }
}

/** An error as the state and the reports show it. */
export function reportError(error: unknown): ReportedError {
  const at = new Date().toISOString();
  if (WalvaultError.is(error)) return { code: error.code, message: error.message, hint: error.hint ?? null, at };
  return { code: 'ERR_UNEXPECTED', message: error instanceof Error ? error.message : String(error), hint: null, at };
}

/** Microseconds as milliseconds. */
function milliseconds(micros: number): number {
  return Math.round(micros) / 1000;
}
