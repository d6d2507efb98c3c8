/** Keeps `receive-wal.json` up to date: at most one write at a time, at most one every quarter second, none while nothing changes. */
import type { Divergence, Positions } from '@walvault/receiver';
import {
  formatLsn,
  type Logger,
  partialSuffix,
  type TimelineId,
  walFileNameAt,
  type WalSegmentSize,
  WalvaultError,
} from '@walvault/wal';
import { FlushHistogram } from './flush-histogram.ts';
import type { HoleRecord } from './holes.ts';
import type { LiveServerConfig } from './live-server-config.ts';
import {
  type ReceiverPhase,
  type ReceiverState,
  type ReportedDivergence,
  type ReportedError,
  type ReportedSlotSafety,
  writeReceiverState,
} from './receiver-state.ts';
import { RepeatedWork } from './repeated-work.ts';
import { reportPositions, timeText } from './report-positions.ts';
import type { SlotSafety } from './slot-safety/judge-slot-safety.ts';
import type { SyncState } from './sync-state.ts';

/** What does not change while a receiver lives. */
export interface PublisherOptions {
  readonly path: string;
  readonly server: LiveServerConfig;
  readonly holes: HoleRecord;
  readonly logFile: string | undefined;
  /** What a receiver before this one published. */
  readonly before?: ReceiverState | undefined;
  /** Called with each state that is published. */
  readonly onState?: ((state: ReceiverState) => void) | undefined;
  readonly log: Logger;
}

/** Facts about the server at the other end. */
export interface ServerFacts {
  readonly systemIdentifier: bigint;
  readonly serverVersion: number;
  /** The newest timeline that the server had when it was connected to. */
  readonly timelineId: TimelineId;
  readonly walSegmentSize: WalSegmentSize;
}

/** An attempt that failed, and the next one. */
export interface Wait {
  readonly error: unknown;
  /** In a row. */
  readonly attempts: number;
  readonly nextAttemptAt: Date;
}

type Trouble = Pick<ReceiverState, 'troubleSince' | 'failedAttempts' | 'nextAttemptAt'>;
const noTrouble: Trouble = { troubleSince: null, failedAttempts: 0, nextAttemptAt: null };

const intervalMs = 250;
const rateWindowMs = 1000;

/** Publishes the state of one receiver until it is disposed of; the last write then shows how it ended. */
export class StatePublisher implements AsyncDisposable {
  readonly #options: PublisherOptions;
  readonly #startedAt = new Date().toISOString();
  readonly #flushes = new FlushHistogram();
  readonly #timer: NodeJS.Timeout;
  #phase: ReceiverPhase = 'starting';
  #phaseSince = this.#startedAt;
  #facts: ServerFacts | undefined;
  #divergence: Divergence | undefined;
  #positions: Positions | undefined;
  #startLsn: string | null = null;
  #receivedBefore = 0;
  #segmentsCompleted = 0;
  #reconnects = 0;
  #syncState: SyncState | null = null;
  #slotSafety: ReportedSlotSafety | null = null;
  #lastError: ReportedError | null = null;
  #trouble: Trouble = noTrouble;
  #caughtUpAtMs: number;
  #rate = { atMs: Date.now(), bytes: 0, bytesPerSecond: 0 };
  #published = '';
  /** Counts calls that change something. */
  #changes = 0;
  #glance: readonly unknown[] = [];
  readonly #publishing = new RepeatedWork(() => this.#publish());

  constructor(options: PublisherOptions) {
    this.#options = options;
    this.#caughtUpAtMs = Date.parse(options.before?.caughtUpAt ?? '') || 0;
    this.#timer = setInterval(() => {
      if (this.#mayBeNews()) this.#publishing.again();
    }, intervalMs);
    this.#timer.unref();
  }

  /** The positions of the last stream, if there was one. */
  get positions(): Positions | undefined {
    return this.#positions;
  }

  starting(): void {
    this.#trouble = { ...this.#trouble, nextAttemptAt: null };
    this.#enter('starting');
  }

  /** A stream has begun. */
  streaming(facts: ServerFacts, positions: Positions, divergence?: Divergence): void {
    if (this.#positions !== positions) {
      this.#receivedBefore += this.#positions?.receivedBytes ?? 0;
      this.#positions = positions;
      this.#startLsn = formatLsn(positions.writtenLsn);
    }
    this.#facts = facts;
    this.#divergence = divergence;
    this.#trouble = noTrouble;
    this.#enter('streaming');
  }

  segmentCompleted(): void {
    this.#changes += 1;
    this.#segmentsCompleted += 1;
  }

  flushed(durationMs: number): void {
    this.#changes += 1;
    this.#flushes.record(durationMs);
  }

  /** What pg_stat_replication says about us. */
  synchronous(state: SyncState | null): void {
    this.#changes += 1;
    this.#syncState = state;
  }

  /** What is known of the slot; undefined when it could not be looked at. */
  slotSafety(safety: SlotSafety | undefined): void {
    this.#changes += 1;
    this.#slotSafety = safety === undefined ? null : reportSafety(safety);
  }

  /** An attempt failed and another one is due. */
  waitingFor({ error, attempts, nextAttemptAt }: Wait): void {
    const troubleSince = this.#trouble.troubleSince ?? new Date().toISOString();
    this.#trouble = { troubleSince, failedAttempts: attempts, nextAttemptAt: nextAttemptAt.toISOString() };
    this.#lastError = reportError(error);
    this.#reconnects += 1;
    this.#enter('waiting');
  }

  /** It is over. */
  ended(error?: unknown): void {
    if (error !== undefined) this.#lastError = reportError(error);
    this.#trouble = noTrouble;
    this.#enter(error === undefined ? 'stopped' : 'failed');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    this.#publishing.again();
    await this.#publishing.done();
  }

  #enter(phase: ReceiverPhase): void {
    if (phase !== this.#phase) this.#phaseSince = new Date().toISOString();
    if (phase !== 'streaming') this.#syncState = null;
    this.#phase = phase;
    this.#publishing.again();
  }

  /**
   * Whether something can have changed since this was asked last, at a glance: putting the state together for nothing, four times a second for
   * each of many receivers, is most of what an idle process does.
   */
  #mayBeNews(): boolean {
    const positions = this.#positions;
    const glance = [
      this.#changes,
      positions?.writtenLsn,
      positions?.flushedLsn,
      positions?.acknowledgedLsn,
      positions?.serverLsn,
      positions?.lastMessageAtMs,
      positions?.caughtUpAtMs,
      this.#options.holes.holes,
      this.#options.server.current,
    ];
    const isRateOld = this.#rate.bytesPerSecond > 0 || this.#rate.bytes !== this.#receivedBytes();
    const isNews = isRateOld || glance.some((value, index) => value !== this.#glance[index]);
    this.#glance = glance;
    return isNews;
  }

  /** Never rejects: state is for watching, and must not stand in the way of the WAL. */
  async #publish(): Promise<void> {
    const state = this.#state();
    const text = JSON.stringify({ ...state, updatedAt: null });
    if (text === this.#published) return;
    this.#options.onState?.(state);
    try {
      await writeReceiverState(this.#options.path, state);
      this.#published = text;
    } catch (error) {
      this.#changes += 1; // the next time it may work
      this.#options.log.warn({ error: String(error) }, 'could not publish the state');
    }
  }

  #state(): ReceiverState {
    const { server, holes, logFile } = this.#options;
    const { name, slotName, gapPolicy } = server.current;
    return {
      version: 1,
      server: name,
      pid: process.pid,
      phase: this.#phase,
      phaseSince: this.#phaseSince,
      startedAt: this.#startedAt,
      updatedAt: new Date().toISOString(),
      systemIdentifier: this.#facts?.systemIdentifier.toString() ?? null,
      serverVersion: this.#facts?.serverVersion ?? null,
      walSegmentSize: this.#facts?.walSegmentSize ?? null,
      slotName: slotName ?? null,
      syncState: this.#syncState,
      ...this.#progress(),
      flushLatency: this.#flushes.latency(),
      lastError: this.#lastError,
      ...this.#trouble,
      gapPolicy,
      slotSafety: this.#slotSafety,
      holes: holes.holes,
      blockingHole: holes.open ?? null,
      divergence: this.#divergence === undefined ? null : reportDivergence(this.#divergence),
      logFile: logFile ?? null,
    };
  }

  /** How far it is, and how fast. */
  #progress() {
    const positions = this.#positions;
    return {
      ...reportPositions(positions, this.#options.before),
      startLsn: this.#startLsn,
      partialName: this.#partialName(),
      receivedBytes: this.#receivedBytes(),
      bytesPerSecond: this.#phase === 'streaming' ? this.#bytesPerSecond() : 0,
      caughtUpAt: timeText(this.#caughtUpAt()),
      segmentsCompleted: this.#segmentsCompleted,
      reconnects: this.#reconnects,
    };
  }

  /** The end of a timeline that the server has left is not the end of its WAL. */
  #caughtUpAt(): number {
    const [positions, facts] = [this.#positions, this.#facts];
    if (positions !== undefined && facts !== undefined && positions.timelineId >= facts.timelineId)
      this.#caughtUpAtMs = Math.max(this.#caughtUpAtMs, positions.caughtUpAtMs);
    return this.#caughtUpAtMs;
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
}

/** The code of what has none. */
type UnexpectedErrorCode =
  /**
   * Something happened that walvault has no word for: a defect of walvault, or an error of the system that it did not expect.
   *
   * @why The message says what was seen; the log of the process has more.
   * @do Please report it with the lines of the log and the output of `walvault diagnose`, which holds no passwords. What was
   * acknowledged before is safe.
   * @retry fatal
   */
  'ERR_UNEXPECTED';
const unexpected: UnexpectedErrorCode = 'ERR_UNEXPECTED';

/** An error as the state and the reports show it. */
export function reportError(error: unknown): ReportedError {
  const at = new Date().toISOString();
  if (WalvaultError.is(error)) return { code: error.code, message: error.message, hint: error.hint ?? null, at };
  return { code: unexpected, message: error instanceof Error ? error.message : String(error), hint: null, at };
}

function reportSafety({ level, retainedBytes, safeBytes, reason }: SlotSafety): ReportedSlotSafety {
  return { level, retainedBytes: retainedBytes ?? null, safeBytes: safeBytes ?? null, reason };
}

function reportDivergence({ timelineId, fromLsn, toLsn }: Divergence): ReportedDivergence {
  return { timelineId, fromLsn: formatLsn(fromLsn), toLsn: formatLsn(toLsn) };
}
