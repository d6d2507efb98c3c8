/**
 * The WAL stream: CopyBoth mode as something to pull from ("START_REPLICATION" in the protocol chapter; receivelog.c).
 *
 * One pull gives all messages that have arrived, as views on the read buffer; the socket is not read before the next pull.
 * So a slow consumer slows the server down, and bytes are never copied on the way. The sending direction is apart from
 * that: a status can be sent at any time, also while nobody pulls.
 */
import assert from 'node:assert/strict';
import { type Lsn, parseLsn, type TimelineId } from '@walvault/wal';
import type { BackendMessage } from './backend-messages.ts';
import { onlyRow, readResults, requiredText, type ResultSet } from './command-result.ts';
import { ConnectionLostError, ProtocolViolationError } from './errors.ts';
import { copyDoneMessage } from './frontend-messages.ts';
import { decodeReplicationMessage, type ReplicationMessage } from './replication-messages.ts';
import type { Session } from './session.ts';
import { parseTimelineId } from './command-values.ts';
import { encodeStandbyStatus, type StandbyStatus } from './standby-status.ts';

/** The timeline ends; all of it has been received. The stream goes on with the next one at `nextStartLsn`. */
export interface EndOfTimeline {
  readonly kind: 'endOfTimeline';
  readonly nextTimelineId: TimelineId;
  /** The switchpoint: the first byte that belongs to the next timeline. */
  readonly nextStartLsn: Lsn;
}

/**
 * How a stream ended. After `endOfTimeline` and `stopped` the connection takes commands again (unless the server shut down
 * just while it was stopped); after `serverShutdown` it is closed, and all WAL that the server had has been received.
 */
export type StreamEnd = EndOfTimeline | { readonly kind: 'serverShutdown' } | { readonly kind: 'stopped' };

/**
 * A running WAL stream. Each value is what has arrived since the last one, in order and never empty.
 *
 * The messages of a batch and their `data` are valid ONLY until the next pull: use them up or copy them. Pull from one
 * place at a time. Leaving a `for await` loop does not end the stream; iterating again goes on behind the last batch.
 */
export class ReplicationStream implements AsyncIterable<readonly ReplicationMessage[]> {
  /** Tells a stream from an {@link EndOfTimeline}, the other answer to START_REPLICATION. */
  readonly kind = 'stream';
  readonly #session: Session;
  #end: StreamEnd | undefined;
  #failure: { readonly error: unknown } | undefined;
  #isStopping = false;
  /** From {@link stop} to the end: what the server has to be done within. */
  #deadline: Disposable | undefined;
  /** A status that waits to be sent, or one that it has taken the place of, asks for a reply. */
  #asksForReply = false;
  #isPulling = false;
  /** A message that is not WAL, found behind a batch and kept for the next pull. */
  #control: BackendMessage | undefined;

  /** @internal */
  constructor(session: Session) {
    this.#session = session;
  }

  /** How the stream ended; undefined before the iterator is done, and for ever when it threw. */
  get end(): StreamEnd | undefined {
    return this.#end;
  }

  /** Whether the server still streams as far as we know. While it does, the connection takes no other command. */
  get isOpen(): boolean {
    return this.#end === undefined && this.#failure === undefined;
  }

  /**
   * Tells the server how far we are. Does nothing after {@link stop} and after the end.
   * May be called at any time; it never waits. While the server does not read, the last status takes the place of those
   * before it; a reply that one of them asked for is asked for by the one that is sent.
   */
  sendStandbyStatus(status: StandbyStatus): void {
    if (this.#isStopping || !this.isOpen) return;
    this.#asksForReply ||= status.replyRequested === true;
    this.#session.writeNewest(() => {
      const replyRequested = this.#asksForReply;
      this.#asksForReply = false;
      return encodeStandbyStatus({ ...status, replyRequested }, Date.now() * 1000);
    });
  }

  /**
   * Asks the server to end the stream. What it still sends is dropped; pull until done to see it agree. A server that does
   * not agree in time loses the connection (`AnswerTimeoutError`). Idempotent.
   */
  stop(): void {
    if (this.#isStopping || !this.isOpen) return;
    this.#isStopping = true;
    this.#session.write(copyDoneMessage());
    this.#deadline = this.#session.deadline('end of the stream');
  }

  /**
   * Pulls. Done when the stream has ended well; {@link end} then says how.
   * A pull throws `ServerError` when the server ends the stream with an error (the connection takes commands again
   * unless the error is terminal), {@link ConnectionLostError}, `AnswerTimeoutError` for a message that stays half
   * said, {@link ProtocolViolationError}, or the signal's reason. It has no limit while the server says nothing, for an
   * idle server may: whoever needs to know asks for a reply by {@link sendStandbyStatus}.
   */
  [Symbol.asyncIterator](): AsyncIterator<readonly ReplicationMessage[], undefined> {
    return { next: () => this.#pull() };
  }

  async #pull(): Promise<IteratorResult<readonly ReplicationMessage[], undefined>> {
    assert.ok(!this.#isPulling, 'a replication stream is pulled from one place at a time');
    if (this.#failure !== undefined) throw this.#failure.error;
    if (this.#end !== undefined) return { done: true, value: undefined };
    this.#isPulling = true;
    try {
      const batch = await this.#nextBatch();
      return batch === undefined ? { done: true, value: undefined } : { done: false, value: batch };
    } catch (error) {
      this.#failure = { error };
      if (error instanceof ProtocolViolationError) this.#session.fail(error);
      throw error;
    } finally {
      this.#isPulling = false;
      if (!this.isOpen) this.#deadline?.[Symbol.dispose]();
    }
  }

  async #nextBatch(): Promise<readonly ReplicationMessage[] | undefined> {
    for (;;) {
      let message: BackendMessage | undefined = this.#control ?? (await this.#session.next());
      this.#control = undefined;
      const batch: ReplicationMessage[] = [];
      while (message?.kind === 'copyData') message = this.#take(message.data, batch);
      if (batch.length > 0) {
        this.#control = message;
        return batch;
      }
      if (message !== undefined) {
        this.#end = await this.#finish(message);
        return undefined;
      }
    }
  }

  /** Adds one message to the batch and gives the one behind it, if it has arrived. */
  #take(data: Buffer, batch: ReplicationMessage[]): BackendMessage | undefined {
    try {
      if (!this.#isStopping) batch.push(decodeReplicationMessage(data));
      return this.#session.nextFramed();
    } catch (error) {
      return { kind: 'unreadable', error };
    }
  }

  /** Everything but WAL ends the stream. */
  async #finish(message: BackendMessage): Promise<StreamEnd> {
    if (message.kind === 'copyDone' || message.kind === 'error') return await this.#finishCopy(message);
    if (message.kind !== 'commandComplete' || !message.tag.startsWith('COPY ')) {
      throw this.#session.unexpected(message, 'in the WAL stream');
    }
    // "COPY 0" in the middle of the stream: the server has shut down, having sent all that it has (WalSndDone).
    this.#session.fail(new ConnectionLostError(`the ${this.#session.where} was shut down`));
    return this.#isStopping ? { kind: 'stopped' } : { kind: 'serverShutdown' };
  }

  /** An error ends the copy in both directions: no CopyDone after it, and "ready for query" follows, if it is not terminal. */
  async #finishCopy(message: BackendMessage): Promise<StreamEnd> {
    const wasStopped = this.#isStopping;
    if (message.kind === 'copyDone' && !wasStopped) this.#session.write(copyDoneMessage());
    this.#isStopping = true;
    const first = message.kind === 'error' ? message : undefined;
    const results = await this.#session.within('end of the stream', () => readResults(this.#session, first));
    // Who has dropped data after stopping must not be told that the timeline was received to its end.
    return wasStopped ? { kind: 'stopped' } : readEndOfTimeline(results);
  }
}

/**
 * Reads the result set that ends a timeline: next_tli, next_tli_startpos. Whether they fit to what was streamed is for those
 * to judge who know that.
 * @throws {ProtocolViolationError} when it is not there or makes no sense.
 */
export function readEndOfTimeline(results: readonly ResultSet[]): EndOfTimeline {
  try {
    const row = onlyRow(results);
    return {
      kind: 'endOfTimeline',
      nextTimelineId: parseTimelineId(requiredText(row, 'next_tli')),
      nextStartLsn: parseLsn(requiredText(row, 'next_tli_startpos')),
    };
  } catch (cause) {
    throw new ProtocolViolationError('the server ended the stream without saying where the timeline goes on', { cause });
  }
}
