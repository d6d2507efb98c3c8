/**
 * A server that does what a script says, for what PostgreSQL will not do on demand: lie, stop in the middle of a message,
 * send nonsense. Each connection runs the script once, from the first byte on.
 */
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';

/** The other end of one connection, as the script sees it. */
export class ScriptedClient {
  readonly socket: net.Socket;
  readonly #chunks: AsyncIterator<Buffer>;
  #rest = Buffer.alloc(0);

  constructor(socket: net.Socket) {
    this.socket = socket.on('error', () => undefined);
    this.#chunks = socket.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>;
  }

  send(...messages: readonly Buffer[]): void {
    this.socket.write(Buffer.concat(messages));
  }

  /** Exactly so many bytes from the client. Throws at its end. */
  async read(length: number): Promise<Buffer> {
    while (this.#rest.length < length) {
      const { done, value } = await this.#chunks.next();
      if (done === true) throw new Error('the client has left');
      this.#rest = Buffer.concat([this.#rest, value]);
    }
    const bytes = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(length);
    return bytes;
  }

  /** The startup packet, or an SSLRequest: its body. */
  async startupPacket(): Promise<Buffer> {
    return await this.read((await this.read(4)).readInt32BE() - 4);
  }

  /** The next message: its type and its body. */
  async message(): Promise<{ type: string; body: Buffer }> {
    const header = await this.read(5);
    return { type: header.toString('latin1', 0, 1), body: await this.read(header.readInt32BE(1) - 4) };
  }

  /** Reads until a message of this type comes and gives its body. */
  async expect(type: string): Promise<Buffer> {
    const message = await this.message();
    if (message.type !== type) throw new Error(`the client sent "${message.type}" where "${type}" was expected`);
    return message.body;
  }

  /** Takes whatever comes until the client leaves; its good-bye is answered by closing. */
  async drain(): Promise<void> {
    while ((await this.#chunks.next()).done !== true);
  }

  /** Lets the client in without asking, and reports a version. */
  async welcome(version = '18.4'): Promise<void> {
    await this.startupPacket();
    this.send(message('R', int32(0)), parameterStatus('server_version', version), message('K', int32(77), int32(88)), ready);
  }

  /** Lets the client in and answers its START_REPLICATION with CopyBothResponse. */
  async welcomeStream(): Promise<void> {
    await this.welcome();
    await this.expect('Q');
    this.send(copyBoth);
  }
}

export interface ScriptedServer extends AsyncDisposable {
  readonly port: number;
  /** Connections so far. */
  readonly connections: number;
  /** Errors of the scripts, such as a client that left early. */
  readonly errors: readonly unknown[];
}

/** Starts a server on a port of 127.0.0.1. When a script returns, its connection stays open until the client
 * leaves. */
export async function scriptedServer(
  script: (client: ScriptedClient, connection: number) => Promise<void>,
): Promise<ScriptedServer> {
  const sockets = new Set<net.Socket>();
  const errors: unknown[] = [];
  let connections = 0;
  const server = net.createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    connections += 1;
    const client = new ScriptedClient(socket);
    script(client, connections)
      .then(() => client.drain())
      .catch((error: unknown) => errors.push(error));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    errors,
    get connections() {
      return connections;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A message: type byte, length, body. */
export function message(type: string, ...body: readonly (Buffer | string)[]): Buffer {
  const bytes = Buffer.concat(body.map((part) => Buffer.from(part as string)));
  return Buffer.concat([Buffer.from(type, 'latin1'), int32(bytes.length + 4), bytes]);
}

export function int16(value: number): Buffer {
  return Buffer.of(value >> 8, value & 0xff);
}

export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

export function int64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
}

export const ready: Buffer = message('Z', 'I');
export const copyBoth: Buffer = message('W', Buffer.of(0), int16(0));
export const copyDone: Buffer = message('c');

export function parameterStatus(name: string, value: string): Buffer {
  return message('S', `${name}\0${value}\0`);
}

/** ErrorResponse or NoticeResponse out of fields: `{ V: 'ERROR', C: '58P01', M: 'text' }`. */
export function serverMessage(type: 'E' | 'N', fields: Readonly<Record<string, string>>): Buffer {
  return message(type, ...Object.entries(fields).map(([code, value]) => `${code}${value}\0`), '\0');
}

export function commandComplete(tag: string): Buffer {
  return message('C', `${tag}\0`);
}

export function rowDescription(...columns: readonly string[]): Buffer {
  const fields = columns.map((name) =>
    Buffer.concat([Buffer.from(`${name}\0`), int32(0), int16(0), int32(25), int16(-1), int32(-1), int16(0)]),
  );
  return message('T', int16(columns.length), ...fields);
}

export function dataRow(...values: readonly (string | Buffer | null)[]): Buffer {
  const columns = values.map((value) =>
    value === null ? int32(-1) : Buffer.concat([int32(Buffer.byteLength(value)), Buffer.from(value as string)]),
  );
  return message('D', int16(values.length), ...columns);
}

/** WALData in CopyData. */
export function walData(dataStart: bigint, data: Buffer): Buffer {
  return message('d', 'w', int64(dataStart), int64(dataStart + BigInt(data.length)), int64(0n), data);
}

/** Primary keepalive in CopyData. */
export function keepalive(walEnd: bigint, replyRequested: boolean): Buffer {
  return message('d', 'k', int64(walEnd), int64(0n), Buffer.of(replyRequested ? 1 : 0));
}
