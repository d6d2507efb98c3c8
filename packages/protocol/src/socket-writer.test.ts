import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { SocketWriter } from './socket-writer.ts';

interface Line extends AsyncDisposable {
  readonly writer: SocketWriter;
  readonly socket: Socket;
  /** The other end, which reads when it is told to. */
  readonly peer: Socket;
}

async function openLine(): Promise<Line> {
  const server = createServer({ pauseOnConnect: true });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').on('error', () => {});
  const [[peer]] = (await Promise.all([once(server, 'connection'), once(socket, 'connect')])) as [[Socket], unknown];
  peer.on('error', () => {});
  return {
    writer: new SocketWriter(socket),
    socket,
    peer,
    [Symbol.asyncDispose]: async () => {
      socket.destroy();
      peer.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** More than the kernel takes for somebody who does not read. */
const flood = Buffer.alloc(32 * 1024 * 1024, '.');

async function readToEnd(peer: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of peer) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).subarray(-200).toString().replaceAll('.', '');
}

test('what is written goes out in order, the newest before what is written behind it', async () => {
  await using line = await openLine();
  line.writer.write(flood);
  for (const text of ['a', 'b', 'c']) line.writer.writeNewest(() => Buffer.from(text));
  line.writer.write(Buffer.from('|'));
  for (const text of ['d', 'e']) line.writer.writeNewest(() => Buffer.from(text));
  line.writer.end(Buffer.from('!'));
  expect(await readToEnd(line.peer)).toBe('ac|e!');
});

test('while the other side does not read one is on its way and one waits, however many are given', async () => {
  await using line = await openLine();
  line.writer.write(flood);
  const queued = line.socket.writableLength;
  let encoded = 0;
  for (let at = 0; at < 10_000; at += 1) {
    line.writer.writeNewest(() => Buffer.from(`<${(encoded += 1)}:${at}>`));
    if (at % 100 === 0) await new Promise(setImmediate);
  }
  expect([encoded, line.socket.writableLength - queued]).toEqual([1, '<1:0>'.length]);
  line.writer.end(Buffer.from('!'));
  expect(await readToEnd(line.peer)).toBe('<1:0><2:9999>!');
});

test('each goes out when there is time between them', async () => {
  await using line = await openLine();
  for (const text of ['a', 'b', 'c']) {
    line.writer.writeNewest(() => Buffer.from(text));
    await new Promise(setImmediate);
  }
  line.writer.end(Buffer.from('!'));
  expect(await readToEnd(line.peer)).toBe('abc!');
});

test('nothing is encoded, kept or thrown when the socket is gone', async () => {
  await using line = await openLine();
  line.writer.write(flood);
  line.writer.writeNewest(() => Buffer.from('on its way'));
  line.writer.writeNewest(() => expect.fail('this must not be encoded'));
  line.socket.destroy();
  await once(line.socket, 'close');
  line.writer.writeNewest(() => expect.fail('this must not be encoded'));
  line.writer.write(Buffer.from('x'));
  line.writer.end(Buffer.from('x'));
});
