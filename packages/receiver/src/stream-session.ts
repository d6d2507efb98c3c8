/**
 * One CopyBoth stream from its first message to its end: pull, write, flush, report.
 *
 *   pull a batch -> write its WAL -> ask for a flush -> (flush done) -> tell the server -> pull the next batch
 *
 * The flush runs beside the pulls; the writer makes a pull wait when too much is not durable yet. Nothing but the
 * positions goes back to the server, and a flush position only after its fsync.
 */
import type { ReplicationConnection, ReplicationMessage, ReplicationStream } from '@walvault/protocol';
import { invalidLsn } from '@walvault/wal';
import { ReceiverError } from './errors.ts';
import { GroupFlush } from './group-flush.ts';
import type { Positions } from './positions.ts';
import type { SegmentWriter, WalPiece } from './segment-writer.ts';
import type { StatusTiming } from './status-timing.ts';

/** What a {@link StreamSession} works with. */
export interface StreamSessionOptions {
  readonly connection: ReplicationConnection;
  readonly stream: ReplicationStream;
  readonly writer: SegmentWriter;
  readonly positions: Positions;
  readonly timing: StatusTiming;
  /** `continuous`: flush whenever there are newer bytes; `segment`: when a segment is full, and when the server asks. */
  readonly flushPolicy: 'continuous' | 'segment';
  /** Aborting it ends the stream in good order: flush, last report, CopyDone. */
  readonly stop: AbortSignal;
  readonly onFlushed: (durationMs: number) => void;
}

/** How long the server may take to answer our CopyDone before the connection is just closed. */
const stopGraceMs = 3000;

/** Drives one stream. Use it once. */
export class StreamSession {
  readonly #options: StreamSessionOptions;
  readonly #flusher: GroupFlush;
  #replyIsDue = false;
  #pullingSinceMs: number | undefined;
  #failure: { readonly error: unknown } | undefined;
  #stopping = false;

  constructor(options: StreamSessionOptions) {
    this.#options = options;
    this.#flusher = new GroupFlush({
      flush: () => options.writer.flush(),
      onFlushed: (durationMs) => {
        options.onFlushed(durationMs);
        this.#report();
      },
      onFailed: (error) => this.#fail(error),
    });
  }

  /**
   * Receives until the stream ends, which `stream.end` then describes. Everything that was written is durable on return.
   * @throws what ended it early: a lost connection, an error of the server, a hole, a full disk, a failed fsync
   */
  async run(): Promise<void> {
    const { stop, timing } = this.#options;
    const timer = setInterval(() => this.#tick(), timing.statusIntervalMs);
    const onStop = (): void => void this.#finish();
    stop.addEventListener('abort', onStop, { once: true });
    try {
      this.#report();
      if (stop.aborted) onStop();
      await this.#receive();
    } catch (error) {
      await this.#flushWhatIsThere();
      throw this.#failure === undefined ? error : this.#failure.error;
    } finally {
      clearInterval(timer);
      stop.removeEventListener('abort', onStop);
    }
  }

  async #receive(): Promise<void> {
    const { stream, writer } = this.#options;
    this.#pullingSinceMs = Date.now();
    for await (const batch of stream) {
      this.#pullingSinceMs = undefined;
      if (!this.#stopping) {
        await writer.write(this.#take(batch));
        if (writer.isBacklogged) await this.#flusher.settled();
        this.#flushOrReply();
      }
      this.#pullingSinceMs = Date.now();
    }
    this.#pullingSinceMs = undefined;
    this.#flusher.request();
    await this.#flusher.settled();
  }

  /** The WAL of a batch; what its messages say besides is noted. */
  #take(batch: readonly ReplicationMessage[]): readonly WalPiece[] {
    const { positions } = this.#options;
    const nowMs = Date.now();
    const pieces: WalPiece[] = [];
    for (const message of batch) {
      positions.heard(message.walEnd, nowMs);
      if (message.kind === 'walData') pieces.push(message);
      else if (message.replyRequested) this.#replyIsDue = true;
    }
    return pieces;
  }

  /** A reply that the server asked for comes after the flush of what is written, as in ProcessKeepaliveMsg. */
  #flushOrReply(): void {
    const { positions, writer, flushPolicy } = this.#options;
    const isUnflushed = positions.writtenLsn > positions.flushedLsn;
    const mustFlush = flushPolicy === 'continuous' ? isUnflushed : writer.hasFullSegments || (isUnflushed && this.#replyIsDue);
    if (mustFlush) this.#flusher.request();
    else if (this.#replyIsDue) this.#report();
  }

  #report(replyRequested = false): void {
    this.#replyIsDue = false;
    const { writeLsn, flushLsn } = this.#options.positions.report();
    // apply is never claimed: nothing is applied here, and remote_apply must not be fooled
    this.#options.stream.sendStandbyStatus({ writeLsn, flushLsn, applyLsn: invalidLsn, replyRequested });
  }

  /** The periodic report, and the look whether the server is still there. Only time spent waiting for it counts. */
  #tick(): void {
    const { timing, positions } = this.#options;
    const silentMs =
      this.#pullingSinceMs === undefined ? 0 : Date.now() - Math.max(this.#pullingSinceMs, positions.lastMessageAtMs);
    if (silentMs >= timing.giveUpAfterMs) {
      this.#fail(new ReceiverError('ERR_SERVER_SILENT', `no message from the server for ${Math.round(silentMs / 1000)} s`));
      return;
    }
    this.#report(silentMs >= timing.askAfterMs);
  }

  /** The end in good order: what was received becomes durable, the server learns so, and CopyDone closes the stream. */
  async #finish(): Promise<void> {
    const { stream, connection } = this.#options;
    try {
      this.#flusher.request();
      await this.#flusher.settled();
      this.#stopping = true;
      stream.stop();
    } catch {
      return; // told by #fail
    }
    const timer = setTimeout(() => void connection[Symbol.asyncDispose](), stopGraceMs);
    timer.unref();
  }

  /** Ends the pull that is waiting; `run` then throws this error and not that of the closed connection. */
  #fail(error: unknown): void {
    this.#failure ??= { error };
    void this.#options.connection[Symbol.asyncDispose]();
  }

  async #flushWhatIsThere(): Promise<void> {
    this.#flusher.request();
    await this.#flusher.settled().catch((error: unknown) => {
      this.#failure ??= { error };
    });
  }
}
