/** Connections that come and go: whatever ends them, they end at once, say why, and leave nothing behind. */
import { getEventListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { backend, faultProxy, type ScriptedConnection } from '@walvault/testkit';
import { WalvaultError } from '@walvault/wal';
import { describe, expect, test } from 'vitest';
import { connectReplication } from './connect.ts';
import { ConnectionLostError } from './errors.ts';
import { type TestParameters, testParameters } from './parameters.test-support.ts';
import { ReplicationStream } from './replication-stream.ts';
import { fatal, type Script, serve, wal } from './scripted-server.test-support.ts';
import { connect, lines, start, status, streaming, transports } from './streaming.test-support.ts';

const welcome = async (client: ScriptedConnection): Promise<void> => void (await client.welcome(backend.welcome()));
const toStream = async (client: ScriptedConnection): Promise<void> => {
  await welcome(client);
  await client.query();
  client.send(backend.copyBothResponse());
};

/** Connects, streams, and stops the stream when the first WAL is there, until something ends it. */
async function liveThrough(reach: TestParameters, signal: AbortSignal): Promise<void> {
  await using connection = await connect(reach, { signal });
  const stream = await connection.startReplication(start);
  if (!(stream instanceof ReplicationStream)) return;
  for await (const batch of stream) if (batch.length > 0) stream.stop();
}

describe('an abort', () => {
  test.each<[string, Script, Partial<TestParameters>]>([
    [
      'of a connection that waits for the answer to its TLS request',
      async (client) => void (await client.startup()),
      { tls: { mode: 'require' } },
    ],
    [
      'of a connection in its TLS handshake',
      async (client) => {
        await client.startup();
        client.send(Buffer.from('S'));
      },
      { tls: { mode: 'require' } },
    ],
    ['of a connection in its startup', async (client) => void (await client.startup()), {}],
    [
      'of a connection that is authenticated',
      async (client) => {
        await client.startup();
        client.send(backend.authenticationOk());
      },
      {},
    ],
    [
      'of a command',
      async (client) => {
        await welcome(client);
        await client.query();
      },
      {},
    ],
    [
      'of a command in the middle of its answer',
      async (client) => {
        await welcome(client);
        await client.query();
        client.send(backend.rowDescription(['x']).subarray(0, 9));
      },
      {},
    ],
    ['of an idle stream', toStream, {}],
    [
      'of a stream in the middle of a message',
      async (client) => {
        await toStream(client);
        client.send(wal(0n, 'x').subarray(0, 7));
      },
      {},
    ],
    [
      'of a stream that has been stopped',
      async (client) => {
        await toStream(client);
        client.send(wal(0n, 'x'));
        await client.expect('c');
      },
      {},
    ],
    [
      'of a stream whose timeline has ended',
      async (client) => {
        await toStream(client);
        client.send(backend.copyDone());
        await client.expect('c');
      },
      {},
    ],
    [
      'of a stream that the server has ended with an error',
      async (client) => {
        await toStream(client);
        client.send(backend.errorResponse({ C: '58P01', M: 'removed' }));
      },
      {},
    ],
  ])('%s is thrown by whoever waits, and the server is left', async (_name, script, reach) => {
    const controller = new AbortController();
    const left = Promise.withResolvers<void>();
    await using server = await serve(async (client) => {
      await script(client);
      setTimeout(() => controller.abort(reason), 10);
      await client.closed();
      left.resolve();
    });
    const reason = new Error('leave now');
    await expect(liveThrough({ port: server.port, ...reach }, controller.signal)).rejects.toBe(reason);
    await left.promise;
    expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
  });

  test('while nobody waits is thrown by the next one who does', async () => {
    const controller = new AbortController();
    await using running = await streaming((client) => client.send(wal(0n, 'x')), { signal: controller.signal });
    const pulls = running.stream[Symbol.asyncIterator]();
    await pulls.next();
    controller.abort('stop now');
    running.stream.sendStandbyStatus(status);
    await expect(pulls.next()).rejects.toBe('stop now');
  });
});

describe('a connection that breaks while nobody reads', () => {
  test.each<[string, (client: ScriptedConnection) => void]>([
    ['by RST', (client) => client.reset()],
    ['by its end', () => {}],
  ])('%s throws nothing at anybody until somebody does', async (_name, breakOff) => {
    const broken = Promise.withResolvers<void>();
    await using running = await streaming(async (client) => {
      client.send(wal(0n, 'x'));
      await client.expect('d');
      breakOff(client);
      broken.resolve();
      return 'leave' as const;
    });
    const pulls = running.stream[Symbol.asyncIterator]();
    await pulls.next();
    running.stream.sendStandbyStatus(status);
    await broken.promise;
    for (let turn = 0; turn < 20; turn += 1) {
      running.stream.sendStandbyStatus(status);
      await delay(2);
    }
    await expect(pulls.next()).rejects.toThrow(ConnectionLostError);
    expect(running.stream.isOpen).toBe(false);
  });

  test.each(transports)(
    'by RST of %s, to which we go on writing, loses none of the WAL before it, nor its last words',
    async (transport) => {
      const broken = Promise.withResolvers<void>();
      await using running = await streaming(
        async (client) => {
          client.send(wal(0n, 'first'));
          await client.expect('d');
          client.send(wal(5n, 'last'.repeat(15_000)), fatal({ C: '57P01', M: 'terminating connection' }));
          await delay(10);
          client.reset();
          broken.resolve();
          return 'leave' as const;
        },
        { transport },
      );
      const pulls = running.stream[Symbol.asyncIterator]();
      await pulls.next();
      running.stream.sendStandbyStatus(status);
      await broken.promise;
      for (let turn = 0; turn < 5; turn += 1) {
        running.stream.sendStandbyStatus(status);
        await delay(5);
      }
      expect((await pulls.next()).value).toMatchObject([{ kind: 'walData', data: Buffer.from('last'.repeat(15_000)) }]);
      await expect(pulls.next()).rejects.toMatchObject({ code: 'ERR_SERVER', sqlState: '57P01' });
    },
  );

  test('between two commands says so to the second, or what the server said before it left', async () => {
    for (const lastWords of [undefined, fatal({ C: '57P01', M: 'terminating connection' })]) {
      await using server = await serve(async (client) => {
        await welcome(client);
        if (lastWords !== undefined) client.send(lastWords);
        return 'leave' as const;
      });
      await using connection = await connect({ port: server.port });
      await delay(20);
      const expected = lastWords === undefined ? { code: 'ERR_CONNECTION_LOST' } : { sqlState: '57P01' };
      await expect(connection.identifySystem()).rejects.toMatchObject(expected);
      await expect(connection.identifySystem()).rejects.toMatchObject(expected);
    }
  });
});

describe('closing', () => {
  test('ends a waiting pull, and can be asked for by many at once', async () => {
    await using running = await streaming(() => {});
    const pull = expect(running.stream[Symbol.asyncIterator]().next()).rejects.toThrow('was closed here');
    await Promise.all([running.connection, running.connection].map((connection) => connection[Symbol.asyncDispose]()));
    await pull;
    running.stream.stop();
    running.stream.sendStandbyStatus(status);
    await expect(running.connection.identifySystem()).rejects.toThrow(ConnectionLostError);
  });

  test('does not wait for ever on a network that swallows everything, nor on a socket that takes nothing more', async () => {
    await using server = await serve(async (client) => {
      await toStream(client);
      await new Promise(() => {});
    });
    await using proxy = await faultProxy({ target: server });
    await using connection = await connect({ port: proxy.port });
    const stream = await connection.startReplication(start);
    if (!(stream instanceof ReplicationStream)) throw new Error('no stream');
    proxy.stall();
    for (let turn = 0; turn < 2000; turn += 1) {
      stream.sendStandbyStatus(status);
      await new Promise(setImmediate);
    }
    const begin = performance.now();
    await connection[Symbol.asyncDispose]();
    expect(performance.now() - begin).toBeLessThan(30_000);
  });
});

test('a thousand connections, however each ends, leave no listener, no handle, no memory and no warning behind', async () => {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  const warnings: Error[] = [];
  const onWarning = (warning: Error): void => void warnings.push(warning);
  process.on('warning', onWarning);
  const { signal } = new AbortController();
  const endings: ((client: ScriptedConnection) => void)[] = [
    (client) => client.send(backend.commandComplete('COPY 0')),
    (client) => client.send(fatal({ C: '57P01', M: 'terminating connection' })),
    (client) => client.send(Buffer.from('nonsense')),
    (client) => client.reset(),
    (client) => client.send(wal(0n, 'x'), backend.copyDone()),
    () => {},
  ];
  await using server = await serve(async (client) => {
    await toStream(client);
    endings[client.number % endings.length]!(client);
    return client.number % 2 === 0 ? 'leave' : undefined;
  });
  const one = async (index: number): Promise<void> => {
    await using connection = await connectReplication(testParameters({ port: server.port }), { signal });
    const stream = await connection.startReplication(start);
    if (!(stream instanceof ReplicationStream)) throw new Error('no stream');
    stream.sendStandbyStatus(status);
    if (index % 3 === 0) return;
    if (index % 3 === 1) stream.stop();
    await Promise.race([lines(stream).catch((caught: unknown) => expect(WalvaultError.is(caught)).toBe(true)), delay(20)]);
  };
  const many = async (count: number): Promise<{ resources: number; heap: number }> => {
    const seats = Array.from({ length: 8 }, async (_, seat) => {
      for (let index = seat; index < count; index += 8) await one(index);
    });
    await Promise.all(seats);
    await new Promise(setImmediate);
    collectGarbage();
    await delay(20);
    collectGarbage();
    return {
      resources: process.getActiveResourcesInfo().filter((kind) => kind !== 'Timeout').length,
      heap: process.memoryUsage().heapUsed,
    };
  };
  const before = await many(100);
  const after = await many(1000);
  process.off('warning', onWarning);
  expect(getEventListeners(signal, 'abort')).toEqual([]);
  expect(warnings).toEqual([]);
  expect(after.resources).toBeLessThanOrEqual(before.resources + 2);
  expect(after.heap - before.heap).toBeLessThan(3 * 1024 * 1024);
});
