/**
 * One connection as messages: writing is at once, reading is by pull. What may come at any time (notices, changed
 * parameters) is dealt with here, so that whoever reads sees only the answer to what was asked.
 *
 * A server may be silent for as long as it has nothing to say, but it may not leave a message half said: that, and whatever
 * a caller does {@link Session.within} a time, has to be there within `answerTimeoutMs`, or the session ends.
 *
 * A session that has failed stays failed: each further read throws the same error again, and nothing is written.
 */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { setTimeout as delay } from 'node:timers/promises';
import { type Logger, silentLogger, WalvaultError } from '@walvault/wal';
import { type BackendMessage, BackendMessageParser } from './backend-messages.ts';
import { codeOf, describeCause } from './dial.ts';
import { AnswerTimeoutError, ConnectionLostError, ProtocolViolationError, TlsError } from './errors.ts';
import { terminateMessage } from './frontend-messages.ts';
import type { SocketReader } from './socket-reader.ts';
import { SocketWriter } from './socket-writer.ts';

/** How long the server may take over an answer unless said otherwise. */
const defaultAnswerTimeoutMs = 60_000;
/** Most parameters whose values are kept; PostgreSQL reports about fifteen. */
const mostParameters = 1000;
/** How long a closing session waits for the server to close its side. */
const farewellMs = 1000;

/** What a session is made of. */
export interface SessionOptions {
  readonly signal: AbortSignal;
  readonly log?: Logger | undefined;
  /** In words for messages: `server at "db1", port 5432`. */
  readonly where: string;
}

/** A connected socket that speaks messages. It owns the socket and reads it alone. */
export class Session implements AsyncDisposable {
  readonly where: string;
  /** Parameters that the server has reported, newest value. */
  readonly parameterStatus: Map<string, string> = new Map();
  /** How long the server may take over an answer, and over a message that it has begun, in milliseconds; 0 for no limit. */
  answerTimeoutMs: number = defaultAnswerTimeoutMs;
  readonly #socket: Socket;
  readonly #reader: SocketReader;
  readonly #writer: SocketWriter;
  readonly #parser = new BackendMessageParser();
  readonly #signal: AbortSignal;
  readonly #log: Logger;
  readonly #onAbort = (): void => void this.#socket.destroy();
  #framed: readonly BackendMessage[] = [];
  #next = 0;
  /** The beginning of a message whose end has not arrived. */
  #rest: Buffer = Buffer.alloc(0);
  #failure: { readonly error: unknown } | undefined;
  #closing: Promise<void> | undefined;

  constructor(reader: SocketReader, options: SessionOptions) {
    this.where = options.where;
    this.#reader = reader;
    this.#socket = reader.socket;
    this.#writer = new SocketWriter(reader.socket);
    this.#signal = options.signal;
    this.#log = options.log ?? silentLogger;
    this.#signal.addEventListener('abort', this.#onAbort, { once: true });
    if (this.#signal.aborted) this.#socket.destroy();
  }

  /** The socket when it is encrypted. */
  get tls(): TLSSocket | undefined {
    return this.#socket instanceof TLSSocket ? this.#socket : undefined;
  }

  /** Our own address as the connection sees it; undefined on a Unix socket. */
  get localAddress(): string | undefined {
    return this.#socket.localAddress;
  }

  /** Sends bytes. Never waits and never throws: a broken connection shows at the next read. */
  write(bytes: Buffer): void {
    if (this.#isUsable) this.#writer.write(bytes);
  }

  /** Sends what `encode` gives when it can leave, and of several that wait for that only the last one. Otherwise as {@link write}. */
  writeNewest(encode: () => Buffer): void {
    if (this.#isUsable) this.#writer.writeNewest(encode);
  }

  /**
   * Does what reads this session; unless it is done within {@link answerTimeoutMs}, the session ends.
   * @param what what is waited for, in words that go behind "no".
   * @throws {AnswerTimeoutError} and what the work throws.
   */
  async within<T>(what: string, work: () => Promise<T>): Promise<T> {
    const deadline = this.deadline(what);
    try {
      return await work();
    } finally {
      deadline[Symbol.dispose]();
    }
  }

  /** Ends the session with {@link AnswerTimeoutError} unless it is disposed of in time, see {@link within}. */
  deadline(what: string): Disposable {
    const limitMs = this.answerTimeoutMs;
    if (limitMs <= 0) return { [Symbol.dispose]() {} };
    let isOver = false;
    // When it was this process that stood still, what is waited for is there, and is read before the second look.
    const expire = (): void => void setImmediate(() => isOver || this.fail(this.#tooLate(what, limitMs)));
    const timer = setTimeout(expire, limitMs).unref();
    return {
      [Symbol.dispose]() {
        isOver = true;
        clearTimeout(timer);
      },
    };
  }

  /**
   * The next message, waiting for it. A view in it is valid until the next call that waits.
   * @throws the signal's reason, {@link ConnectionLostError}, {@link ProtocolViolationError} or {@link TlsError};
   * all of them end the session.
   */
  async next(): Promise<BackendMessage> {
    for (;;) {
      const message = this.nextFramed();
      if (message?.kind === 'unreadable') throw this.fail(message.error);
      if (message !== undefined) return message;
      await this.#readMessages();
    }
  }

  /** The next message of those that have arrived already, without waiting. Views are valid until the next {@link next}. */
  nextFramed(): BackendMessage | undefined {
    for (;;) {
      const message = this.#framed[this.#next];
      if (message === undefined) return undefined;
      this.#next += 1;
      if (!this.#takeAside(message)) return message;
    }
  }

  /** The error for a message that has no place where it came, or is none. Ends the session. */
  unexpected(message: BackendMessage, where: string): unknown {
    if (message.kind === 'unreadable') return this.fail(message.error);
    const name = message.kind === 'other' ? message.name : message.kind;
    return this.fail(new ProtocolViolationError(`received ${name} from the server ${where}`));
  }

  /** Ends the session with an error, which each further read throws. Only the first one counts, and is given back. */
  fail(error: unknown): unknown {
    this.#failure ??= { error };
    this.#framed = [];
    this.#next = 0;
    this.#release();
    this.#socket.destroy();
    return this.#failure.error;
  }

  /** Says good-bye if the connection still stands, gives the server a moment to leave, and closes. Idempotent. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#release();
    if (!this.#socket.destroyed) {
      this.#writer.end(terminateMessage());
      const overtime = new AbortController();
      await Promise.race([this.#drain(), delay(farewellMs, undefined, { signal: overtime.signal }).catch(() => {})]);
      overtime.abort();
    }
    this.fail(this.#closedHere());
  }

  get #isUsable(): boolean {
    return this.#failure === undefined && this.#closing === undefined;
  }

  #closedHere(): ConnectionLostError {
    return new ConnectionLostError(`the connection to the ${this.where} was closed here`);
  }

  /** What the server still sends is dropped, so that it can get to our good-bye. */
  async #drain(): Promise<void> {
    try {
      await this.#reader.drain();
    } catch {
      // Gone is gone: whichever way the connection ends is the end that we are waiting for.
    }
  }

  /** Waits for more messages: any time for the first byte, and not for ever for the last byte of one that has begun. */
  async #readMessages(): Promise<void> {
    if (this.#rest.length === 0) return await this.#readMore();
    await this.within('end of a message', async () => {
      do await this.#readMore();
      while (this.#framed.length === 0);
    });
  }

  async #readMore(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure.error;
    if (this.#closing !== undefined) throw this.#closedHere();
    let bytes: Buffer | undefined;
    try {
      bytes = await this.#reader.read(this.#rest);
    } catch (cause) {
      throw this.fail(this.#reasonOf(cause));
    }
    // While it waited, somebody began to close, and #drain takes what follows: what came here is no stream any more.
    if (this.#closing !== undefined) throw this.#closedHere();
    try {
      if (bytes === undefined) throw this.#lost(undefined);
      const { messages, rest } = this.#parser.parse(bytes);
      this.#framed = messages;
      this.#next = 0;
      this.#rest = rest;
    } catch (cause) {
      throw this.fail(this.#reasonOf(cause));
    }
  }

  #reasonOf(cause: unknown): unknown {
    if (this.#signal.aborted) return this.#signal.reason;
    return WalvaultError.is(cause) ? cause : this.#lost(cause);
  }

  #lost(cause: unknown): WalvaultError {
    const code = codeOf(cause);
    if (/^ERR_(SSL|TLS)_/.test(code)) {
      // In TLS 1.3 the server judges our certificate after the handshake, and this is how it says no.
      return new TlsError(`TLS with the ${this.where} failed: ${code}`, {
        hint: 'The server may not have accepted the client certificate (sslcert, sslkey).',
        cause,
      });
    }
    const why = cause === undefined ? 'the server closed it' : describeCause(cause);
    return new ConnectionLostError(`the connection to the ${this.where} was lost: ${why}`, { cause });
  }

  #tooLate(what: string, limitMs: number): AnswerTimeoutError {
    return new AnswerTimeoutError(`no ${what} from the ${this.where} within ${limitMs / 1000} s`, {
      hint: 'The server hangs, or the network between drops packets silently. A new connection shows which.',
    });
  }

  #takeAside(message: BackendMessage): boolean {
    if (message.kind === 'parameterStatus') return this.#keepParameter(message.name, message.value);
    if (message.kind === 'notice') this.#logNotice(message.fields);
    else return false;
    return true;
  }

  /** A server that reports parameters without end is not listened to: what is not kept has no place anywhere. */
  #keepParameter(name: string, value: string): boolean {
    if (this.parameterStatus.size >= mostParameters && !this.parameterStatus.has(name)) return false;
    this.parameterStatus.set(name, value);
    return true;
  }

  #logNotice(fields: ReadonlyMap<string, string>): void {
    const severity = fields.get('V') ?? fields.get('S');
    const level = severity === 'WARNING' ? 'warn' : 'info';
    this.#log[level]({ severity, sqlState: fields.get('C'), detail: fields.get('D') }, `server: ${fields.get('M') ?? ''}`);
  }

  #release(): void {
    this.#signal.removeEventListener('abort', this.#onAbort);
  }
}
