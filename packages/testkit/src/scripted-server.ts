/**
 * A TCP server that says what a test's script says, byte by byte, for everything that a real PostgreSQL will not do on demand:
 * cut in the middle of a message, odd lengths, messages out of order, a flood, silence.
 */
import { once } from 'node:events';
import { type AddressInfo, type Socket, createServer } from 'node:net';

/** A message from the client. */
export interface FrontendMessage {
  /** Type byte as a character; empty for messages without one (startup, SSLRequest, CancelRequest). */
  readonly type: string;
  /** What follows type and length. */
  readonly body: Buffer;
}

/** What the server does with one connection; when it returns, the connection is ended. */
export type ServerScript = (connection: ScriptedConnection) => Promise<void>;

/** Starts a scripted server on a port of 127.0.0.1; the script runs for every connection. */
export async function scriptedServer(script: ServerScript): Promise<ScriptedServer> {
  const server = new ScriptedServer(script);
  await server.listen();
  return server;
}

/** See {@link scriptedServer}. Disposing it throws what a script threw, so that an unmet expectation fails the test. */
export class ScriptedServer implements AsyncDisposable {
  readonly host = '127.0.0.1';
  readonly #script: ServerScript;
  readonly #server = createServer({ noDelay: true }, (socket) => void this.#serve(socket));
  readonly #sockets = new Set<Socket>();
  #accepted = 0;
  #failure: unknown;

  constructor(script: ServerScript) {
    this.#script = script;
  }

  /** Opens the port. */
  async listen(): Promise<void> {
    await once(this.#server.listen(0, this.host), 'listening');
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
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
    this.#accepted += 1;
    try {
      await this.#script(new ScriptedConnection(socket, this.#accepted));
    } catch (error) {
      // A connection that we break at the end makes the script wait in vain: that is no failure.
      if (this.#server.listening) this.#failure ??= error;
    }
    socket.end();
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

/** The server's side of one connection. */
export class ScriptedConnection {
  /** 1 for the first connection to the server, 2 for the next one. */
  readonly number: number;
  readonly #socket: Socket;
  readonly #chunks: AsyncIterator<Buffer>;
  #received: Buffer = Buffer.alloc(0);

  constructor(socket: Socket, number: number) {
    this.#socket = socket;
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
    this.#socket.write(Buffer.concat(messages));
  }

  /** Sends bytes in pieces that the client gets one by one. */
  async sendInPieces(bytes: Buffer, pieceBytes = 1): Promise<void> {
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      this.#socket.write(bytes.subarray(at, at + pieceBytes));
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Waits until the client has closed its side; what it still sends is dropped. */
  async closed(): Promise<void> {
    while ((await this.#chunks.next()).done !== true);
  }

  /** Breaks the connection (RST) at once. */
  reset(): void {
    this.#socket.resetAndDestroy();
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
