/**
 * The receiving side of a socket, by pull: each call takes what has arrived, and lets the socket fill one buffer more while the
 * caller looks at it; without another call nothing is read after that.
 *
 * Node reads a socket into a new buffer of at most 64 KiB each time. At the speed of a WAL stream these buffers keep the
 * garbage collector busier than everything else does the processor, and each is a turn of the event loop with a small write
 * behind it. So large buffers of our own take turns here: while the caller looks at one the next read goes to another.
 *
 *   | headroom | read 1 -----> |        what read 1 left over (the beginning of a message) is copied in front of read 2,
 *   |    rest 1| read 2 -----> |        so that the caller always gets whole messages in one piece
 *   | headroom |               |        the third is for what comes while the first is held and the second is full: only `drain`
 *
 * Node cannot do that for TLS sockets; what they give is copied into the same buffers.
 */
import net from 'node:net';
import { keepReading } from './patient-socket.ts';

/** Most that is taken from the socket at once, by a stream that fills its buffers; and what a quiet one begins with. */
const longestRead = 1024 * 1024;
const shortestRead = 64 * 1024;
/** After so many reads in a row that took less than an eighth of a buffer, the short ones do again. */
const littleReads = 512;
/** Longest rest that is cheap: a message with WAL is half as long. */
const headroom = 256 * 1024;
const bufferCount = 3;
const growth = 4;
const empty = Buffer.alloc(0);

/** Reads one socket, which belongs to whoever made the reader. */
export class SocketReader {
  readonly socket: net.Socket;
  /** Made when it is their turn: many connections of one process are quiet, or never come about. */
  readonly #buffers: Buffer[] = [];
  #readLength = shortestRead;
  #littleInARow = 0;
  #turn = 0;
  #isDraining = false;
  /** For a message that does not fit; it doubles as the message comes in. */
  #large: Buffer = empty;
  /** Read and not asked for yet: one, or two when the second came before anybody could be told of the first. */
  readonly #arrived: Buffer[] = [];
  #isAwaited = false;
  #end: { readonly error: Error | undefined } | undefined;
  #news = Promise.withResolvers<void>();

  private constructor(open: (reader: SocketReader) => net.Socket) {
    this.socket = open(this);
    this.socket.pause();
    this.socket.on('error', (error) => this.#endWith(error));
    this.socket.on('end', () => this.#endWith(undefined));
    this.socket.on('close', () => this.#endWith(undefined));
  }

  /** Starts to connect a socket. Await its 'connect' before reading. */
  static connect(options: net.NetConnectOpts): SocketReader {
    return new SocketReader((reader) => keepReading(net.connect({ ...options, onread: reader.#onRead() })));
  }

  /** Reads a socket that somebody else made, like a TLS socket. Nobody else may read it. */
  static over(socket: net.Socket): SocketReader {
    return new SocketReader((reader) => {
      return keepReading(socket).on('data', (chunk: Buffer) => {
        socket.pause();
        while (chunk.length > reader.#readLength) reader.#readLength *= growth;
        chunk.copy(reader.#room);
        reader.#took(chunk.length);
      });
    });
  }

  /**
   * Waits for bytes and gives all that have arrived; undefined when the connection has ended. They are the caller's until
   * the next call, which takes back what the caller could not use yet.
   * @param rest the end of what the last call gave; it stands at the beginning of what this one gives
   * @throws the error of the socket
   */
  async read(rest: Buffer = empty): Promise<Buffer | undefined> {
    let fresh = this.#arrived.shift();
    while (fresh === undefined) {
      if (this.#end?.error !== undefined) throw this.#end.error;
      if (this.#end !== undefined) return undefined;
      this.socket.resume();
      this.#isAwaited = true;
      await this.#news.promise;
      fresh = this.#arrived.shift();
    }
    const whole = this.#join(rest, fresh);
    if (this.#end === undefined && this.#arrived.length === 0) this.socket.resume(); // one buffer ahead; that is where it stops again
    return whole;
  }

  /**
   * Drops everything that still comes, until the connection has ended. What the last {@link read} gave stays the caller's.
   * @throws the error of the socket
   */
  async drain(): Promise<void> {
    this.#isDraining = true;
    while ((await this.read()) !== undefined);
  }

  get #room(): Buffer {
    const length = headroom + this.#readLength;
    let buffer = this.#buffers[this.#turn];
    if (buffer?.length !== length) buffer = this.#buffers[this.#turn] = Buffer.allocUnsafeSlow(length);
    return buffer.subarray(headroom);
  }

  #onRead(): net.OnReadOpts {
    return {
      buffer: () => this.#room,
      callback: (length) => {
        const isAwaited = this.#isAwaited;
        this.#took(length);
        return isAwaited; // else stop until somebody pulls; starting and stopping for each message costs more than the reading
      },
    };
  }

  /** Bytes have come into the room; the other buffer is next. */
  #took(length: number): void {
    this.#arrived.push(this.#room.subarray(0, length));
    if (!this.#isDraining) this.#turn = (this.#turn + 1) % bufferCount;
    this.#fit(length);
    this.#announce();
  }

  /** The next buffers are as long as the stream has use for. */
  #fit(length: number): void {
    this.#littleInARow = length < this.#readLength / 8 ? this.#littleInARow + 1 : 0;
    if (length === this.#readLength) this.#readLength = Math.max(this.#readLength, Math.min(longestRead, length * growth));
    else if (this.#littleInARow >= littleReads) this.#readLength = shortestRead;
  }

  #endWith(error: Error | undefined): void {
    this.#end ??= { error };
    this.#announce();
  }

  #announce(): void {
    this.#isAwaited = false;
    this.#news.resolve();
    this.#news = Promise.withResolvers<void>();
  }

  #join(rest: Buffer, fresh: Buffer): Buffer {
    if (rest.length > headroom) return this.#joinLarge(rest, fresh);
    this.#large = empty;
    const whole = Buffer.from(fresh.buffer, fresh.byteOffset - rest.length, rest.length + fresh.length);
    rest.copy(whole);
    return whole;
  }

  #joinLarge(rest: Buffer, fresh: Buffer): Buffer {
    const length = rest.length + fresh.length;
    const isInPlace = rest.buffer === this.#large.buffer && rest.byteOffset === 0;
    if (!isInPlace || length > this.#large.length) {
      const larger = this.#large.length < length ? Buffer.allocUnsafeSlow(2 * length) : this.#large;
      rest.copy(larger);
      this.#large = larger;
    }
    fresh.copy(this.#large, rest.length);
    return this.#large.subarray(0, length);
  }
}
