/**
 * A server that says what a test's script says, byte by byte, for everything that a real PostgreSQL will not do on demand:
 * cut in the middle of a message, odd lengths, messages out of order, a flood, silence. Over TCP, TLS or a Unix socket.
 */
import { once } from 'node:events';
import { type AddressInfo, type Socket, createServer } from 'node:net';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { TLSSocket } from 'node:tls';
import type { KeyAndCertificate } from './certificates.ts';

/** A message from the client. */
export interface FrontendMessage {
  /** Type byte as a character; empty for messages without one (startup, SSLRequest, CancelRequest). */
  readonly type: string;
  /** What follows type and length. */
  readonly body: Buffer;
}

/** What the server does with one connection; when it returns, the connection is ended. */
export type ServerScript = (connection: ScriptedConnection) => Promise<void>;

/** How clients come to a scripted server; by TCP in the clear unless said otherwise. */
export interface ScriptedServerOptions {
  /** Every client must ask for TLS (SSLRequest), gets it, and is served by the script inside it. */
  readonly tls?: KeyAndCertificate | undefined;
  /** Listens on the socket file that a server of port 5432 would have in this directory, instead of on TCP. */
  readonly socketDirectory?: string | undefined;
}

/** Starts a scripted server, on a port of 127.0.0.1 unless the options say otherwise; the script runs for every connection. */
export async function scriptedServer(script: ServerScript, options: ScriptedServerOptions = {}): Promise<ScriptedServer> {
  const server = new ScriptedServer(script, options);
  await server.listen();
  return server;
}

/** See {@link scriptedServer}. Disposing it throws what a script threw, so that an unmet expectation fails the test. */
export class ScriptedServer implements AsyncDisposable {
  readonly host = '127.0.0.1';
  readonly #script: ServerScript;
  readonly #options: ScriptedServerOptions;
  readonly #server = createServer({ noDelay: true }, (socket) => void this.#serve(socket));
  readonly #sockets = new Set<Socket>();
  #accepted = 0;
  #failure: unknown;

  constructor(script: ServerScript, options: ScriptedServerOptions = {}) {
    this.#script = script;
    this.#options = options;
  }

  /** Opens the port. */
  async listen(): Promise<void> {
    const { socketDirectory } = this.#options;
    if (socketDirectory === undefined) this.#server.listen(0, this.host);
    else this.#server.listen(join(socketDirectory, '.s.PGSQL.5432'));
    await once(this.#server, 'listening');
  }

  /** The TCP port, or the number in the name of the socket file. */
  get port(): number {
    return this.#options.socketDirectory === undefined ? (this.#server.address() as AddressInfo).port : 5432;
  }

  /** A conninfo string for it, without TLS. */
  get conninfo(): string {
    return `host=${this.host} port=${this.port} user=scripted dbname=postgres sslmode=disable`;
  }

  /** Number of connections so far. */
  get accepted(): number {
    return this.#accepted;
  }

  async #serve(socket: Socket): Promise<void> {
    this.#sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => this.#sockets.delete(socket));
    const number = (this.#accepted += 1);
    const { tls } = this.#options;
    const wire = tls === undefined ? socket : await secure(socket, tls);
    const connection = new ScriptedConnection(wire, number, socket);
    try {
      await this.#script(connection);
    } catch (error) {
      // A connection that we break at the end makes the script wait in vain: that is no failure.
      if (this.#server.listening) this.#failure ??= error;
    }
    await connection.leave();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
    if (this.#failure !== undefined) throw new Error('the script of the server failed', { cause: this.#failure });
  }
}

/** Answers the client's SSLRequest with yes. */
async function secure(socket: Socket, { privateKey, certificate }: KeyAndCertificate): Promise<Socket> {
  await new Promise((resolve) => void socket.once('data', resolve));
  socket.pause();
  socket.write('S');
  return new TLSSocket(socket, { isServer: true, key: privateKey, cert: certificate }).on('error', () => undefined);
}

/** The server's side of one connection. */
export class ScriptedConnection {
  /** 1 for the first connection to the server, 2 for the next one. */
  readonly number: number;
  readonly #socket: Socket;
  /** What carries the socket: the same one, or what is below TLS. */
  readonly #carrier: Socket;
  readonly #chunks: AsyncIterator<Buffer>;
  #received: Buffer = Buffer.alloc(0);
  #sentBytes = 0;

  constructor(socket: Socket, number: number, carrier: Socket = socket) {
    this.#socket = socket;
    this.#carrier = carrier;
    this.number = number;
    this.#chunks = socket.iterator({ destroyOnReturn: false })[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  /** Reads a message without a type byte: StartupMessage, SSLRequest, CancelRequest. */
  async startup(): Promise<FrontendMessage> {
    const length = (await this.#peek(4)).readInt32BE();
    return { type: '', body: (await this.#take(length)).subarray(4) };
  }

  /** Reads the next message. */
  async receive(): Promise<FrontendMessage> {
    const head = await this.#peek(5);
    const bytes = await this.#take(1 + head.readInt32BE(1));
    return { type: String.fromCharCode(head[0] ?? 0), body: bytes.subarray(5) };
  }

  /**
   * Reads the next message, which must be of this type; gives its body.
   * @throws {Error} when it is another one, or the client has gone
   */
  async expect(type: string): Promise<Buffer> {
    const message = await this.receive();
    if (message.type !== type)
      throw new Error(`expected a message of type "${type}", got "${message.type}" (${message.body.toString('hex')})`);
    return message.body;
  }

  /** Reads a simple query; gives its text. */
  async query(): Promise<string> {
    return (await this.expect('Q')).subarray(0, -1).toString();
  }

  /** Startup, authentication without a password, ready: what comes before what most tests are about. The client's parameters by name. */
  async welcome(greeting: Buffer): Promise<Record<string, string>> {
    const { body } = await this.startup();
    this.send(greeting);
    const words = body.subarray(4).toString().split('\0');
    const pairs = words.flatMap((word, index) => (index % 2 === 0 && word !== '' ? [[word, words[index + 1] ?? '']] : []));
    return Object.fromEntries(pairs) as Record<string, string>;
  }

  /** Sends bytes as they are. */
  send(...messages: readonly Buffer[]): void {
    this.#write(Buffer.concat(messages));
  }

  /** Sends bytes in pieces that the client, if it is in this process and reads, gets one by one. */
  async sendInPieces(bytes: Buffer, pieceBytes = 1): Promise<void> {
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      this.#write(bytes.subarray(at, at + pieceBytes));
      await this.#taken();
    }
  }

  /** Sends bytes in two pieces that the client, if it is in this process and reads, gets one by one. */
  async sendCut(bytes: Buffer, at: number): Promise<void> {
    for (const piece of [bytes.subarray(0, at), bytes.subarray(at)]) {
      this.#write(piece);
      await this.#taken();
    }
  }

  /** Sends all of these, each when the client has made room for it. @throws {Error} when the client is gone before that */
  async sendAll(messages: Iterable<Buffer>): Promise<void> {
    for (const message of messages) {
      if (this.#socket.destroyed) throw new Error('the client closed the connection');
      if (!this.#write(message)) await this.#drained();
    }
  }

  /** How many bytes of what the script sent have left this process so far, TLS and its own bytes not counted. */
  get sentBytes(): number {
    return this.#sentBytes;
  }

  /** Ends our side, and waits until the client has gone. */
  async leave(): Promise<void> {
    this.#socket.end();
    await this.closed();
  }

  /** Waits until the client has closed its side or broken the connection; what it still sends is dropped. */
  async closed(): Promise<void> {
    try {
      while ((await this.#chunks.next()).done !== true);
    } catch {
      // A client that breaks the connection has gone, too.
    }
  }

  /** Breaks the connection at once; by RST where there is one, which is on TCP. */
  reset(): void {
    if (this.#carrier.remotePort === undefined) this.#carrier.destroy();
    else this.#carrier.resetAndDestroy();
  }

  #write(bytes: Buffer): boolean {
    return this.#socket.write(bytes, (error) => (this.#sentBytes += error == null ? bytes.length : 0));
  }

  async #drained(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const events = ['drain', 'close'] as const;
    for (const event of events) this.#socket.once(event, resolve);
    await promise;
    for (const event of events) this.#socket.off(event, resolve);
  }

  /** Waits until a client in this process that reads has got what was written: a turn may end before its socket is looked at. */
  async #taken(): Promise<void> {
    while (this.#socket.writableLength > 0) await nextTurn();
    await nextTurn();
    await nextTurn();
  }

  async #peek(bytes: number): Promise<Buffer> {
    while (this.#received.length < bytes) {
      const { done, value } = await this.#chunks.next();
      if (done === true) throw new Error('the client closed the connection');
      this.#received = Buffer.concat([this.#received, value]);
    }
    return this.#received.subarray(0, bytes);
  }

  async #take(bytes: number): Promise<Buffer> {
    const taken = await this.#peek(bytes);
    this.#received = this.#received.subarray(bytes);
    return taken;
  }
}
