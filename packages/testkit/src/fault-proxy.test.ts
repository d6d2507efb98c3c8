import { once } from 'node:events';
import { type Socket, connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { type FaultProxy, faultProxy } from './index.ts';

/** A server that echoes; its proxy; a client through the proxy. */
async function arrange(): Promise<AsyncDisposable & { proxy: FaultProxy; client: Socket; open: () => Promise<Socket> }> {
  const stack = new AsyncDisposableStack();
  const server = createServer((socket) => socket.on('error', () => undefined).pipe(socket));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  stack.defer(() => void server.close());
  const proxy = stack.use(await faultProxy({ target: server.address() as { port: number } }));
  const open = async () => {
    const socket = connect(proxy.port, proxy.host).setEncoding('latin1');
    stack.defer(() => void socket.destroy());
    await once(socket, 'connect');
    return socket.on('error', () => undefined);
  };
  return { proxy, client: await open(), open, [Symbol.asyncDispose]: async () => stack.disposeAsync() };
}

async function echo(client: Socket, text: string): Promise<string> {
  client.write(text);
  let got = '';
  while (got.length < text.length) got += (await once(client, 'data'))[0] as string;
  return got;
}

test('passes everything on, the end of a direction too', async () => {
  await using it = await arrange();
  expect(await echo(it.client, 'hello')).toBe('hello');
  const big = 'x'.repeat(300_000);
  expect(await echo(it.client, big)).toBe(big);
  expect(it.proxy.connections).toBe(1);
  it.client.end();
  await once(it.client, 'end');
});

test('cuts what is there and lets new connections in', async () => {
  await using it = await arrange();
  await echo(it.client, 'hello');
  const closed = new Promise((resolve) => it.client.on('close', resolve));
  it.proxy.cut();
  expect(await closed).toBe(true);
  expect(await echo(await it.open(), 'again')).toBe('again');
});

test('cuts after so many bytes, in the middle', async () => {
  await using it = await arrange();
  await echo(it.client, 'hello');
  let got = '';
  it.client.on('data', (text: string) => (got += text));
  const closed = new Promise((resolve) => it.client.on('close', resolve));
  it.proxy.cutAfter(3);
  it.client.write('world');
  await closed;
  expect(got).toBe('wor');
});

test('holds everything back while it is stalled, and loses nothing', async () => {
  await using it = await arrange();
  await echo(it.client, 'hello');
  let got = '';
  it.client.on('data', (text: string) => (got += text));
  it.proxy.stall();
  it.client.write('late');
  await sleep(50);
  expect(got).toBe('');
  it.proxy.resume();
  await once(it.client, 'data');
  expect(got).toBe('late');
});

test('slows down and delays', async () => {
  await using it = await arrange();
  it.proxy.throttle(100_000);
  let start = performance.now();
  await echo(it.client, 'x'.repeat(10_000));
  expect(performance.now() - start).toBeGreaterThan(95);
  it.proxy.throttle(Infinity);
  it.proxy.delay(50);
  start = performance.now();
  await echo(it.client, 'x');
  expect(performance.now() - start).toBeGreaterThan(95);
});
