/**
 * One CopyBoth stream from its first message to its end: pull, write, flush, report.
 *
 *   pull a batch -> write its WAL -> ask for a flush -> (flush done) -> tell the server -> pull the next batch
 *
 * The flush runs beside the pulls, which wait for it where a segment ends. Nothing but the positions goes back to the
 * server, and a flush position only after its fsync.
 */
import type { ReplicationConnection, ReplicationMessage, ReplicationStream } from '@walvault/protocol';
import { invalidLsn, type Lsn } from '@walvault/wal';
import { ReceiverError } from './errors.ts';
import { GroupFlush } from './group-flush.ts';
import type { Positions } from './positions.ts';
import type { SegmentWriter, WalPiece } from './segment-writer.ts';
import type { StatusTiming } from './status-timing.ts';

/** What a {@link StreamSession} works with. */
export interface StreamSessionOptions {
  readonly connection: ReplicationConnection;
  readonly stream: ReplicationStream;
  /** Asks this session for a flush when a segment is full; see {@link StreamSession.flushSoon}. */
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
  /** The server has asked for a reply; it is the one that comes when this is flushed. */
  #replyDueAt: Lsn | undefined;
  /** The next flush takes along what does not fill a segment yet. */
  #mustFlushAll = false;
  /** By the monotonic clock, since the other one can be set. Undefined while a batch is being worked on. */
  #pullingSinceMs: number | undefined;
  #askedAtMs: number | undefined;
  #failure: { readonly error: unknown } | undefined;
  #finishing: Promise<void> | undefined;
  /** CopyDone is sent: all that was received is durable and the server knows. */
  #isFinished = false;
  #graceTimer: NodeJS.Timeout | undefined;

  constructor(options: StreamSessionOptions) {
    const { positions, writer } = options;
    this.#options = options;
    let flushedBefore = positions.flushedLsn;
    this.#flusher = new GroupFlush({
      flush: async () => {
        flushedBefore = positions.flushedLsn;
        const isFullOnly = options.flushPolicy === 'segment' && !this.#mustFlushAll;
        this.#mustFlushAll = false;
        await writer.flush(isFullOnly);
      },
      onFlushed: (durationMs) => {
        if (positions.flushedLsn > flushedBefore) options.onFlushed(durationMs);
        this.#report();
      },
      onFailed: (error) => this.#fail(error),
    });
  }

  /** Asks for a flush, which runs beside the pulls. */
  flushSoon(): void {
    this.#flusher.request();
  }

  /**
   * Receives until the stream ends, which `stream.end` then describes. Everything that was written is durable on return.
   * @throws what ended it early: a lost connection, an error of the server, a hole, a full disk, a failed fsync. The
   * connection is closed then.
   */
  async run(): Promise<void> {
    const { connection, stop, timing } = this.#options;
    const timer = setInterval(() => this.#tick(), timing.statusIntervalMs);
    const onStop = (): void => {
      if (this.#pullingSinceMs !== undefined) void this.#finish(); // else it is done behind the batch at hand
    };
    stop.addEventListener('abort', onStop, { once: true });
    try {
      this.#report();
      await this.#receive();
    } catch (error) {
      if (this.#isFinished) return; // the server did not say good-bye as it should, and nothing hangs on that
      this.#replyDueAt = undefined; // nothing is claimed any more that is not whole
      await this.#flushWhatIsThere();
      await connection[Symbol.asyncDispose]();
      throw this.#failure === undefined ? error : this.#failure.error;
    } finally {
      this.#pullingSinceMs = undefined;
      clearInterval(timer);
      clearTimeout(this.#graceTimer);
      stop.removeEventListener('abort', onStop);
    }
  }

  async #receive(): Promise<void> {
    const { stream, stop } = this.#options;
    if (stop.aborted) await this.#finish();
    this.#pullingSinceMs = performance.now();
    for await (const batch of stream) {
      this.#pullingSinceMs = undefined;
      this.#askedAtMs = undefined;
      if (this.#failure !== undefined) throw this.#failure.error; // the connection is being closed: nothing after that counts
      if (this.#finishing === undefined) await this.#consume(batch);
      if (stop.aborted) await this.#finish();
      this.#pullingSinceMs = performance.now();
    }
    this.#pullingSinceMs = undefined;
    await this.#flushed();
  }

  async #consume(batch: readonly ReplicationMessage[]): Promise<void> {
    const { writer, positions, flushPolicy } = this.#options;
    await writer.write(this.#take(batch));
    if (batch.some((message) => message.kind === 'primaryKeepalive' && message.replyRequested))
      this.#replyDueAt = positions.writtenLsn;
    this.#flushOrReply();
    if (flushPolicy === 'continuous' && positions.writtenLsn >= positions.serverLsn) writer.prepareNext();
  }

  /** The WAL of a batch; what its messages say about the server is noted. */
  #take(batch: readonly ReplicationMessage[]): readonly WalPiece[] {
    const { positions } = this.#options;
    const nowMs = Date.now();
    const pieces: WalPiece[] = [];
    for (const message of batch) {
      positions.heard(message.walEnd, nowMs, message.sendTimeUs / 1000);
      if (message.kind === 'walData') pieces.push(message);
    }
    return pieces;
  }

  /** A reply that the server asked for comes after the flush of what is written, as in ProcessKeepaliveMsg. */
  #flushOrReply(): void {
    const { positions, flushPolicy } = this.#options;
    const isUnflushed = positions.writtenLsn > positions.flushedLsn;
    const isReplyDue = this.#replyDueAt !== undefined;
    if (isUnflushed && (flushPolicy === 'continuous' || isReplyDue)) this.#flushAllSoon();
    else if (isReplyDue) this.#report();
  }

  #flushAllSoon(): void {
    this.#mustFlushAll = true;
    this.#flusher.request();
  }

  /** Waits until all that is written by now is durable. */
  async #flushed(): Promise<void> {
    const { positions } = this.#options;
    if (positions.writtenLsn > positions.flushedLsn) this.#flushAllSoon();
    await this.#flusher.settled();
  }

  #report(replyRequested = false): void {
    const { positions } = this.#options;
    const isReply = this.#replyDueAt !== undefined && positions.flushedLsn >= this.#replyDueAt;
    if (isReply) this.#replyDueAt = undefined;
    const { writeLsn, flushLsn } = positions.report(isReply);
    // apply is never claimed: nothing is applied here, and remote_apply must not be fooled
    this.#options.stream.sendStandbyStatus({ writeLsn, flushLsn, applyLsn: invalidLsn, replyRequested });
  }

  /** The periodic report, and the look whether the server is still there. Only time spent waiting for it counts. */
  #tick(): void {
    const { askAfterMs, giveUpAfterMs } = this.#options.timing;
    const nowMs = performance.now();
    const isSilent = this.#pullingSinceMs !== undefined && nowMs - this.#pullingSinceMs >= askAfterMs;
    if (isSilent) this.#askedAtMs ??= nowMs;
    this.#report(isSilent);
    if (this.#askedAtMs === undefined || nowMs - this.#askedAtMs < giveUpAfterMs - askAfterMs) return;
    // When it was this process that stood still, the answer is there and is read before this runs.
    setImmediate(() => this.#giveUp());
  }

  #giveUp(): void {
    if (this.#askedAtMs === undefined || this.#pullingSinceMs === undefined) return;
    const seconds = Math.round((performance.now() - this.#pullingSinceMs) / 1000);
    this.#fail(
      new ReceiverError('ERR_SERVER_SILENT', `no message from the server for ${seconds} s`, {
        hint: 'The server hangs, or the network between drops packets silently. A new connection shows which.',
      }),
    );
  }

  /** The end in good order: what was received becomes durable, the server learns so, and CopyDone closes the stream. */
  #finish(): Promise<void> {
    this.#finishing ??= this.#stopStream();
    return this.#finishing;
  }

  async #stopStream(): Promise<void> {
    const { stream, connection } = this.#options;
    try {
      await this.#flushed();
    } catch {
      return; // told by #fail
    }
    this.#report();
    stream.stop();
    this.#isFinished = true;
    this.#graceTimer = setTimeout(() => void connection[Symbol.asyncDispose](), stopGraceMs).unref();
  }

  /** Ends the pull that is waiting; `run` then throws this error and not that of the closed connection. */
  #fail(error: unknown): void {
    const { connection, writer } = this.#options;
    this.#failure ??= { error };
    writer.giveUp(error);
    void connection[Symbol.asyncDispose]();
  }

  async #flushWhatIsThere(): Promise<void> {
    await this.#flushed().catch((error: unknown) => {
      this.#failure ??= { error };
    });
  }
}
