/**
 * The sending side of a socket. Nothing here waits, and nothing throws: a broken connection shows at the next read.
 *
 * What is repeated all the time, like how far we are, goes out by {@link SocketWriter.writeNewest}: one of them is on its way
 * and one waits. So a server that does not read finds what is true when it reads again, and it costs no memory here.
 */
import type { Socket } from 'node:net';

/** Writes to one socket, which belongs to whoever made the writer. Nobody else may write to it. */
export class SocketWriter {
  readonly #socket: Socket;
  #newest: (() => Buffer) | undefined;
  #isOnItsWay = false;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Sends bytes behind all that was given before. */
  write(bytes: Buffer): void {
    this.#sendNewest();
    if (this.#socket.writable) this.#socket.write(bytes);
  }

  /**
   * Sends what `encode` gives, which is called when it can leave. What still waits then is forgotten: of several that are
   * given while the kernel takes no more, or in one turn of the event loop, the last one is sent.
   */
  writeNewest(encode: () => Buffer): void {
    this.#newest = encode;
    if (!this.#isOnItsWay) this.#sendNewest();
  }

  /** Sends the last bytes, behind all that was given before. Nothing is sent after them. */
  end(bytes: Buffer): void {
    this.#sendNewest();
    this.#socket.end(bytes);
  }

  #sendNewest(): void {
    const encode = this.#newest;
    this.#newest = undefined;
    if (encode === undefined || !this.#socket.writable) return;
    this.#isOnItsWay = true;
    this.#socket.write(encode(), () => {
      this.#isOnItsWay = false;
      this.#sendNewest();
    });
  }
}
