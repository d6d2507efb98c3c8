import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SocketReader } from './socket-reader.ts';

interface Line extends AsyncDisposable {
  readonly reader: SocketReader;
  /** The other end. */
  readonly peer: Socket;
}

/** A reader of either kind and the other end of its socket. */
async function openLine(kind: 'own' | 'given'): Promise<Line> {
  const server = createServer({ noDelay: true });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const options = { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
  const reader = kind === 'own' ? SocketReader.connect(options) : SocketReader.over(connect(options));
  const [[peer]] = (await Promise.all([once(server, 'connection'), once(reader.socket, 'connect')])) as [[Socket], unknown];
  peer.on('error', () => {});
  return {
    reader,
    peer,
    [Symbol.asyncDispose]: async () => {
      reader.socket.destroy();
      peer.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Bytes that tell where they belong. */
function pattern(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; at += 1) bytes[at] = (at * 31 + (at >> 8)) & 0xff;
  return bytes;
}

/** Takes the stream in messages of these lengths, the way a parser does: whole ones only, the rest goes back. */
async function readMessages(reader: SocketReader, lengths: readonly number[]): Promise<Buffer[]> {
  const messages: Buffer[] = [];
  let rest: Buffer | undefined;
  while (messages.length < lengths.length) {
    const bytes: Buffer = (await reader.read(rest)) ?? expect.fail('the stream ended');
    let at = 0;
    for (let next = lengths[messages.length]; next !== undefined && at + next <= bytes.length; next = lengths[messages.length]) {
      messages.push(Buffer.from(bytes.subarray(at, at + next)));
      at += next;
    }
    rest = bytes.subarray(at);
  }
  return messages;
}

describe.each(['own', 'given'] as const)('a reader of its %s socket', (kind) => {
  test('gives every byte once and in order, whatever the caller leaves over', async () => {
    // short messages, WAL messages, and some that are longer than the headroom, or than both buffers
    const length = fc.oneof(fc.integer({ min: 1, max: 99 }), fc.constant(131_102), fc.integer({ min: 262_000, max: 3_000_000 }));
    await fc.assert(
      fc.asyncProperty(fc.array(length, { minLength: 1, maxLength: 12 }), async (lengths) => {
        const stream = pattern(lengths.reduce((sum, next) => sum + next));
        await using line = await openLine(kind);
        line.peer.write(stream);
        const messages = await readMessages(line.reader, lengths);
        expect(messages.map((message) => message.length)).toEqual(lengths);
        expect(Buffer.concat(messages).equals(stream)).toBe(true);
      }),
      { numRuns: 15 },
    );
  });

  test('leaves what it has given alone while it waits for more', async () => {
    await using line = await openLine(kind);
    line.peer.write('one');
    const first = (await line.reader.read())!;
    const second = line.reader.read(first.subarray(2));
    line.peer.write('two');
    expect((await second)?.toString()).toBe('etwo');
    expect(first.toString()).toBe('one');
  });

  test('reads one buffer ahead of what it has given, and leaves that alone too when it then drops the rest', async () => {
    await using line = await openLine(kind);
    const stream = pattern(3_000_000);
    line.peer.write(stream);
    const first = (await line.reader.read())!;
    await new Promise((resolve) => setTimeout(resolve, 50));
    const taken = line.reader.socket.bytesRead;
    expect(taken).toBeGreaterThan(first.length);
    expect(taken).toBeLessThanOrEqual(first.length + 1024 * 1024);
    const drained = line.reader.drain();
    line.peer.end(pattern(2_000_000));
    await drained;
    expect(first.equals(stream.subarray(0, first.length))).toBe(true);
  });

  test('does not read without a call', async () => {
    await using line = await openLine(kind);
    const flood = Buffer.alloc(1024 * 1024);
    while (line.peer.writableLength < 32 * flood.length) line.peer.write(flood);
    await line.reader.read();
    await new Promise((resolve) => setTimeout(resolve, 100));
    // what fits into the buffers of the kernel is some megabytes
    expect(line.peer.writableLength).toBeGreaterThan(16 * flood.length);
  });

  test('drops what still comes and leaves alone what it has given, which may be on its way to the disk', async () => {
    await using line = await openLine(kind);
    line.peer.write('one');
    const first = (await line.reader.read())!;
    const drained = line.reader.drain();
    for (let i = 0; i < 4; i += 1) {
      line.peer.write(pattern(3_000_000));
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    line.peer.end();
    await drained;
    expect(first.toString()).toBe('one');
    expect(await line.reader.read()).toBeUndefined();
  });

  test('gives what came before the end, and then the end, again and again', async () => {
    await using line = await openLine(kind);
    line.peer.end('last');
    expect((await line.reader.read())?.toString()).toBe('last');
    expect(await line.reader.read()).toBeUndefined();
    expect(await line.reader.read()).toBeUndefined();
  });

  test('ends for whoever waits when the socket is destroyed here', async () => {
    await using line = await openLine(kind);
    const waiting = [line.reader.read(), line.reader.read()];
    line.reader.socket.destroy();
    expect(await Promise.all(waiting)).toEqual([undefined, undefined]);
  });

  test('throws the error of the socket', async () => {
    await using line = await openLine(kind);
    const waiting = line.reader.read();
    line.peer.resetAndDestroy();
    await expect(waiting).rejects.toMatchObject({ code: 'ECONNRESET' });
    await expect(line.reader.read()).rejects.toMatchObject({ code: 'ECONNRESET' });
  });
});
