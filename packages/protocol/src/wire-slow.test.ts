/** Servers that say too little, too slowly, or too much, and servers that do not listen. */
import { setTimeout as delay } from 'node:timers/promises';
import { backend, type ScriptedConnection } from '@walvault/testkit';
import { toLsn } from '@walvault/wal';
import { describe, expect, test } from 'vitest';
import { connectSql } from './connect.ts';
import { AnswerTimeoutError, ProtocolViolationError } from './errors.ts';
import { testParameters } from './parameters.test-support.ts';
import type { ReplicationMessage } from './replication-messages.ts';
import { ReplicationStream } from './replication-stream.ts';
import { done, type Script, serve, serveWelcome, wal } from './scripted-server.test-support.ts';
import { connect, lines, nextTimeline, start, status, streaming } from './streaming.test-support.ts';

const answerTimeoutMs = 150;

/** Sends bytes so slowly that no single wait is long. @returns when the client is gone or all is said */
async function trickle(client: ScriptedConnection, bytes: Buffer, everyMs = 20): Promise<void> {
  const gone = client.closed();
  for (const byte of bytes) {
    client.send(Buffer.of(byte));
    await Promise.race([gone, delay(everyMs)]);
  }
}

/** A client that streams, or tries to, from a server that goes on by the script behind the welcome. */
async function streamFrom(script: Script, timeoutMs = answerTimeoutMs): Promise<unknown> {
  await using server = await serveWelcome(script);
  await using connection = await connect({ port: server.port }, { answerTimeoutMs: timeoutMs });
  const stream = await connection.startReplication(start).catch((caught: unknown) => caught);
  const outcome = stream instanceof ReplicationStream ? await lines(stream).catch((caught: unknown) => caught) : stream;
  if (outcome instanceof AnswerTimeoutError) await expect(connection.identifySystem()).rejects.toBe(outcome);
  return outcome;
}

const answer = nextTimeline('2', '0/1000000');

describe('a server that does not come to the end', () => {
  test.each<[string, string, Script]>([
    ['says nothing to a command', 'answer to START_REPLICATION', () => {}],
    ['stops within the answer to a command', 'answer to START_REPLICATION', (client) => client.send(answer.subarray(0, -3))],
    ['answers a command byte by byte', 'answer to START_REPLICATION', (client) => trickle(client, answer)],
    [
      'stops within a message of a stream',
      'end of a message',
      (client) => client.send(backend.copyBothResponse(), wal(0x1000000n, 'half').subarray(0, 20)),
    ],
    [
      'sends a message of a stream byte by byte',
      'end of a message',
      async (client) => {
        client.send(backend.copyBothResponse());
        await trickle(client, wal(0x1000000n, 'x'.repeat(100)));
      },
    ],
    [
      'says nothing behind our CopyDone',
      'end of the stream',
      async (client) => {
        client.send(backend.copyBothResponse(), backend.copyDone());
        await client.expect('Q');
        await client.expect('c');
      },
    ],
    [
      'says nothing behind its error',
      'an error without the readiness behind it',
      async (client) => client.send(backend.copyBothResponse(), backend.errorResponse({ C: '58P01', M: 'removed' })),
    ],
  ])('and %s is given up, and the connection with it', async (_name, what, script) => {
    const outcome = await streamFrom(script);
    if (what.startsWith('an error')) expect(outcome).toMatchObject({ code: 'ERR_SERVER', sqlState: '58P01' });
    else {
      expect(outcome).toMatchObject({
        code: 'ERR_ANSWER_TIMEOUT',
        retry: 'retry',
        message: expect.stringMatching(
          new RegExp(`^no ${what} from the server at "127.0.0.1", port \\d+ within 0.15 s$`),
        ) as string,
        hint: expect.stringContaining('A new connection shows which.') as string,
      });
    }
  });

  test.each(['identifySystem', 'show', 'timelineHistory', 'createReplicationSlot', 'readReplicationSlot', 'dropReplicationSlot'])(
    'with %s is given up',
    async (command) => {
      await using server = await serveWelcome();
      await using connection = await connect({ port: server.port }, { answerTimeoutMs });
      const commands: Record<string, () => Promise<unknown>> = {
        identifySystem: () => connection.identifySystem(),
        show: () => connection.show('x'),
        timelineHistory: () => connection.timelineHistory(start.timelineId),
        createReplicationSlot: () => connection.createReplicationSlot({ slotName: 's', reserveWal: true }),
        readReplicationSlot: () => connection.readReplicationSlot('s'),
        dropReplicationSlot: () => connection.dropReplicationSlot('s'),
      };
      await expect(commands[command]!()).rejects.toBeInstanceOf(AnswerTimeoutError);
    },
  );

  test('when a stream is stopped is given up', async () => {
    await using running = await streaming(() => {}, { answerTimeoutMs });
    const pull = running.stream[Symbol.asyncIterator]().next();
    running.stream.stop();
    await expect(pull).rejects.toMatchObject({
      code: 'ERR_ANSWER_TIMEOUT',
      message: expect.stringContaining('no end of the stream') as string,
    });
  });

  test('but sends WAL for ever when a stream is stopped is given up, too', async () => {
    await using running = await streaming(
      async (client) => {
        for (let sent = 0; sent < 100; sent += 1) {
          client.send(wal(BigInt(sent), 'x'));
          await delay(10);
        }
      },
      { answerTimeoutMs },
    );
    running.stream.stop();
    await expect(lines(running.stream)).rejects.toBeInstanceOf(AnswerTimeoutError);
  });

  test.each<[string, Script]>([
    ['the startup message', async (client) => void (await client.startup())],
    [
      'authentication, byte by byte',
      async (client) => {
        await client.startup();
        await trickle(client, backend.welcome());
      },
    ],
    [
      'what comes before it is ready',
      async (client) => {
        await client.startup();
        client.send(backend.authenticationOk());
        for (let sent = 0; sent < 100; sent += 1) {
          client.send(backend.noticeResponse({ M: 'still starting' }));
          await delay(10);
        }
      },
    ],
  ])('of %s runs into connect_timeout', async (_name, script) => {
    await using server = await serve(script);
    await expect(connect({ port: server.port, connectTimeoutMs: 150 })).rejects.toMatchObject({ code: 'ERR_CONNECT_TIMEOUT' });
  });
});

describe('a server that takes its time', () => {
  test('may be silent in a stream for as long as it has nothing to say', async () => {
    const outcome = await streamFrom(async (client) => {
      client.send(backend.copyBothResponse(), wal(0x1000000n, 'one'));
      await delay(4 * answerTimeoutMs);
      client.send(wal(0x1000003n, 'two'), backend.commandComplete('COPY 0'));
      return 'leave' as const;
    });
    expect(outcome).toEqual(['0/1000000 one', '0/1000003 two']);
  });

  test('may be waited for without a limit, and when a slot is dropped as soon as it is free', async () => {
    await using server = await serveWelcome(async (client) => {
      await client.query();
      await delay(4 * answerTimeoutMs);
      client.send(done('DROP_REPLICATION_SLOT'));
      await client.query();
      await delay(50);
      client.send(backend.result(['x'], ['1min']));
    });
    await using connection = await connect({ port: server.port }, { answerTimeoutMs });
    await connection.dropReplicationSlot('s', { wait: true });
    expect(await connection.show('x')).toBe('1min');
    const unlimited = streamFrom(async (client) => {
      await delay(100);
      client.send(backend.copyBothResponse(), backend.commandComplete('COPY 0'));
      return 'leave' as const;
    }, 0);
    expect(await unlimited).toEqual([]);
  });

  test('is not blamed for the time that this process stood still', async () => {
    await using server = await serveWelcome(async (client) => {
      await client.query();
      client.send(backend.result(['x'], ['1min']));
      // The answer is in the socket when this process stands still, and the limit is over when it goes on.
      const until = performance.now() + 2 * answerTimeoutMs;
      while (performance.now() < until);
    });
    await using connection = await connect({ port: server.port }, { answerTimeoutMs });
    expect(await connection.show('x')).toBe('1min');
  });
});

describe('a server that says too much', () => {
  test('with a hundred thousand keepalives that ask for a reply gets few replies, and the WAL behind them is read', async () => {
    const count = 100_000;
    const replies = Promise.withResolvers<number>();
    await using running = await streaming(async (client) => {
      client.send(...Array.from({ length: count }, () => backend.keepalive(1n, true)), wal(0x1000000n, 'behind'));
      let received = 0;
      for (let body = await client.expect('d'); body[33] !== 1; body = await client.expect('d')) received += 1;
      replies.resolve(received);
      client.send(backend.commandComplete('COPY 0'));
    });
    let asked = 0;
    let longest = 0;
    const wals: string[] = [];
    const take = (message: ReplicationMessage): void => {
      if (message.kind === 'walData') wals.push(message.data.toString());
      else asked += 1;
      running.stream.sendStandbyStatus({ ...status, replyRequested: message.kind === 'walData' });
    };
    for await (const batch of running.stream) {
      longest = Math.max(longest, batch.length);
      batch.forEach(take);
    }
    expect([asked, wals]).toEqual([count, ['behind']]);
    expect(longest * 23).toBeLessThan(1.5 * 1024 * 1024);
    expect(await replies.promise).toBeLessThan(200);
  });

  test('with parameters without end is refused', async () => {
    const many = Array.from({ length: 2000 }, (_, index) => backend.parameterStatus(`p${index}`, 'x'));
    await using running = await streaming((client) => client.send(...many));
    await expect(lines(running.stream)).rejects.toBeInstanceOf(ProtocolViolationError);
    expect(running.connection.parameterStatus.size).toBeLessThanOrEqual(1000);
  });

  test.each([
    ['rows of next to nothing', backend.dataRow(['']), 100],
    ['large rows', backend.dataRow(['x'.repeat(1_000_000)]), 1],
    ['result sets', backend.rowDescription(['x']), 100],
  ])('with %s without end is refused', async (_name, piece, times) => {
    const pieces = Buffer.concat(Array.from({ length: times }, () => piece));
    await using server = await serveWelcome(async (client) => {
      await client.query();
      client.send(backend.rowDescription(['x']));
      await client.sendAll(Array.from({ length: 20_000 }, () => pieces)).catch(() => {});
      return 'leave' as const;
    });
    await using connection = await connect({ port: server.port });
    await expect(connection.show('x')).rejects.toThrow('the answer of the server has no end');
  });
});

test('a server that does not read is told only the last of many positions, a reply that was asked for, and our CopyDone, when it reads again', async () => {
  const { promise: mayRead, resolve: read } = Promise.withResolvers<void>();
  const { promise: seen, resolve: see } = Promise.withResolvers<{ positions: bigint[]; asked: number }>();
  await using running = await streaming(
    async (client) => {
      await mayRead;
      const positions: bigint[] = [];
      let asked = 0;
      for (let message = await client.receive(); message.type === 'd'; message = await client.receive()) {
        positions.push(message.body.readBigUInt64BE(1));
        asked += message.body[33] ?? 0;
      }
      see({ positions, asked });
      client.send(backend.copyDone(), done('START_REPLICATION'));
    },
    { transport: 'a Unix socket' }, // whose buffers in the kernel are small
  );
  const before = process.memoryUsage().arrayBuffers;
  const sent = 10_000;
  for (let at = 1; at <= sent; at += 1) {
    running.stream.sendStandbyStatus({ ...status, writeLsn: toLsn(at), replyRequested: at === sent - 1 });
    await new Promise(setImmediate);
  }
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 * 1024 * 1024);
  running.stream.stop();
  read();
  expect(await lines(running.stream)).toEqual([]);
  const { positions, asked } = await seen;
  expect(positions.at(-1)).toBe(BigInt(sent));
  expect(positions.length).toBeLessThan(sent / 2);
  expect(positions.every((position, index) => index === 0 || position > positions[index - 1]!)).toBe(true);
  expect(asked).toBe(1);
});

test('an SQL connection waits for a statement as long as it takes', async () => {
  await using server = await serveWelcome(async (client) => {
    for (const type of ['P', 'B', 'D', 'E', 'S']) await client.expect(type);
    await delay(100);
    client.send(backend.rowDescription(['x']), backend.dataRow(['1']), done('SELECT 1'));
  });
  await using sql = await connectSql(testParameters({ port: server.port }), { signal: new AbortController().signal });
  expect(await sql.query('checkpoint')).toEqual([{ x: '1' }]);
});
