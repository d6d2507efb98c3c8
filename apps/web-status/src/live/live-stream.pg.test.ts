/** The live stream over real sockets. */
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { expect, test } from 'vitest';
import { silentApp } from '../api/silent-app.test-support.ts';
import { Receiving } from '../receiving.test-support.ts';
import { liveEvents } from '../schema/live.ts';

/** A client that keeps what it hears. */
class Listener implements Disposable {
  readonly events: { readonly name: keyof typeof liveEvents; readonly data: unknown }[] = [];
  readonly #response: IncomingMessage;
  #text = '';

  private constructor(response: IncomingMessage) {
    this.#response = response;
    response.setEncoding('utf8').on('data', (text: string) => this.#take(text));
    response.on('error', () => undefined);
  }

  static async connect(port: number): Promise<Listener> {
    const asked = request({ port, host: '127.0.0.1', path: '/api/v1/live', agent: false });
    asked.end();
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    expect(response.headers['content-type']).toContain('text/event-stream');
    expect(response.headers['content-security-policy']).toContain("default-src 'none'");
    return new Listener(response);
  }

  named(name: keyof typeof liveEvents): readonly unknown[] {
    return this.events.filter((event) => event.name === name).map(({ data }) => data);
  }

  #take(text: string): void {
    const blocks = (this.#text + text).split('\n\n');
    this.#text = blocks.pop() ?? '';
    for (const block of blocks) {
      const name = /^event: (.*)$/m.exec(block)?.[1] as keyof typeof liveEvents | undefined;
      if (name === undefined) continue;
      this.events.push({ name, data: liveEvents[name].parse(JSON.parse(/^data: (.*)$/m.exec(block)?.[1] ?? '')) });
    }
  }

  [Symbol.dispose](): void {
    this.#response.destroy();
  }
}

test('clients get all servers, then what changes, and 200 of them leave nothing behind', async () => {
  await using all = await Receiving.start();
  await all.app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = all.app.server.address() as AddressInfo;
  await expect.poll(async () => (await all.summary()).verdict).toBe('safe');
  const before = all.collector.listenerCount;
  {
    const listeners = await Promise.all(Array.from({ length: 200 }, async () => Listener.connect(port)));
    await expect.poll(() => listeners.every((one) => one.named('servers').length === 1)).toBe(true);
    expect(listeners[0]?.named('servers')[0]).toMatchObject({ servers: [{ name: 'pg', verdict: 'safe' }] });
    await all.endReceiver('SIGKILL');
    const hasHeard = (one: Listener): boolean =>
      one.named('server').some((data) => (data as { reason: string }).reason === 'the receiver was killed');
    await expect.poll(() => listeners.every(hasHeard)).toBe(true);
    await expect.poll(() => listeners.every((one) => one.named('heartbeat').length > 0)).toBe(true);
    expect(all.collector.listenerCount).toBe(before);
    for (const one of listeners) one[Symbol.dispose]();
  }
  await expect.poll(async () => new Promise((resolve) => all.app.server.getConnections((_, count) => resolve(count)))).toBe(0);
  expect(all.app.live.size).toBe(0);
  expect(all.collector.listenerCount).toBe(before);
});

test('clients that read nothing, or go away in the middle, leave nothing behind', async () => {
  await using all = await silentApp();
  await all.app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = all.app.server.address() as AddressInfo;
  const sockets = Array.from({ length: 20 }, () => connect(port, '127.0.0.1').on('error', () => undefined));
  for (const socket of sockets) {
    socket.pause();
    socket.write('GET /api/v1/live HTTP/1.1\r\nhost: localhost\r\n\r\n');
  }
  await expect.poll(() => all.app.live.size).toBe(20);
  for (const socket of sockets.slice(0, 10)) socket.resetAndDestroy();
  await expect.poll(() => all.app.live.size).toBe(10);
  for (const socket of sockets) socket.destroy();
  await expect.poll(() => all.app.live.size).toBe(0);
  expect(all.log.filter((line) => line.includes('"level":50'))).toEqual([]);
});
