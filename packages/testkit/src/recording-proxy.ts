/**
 * A TCP proxy that changes nothing and writes down what a receiver tells the server: its commands, and every position that it
 * reports. What a slot or pg_stat_replication shows is the server's view of it, at the moment of a look; this is all of it.
 *
 * The connection must be without TLS, which the proxy could not look into (sslmode=disable).
 */
import { once } from 'node:events';
import { type AddressInfo, type Socket, connect, createServer } from 'node:net';
import type { ProxyTarget } from './fault-proxy.ts';

/** A standby status update as it went to the server. Positions of 0 mean "unknown" to it. */
export interface StatusReport {
  /** 1 for the first connection through the proxy, 2 for the next one. */
  readonly connection: number;
  readonly writeLsn: bigint;
  readonly flushLsn: bigint;
  readonly applyLsn: bigint;
  readonly replyRequested: boolean;
  /** How many bytes the server had sent on this connection by then. */
  readonly bytesFromServer: number;
}

/** Starts a proxy: `await using proxy = await recordingProxy({ target: pg })`. */
export async function recordingProxy({ target }: { readonly target: ProxyTarget }): Promise<RecordingProxy> {
  const proxy = new RecordingProxy(target);
  await proxy.listen();
  return proxy;
}

/** A proxy on a port of 127.0.0.1, in front of one server at a time. */
export class RecordingProxy implements AsyncDisposable {
  readonly host = '127.0.0.1';
  readonly #server = createServer((client) => this.#serve(client));
  readonly #sockets = new Set<Socket>();
  readonly #reports: StatusReport[] = [];
  readonly #commands: string[] = [];
  #target: ProxyTarget;
  #connections = 0;

  constructor(target: ProxyTarget) {
    this.#target = target;
  }

  /** Opens the port. */
  async listen(): Promise<void> {
    await once(this.#server.listen(0, this.host), 'listening');
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** All positions that were reported, in the order in which the proxy got them. */
  get reports(): readonly StatusReport[] {
    return this.#reports;
  }

  /** All queries and replication commands, as text. */
  get commands(): readonly string[] {
    return this.#commands;
  }

  /** New connections lead to another server from now on; those that are there are broken. */
  retarget(target: ProxyTarget): void {
    this.#target = target;
    this.cut();
  }

  /** Breaks all connections (RST on both sides). */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  #serve(client: Socket): void {
    this.#connections += 1;
    const connection = this.#connections;
    const server = connect({ host: this.#target.host ?? '127.0.0.1', port: this.#target.port });
    for (const socket of [client, server]) {
      this.#sockets.add(socket.setNoDelay(true));
      const other = socket === client ? server : client;
      socket.on('error', () => other.resetAndDestroy()).on('close', () => this.#sockets.delete(socket));
    }
    const messages = new FrontendMessages();
    client.on('data', (chunk: Buffer) => {
      for (const body of messages.take(chunk)) this.#note(body, connection, server.bytesRead);
    });
    client.pipe(server);
    server.pipe(client);
  }

  /** A message with its type byte, without its length. */
  #note(message: Buffer, connection: number, bytesFromServer: number): void {
    const type = String.fromCharCode(message[0] ?? 0);
    if (type === 'Q') this.#commands.push(message.subarray(1, -1).toString());
    if (type !== 'd' || message[1] !== 'r'.charCodeAt(0)) return;
    const [writeLsn, flushLsn, applyLsn] = [message.readBigUInt64BE(2), message.readBigUInt64BE(10), message.readBigUInt64BE(18)];
    this.#reports.push({ connection, writeLsn, flushLsn, applyLsn, replyRequested: message[34] === 1, bytesFromServer });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.cut();
    await closed;
  }
}

const sslRequest = 80_877_103;
const gssEncRequest = 80_877_104;

/** Cuts what a client sends into messages: those of the startup have no type byte. */
class FrontendMessages {
  #rest: Buffer = Buffer.alloc(0);
  #hasStarted = false;

  take(chunk: Buffer): readonly Buffer[] {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    const messages: Buffer[] = [];
    for (let message = this.#next(); message !== undefined; message = this.#next()) messages.push(message);
    return messages;
  }

  #next(): Buffer | undefined {
    const typeBytes = this.#hasStarted ? 1 : 0;
    if (this.#rest.length < typeBytes + 4) return undefined;
    const end = typeBytes + this.#rest.readInt32BE(typeBytes);
    if (this.#rest.length < end) return undefined;
    const message = Buffer.concat([this.#rest.subarray(0, typeBytes), this.#rest.subarray(typeBytes + 4, end)]);
    if (!this.#hasStarted) this.#hasStarted = ![sslRequest, gssEncRequest].includes(message.readInt32BE(0));
    this.#rest = this.#rest.subarray(end);
    return message;
  }
}
