/**
 * A TCP proxy that a test puts between client and server to break the network: cut, silent (half-open), slow, late.
 */
import { once } from 'node:events';
import { type AddressInfo, type Socket, connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Where a proxy forwards to. */
export interface ProxyTarget {
  readonly port: number;
  /** Default `127.0.0.1`. */
  readonly host?: string | undefined;
}

/** Starts a proxy: `await using proxy = await faultProxy({ target: pg })`. */
export async function faultProxy({ target }: { readonly target: ProxyTarget }): Promise<FaultProxy> {
  const proxy = new FaultProxy(target);
  await proxy.listen();
  return proxy;
}

/** A proxy on a port of 127.0.0.1. Faults apply to connections that are there and to new ones. */
export class FaultProxy implements AsyncDisposable {
  readonly host = '127.0.0.1';
  readonly #target: ProxyTarget;
  readonly #server = createServer({ allowHalfOpen: true }, (client) => this.#serve(client));
  readonly #sockets = new Set<Socket>();
  #gate = Promise.withResolvers<void>();
  #bytesPerSecond = Infinity;
  #delayMs = 0;
  #bytesUntilCut = Infinity;

  constructor(target: ProxyTarget) {
    this.#target = target;
    this.#gate.resolve();
  }

  /** Opens the port. */
  async listen(): Promise<void> {
    await once(this.#server.listen(0, this.host), 'listening');
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Number of connections that go through. */
  get connections(): number {
    return Math.ceil(this.#sockets.size / 2);
  }

  /** Breaks all connections (RST on both sides). New ones are welcome. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** Lets so many more bytes from the server through, then cuts, in the middle of whatever it is. */
  cutAfter(bytes: number): void {
    this.#bytesUntilCut = bytes;
  }

  /** From now on nothing gets through in either direction, not even the end of a connection, and no connection is closed. */
  stall(): void {
    this.#gate = Promise.withResolvers<void>();
  }

  /** Lets everything through that has waited since {@link stall}. */
  resume(): void {
    this.#gate.resolve();
  }

  /** Limits each direction of each connection; `Infinity` takes the limit away. */
  throttle(bytesPerSecond: number): void {
    this.#bytesPerSecond = bytesPerSecond;
  }

  /** Holds every piece of data back for a while before it goes on. */
  delay(ms: number): void {
    this.#delayMs = ms;
  }

  #serve(client: Socket): void {
    const server = connect({ host: this.#target.host ?? '127.0.0.1', port: this.#target.port, allowHalfOpen: true });
    for (const socket of [client, server]) {
      this.#sockets.add(socket.setNoDelay(true));
      socket.on('error', () => undefined).on('close', () => this.#sockets.delete(socket));
    }
    void this.#forward(client, server, (chunk) => chunk);
    void this.#forward(server, client, (chunk) => this.#countDown(chunk));
  }

  async #forward(from: Socket, to: Socket, filter: (chunk: Buffer) => Buffer): Promise<void> {
    try {
      // Reading to the end must not close the other direction.
      for await (const chunk of from.iterator({ destroyOnReturn: false })) await this.#pass(filter(chunk as Buffer), to);
      await this.#gate.promise;
      to.end();
    } catch {
      // One side broke: so does the other, unless the proxy plays dead.
      await this.#gate.promise;
      from.resetAndDestroy();
      to.resetAndDestroy();
    }
  }

  async #pass(chunk: Buffer, to: Socket): Promise<void> {
    if (this.#delayMs > 0) await sleep(this.#delayMs);
    for (let at = 0; at < chunk.length; ) {
      await this.#gate.promise;
      const piece = chunk.subarray(at, at + Math.max(1, Math.min(chunk.length, Math.floor(this.#bytesPerSecond / 20))));
      if (this.#bytesPerSecond !== Infinity) await sleep((1000 * piece.length) / this.#bytesPerSecond);
      if (!to.write(piece)) await Promise.race([once(to, 'drain'), once(to, 'close')]);
      if (to.destroyed) throw new Error('the receiver is gone');
      at += piece.length;
    }
    if (this.#bytesUntilCut <= 0) this.#cutOnce(to);
  }

  #countDown(chunk: Buffer): Buffer {
    const passed = chunk.subarray(0, this.#bytesUntilCut);
    this.#bytesUntilCut -= passed.length;
    return passed;
  }

  /** What was written still goes out, then the connections break. */
  #cutOnce(to: Socket): void {
    this.#bytesUntilCut = Infinity;
    to.end(() => this.cut());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return;
    this.resume();
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.cut();
    await closed;
  }
}
