import { getEventListeners, once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { parseLsn } from '@walvault/wal';
import { backend, backendMessage } from '@walvault/testkit';
import { describe, expect, test } from 'vitest';
import { connectReplication } from './connect.ts';
import { ConnectionLostError, ProtocolViolationError } from './errors.ts';
import { testParameters } from './parameters.test-support.ts';
import { done, error, fatal, serveWelcome, wal } from './scripted-server.test-support.ts';
import { endOfCopy, lines, start, status, streaming } from './streaming.test-support.ts';

describe('a WAL stream', () => {
  test('gives WAL and keepalives in order, and takes notices and changed parameters aside', async () => {
    await using running = await streaming(async (client) => {
      client.send(
        wal(0x1000000n, 'abc'),
        backend.noticeResponse({ V: 'WARNING', M: 'careful' }),
        backend.parameterStatus('in_hot_standby', 'off'),
        backend.keepalive(0x1000003n, true),
        wal(0x1000003n, 'def'),
        backend.commandComplete('COPY 0'),
      );
    });
    expect(await lines(running.stream)).toEqual(['0/1000000 abc', 'keepalive 0/1000003 reply', '0/1000003 def']);
    expect(running.connection.parameterStatus.get('in_hot_standby')).toBe('off');
  });

  test('is the same when it comes byte by byte', async () => {
    await using running = await streaming(async (client) => {
      const bytes = Buffer.concat([
        wal(0x1000000n, 'abc'),
        backend.keepalive(0x1000003n, false),
        backend.commandComplete('COPY 0'),
      ]);
      for (const byte of bytes) {
        client.send(Buffer.of(byte));
        await new Promise(setImmediate);
      }
    });
    expect(await lines(running.stream)).toEqual(['0/1000000 abc', 'keepalive 0/1000003']);
  });

  test('gives what has arrived in one batch, valid until the next pull', async () => {
    const { promise: pulled, resolve: goOn } = Promise.withResolvers<void>();
    await using running = await streaming(async (client) => {
      client.send(wal(0n, 'first'), wal(5n, 'second'));
      await pulled;
      client.send(backend.commandComplete('COPY 0'));
    });
    const pulls = running.stream[Symbol.asyncIterator]();
    const { value } = await pulls.next();
    expect(value?.map((message) => message.kind === 'walData' && message.data.toString())).toEqual(['first', 'second']);
    goOn();
    expect(await pulls.next()).toEqual({ done: true, value: undefined });
    expect(await pulls.next()).toEqual({ done: true, value: undefined });
  });

  test('goes on behind the last batch after its loop was left', async () => {
    await using running = await streaming(async (client) => {
      for (const [index, text] of ['a', 'b', 'c'].entries()) {
        client.send(wal(BigInt(index), text));
        await client.expect('d');
      }
      client.send(backend.commandComplete('COPY 0'));
    });
    const seen: string[] = [];
    for (let turn = 0; turn < 3; turn += 1) {
      for await (const [message] of running.stream) {
        if (message?.kind === 'walData') seen.push(message.data.toString());
        running.stream.sendStandbyStatus(status);
        break;
      }
    }
    expect([...seen, ...(await lines(running.stream))]).toEqual(['a', 'b', 'c']);
  });

  test('lets a slow reader hold the server back instead of storing what it sends', async () => {
    const piece = backend.walData(0n, 0n, Buffer.alloc(131_072));
    let sent = 0;
    const flood = (socket: Socket): void => {
      while (sent < 400 && socket.write(piece)) sent += 1;
    };
    const answers = [backend.welcome(), backend.copyBothResponse()];
    await using server = createServer((socket) => {
      socket.on('error', () => {}).on('drain', () => flood(socket));
      socket.on('data', () => {
        socket.write(answers.shift() ?? '');
        if (answers.length === 0) flood(socket);
      });
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { signal } = new AbortController();
    await using connection = await connectReplication(testParameters({ port: (server.address() as AddressInfo).port }), {
      signal,
    });
    const stream = await connection.startReplication(start);
    if (stream.kind !== 'stream') throw new Error('no stream');
    await stream[Symbol.asyncIterator]().next();
    await new Promise((resolve) => setTimeout(resolve, 200));
    // What fits into the buffers of the kernel is some megabytes; all of it would be 52.
    expect(sent).toBeGreaterThan(0);
    expect(sent).toBeLessThan(200);
  });

  test('refuses a second pull while one is waiting', async () => {
    const controller = new AbortController();
    await using running = await streaming(async () => {}, { signal: controller.signal });
    const pulls = running.stream[Symbol.asyncIterator]();
    const first = pulls.next();
    await expect(pulls.next()).rejects.toThrow('one place at a time');
    controller.abort(new Error('enough'));
    await expect(first).rejects.toThrow('enough');
  });

  test('takes no command beside it', async () => {
    await using running = await streaming(async () => {});
    await expect(running.connection.identifySystem()).rejects.toThrow('no command while it streams');
  });
});

describe('the standby status', () => {
  test('goes out while nobody pulls', async () => {
    const { promise: received, resolve } = Promise.withResolvers<Buffer>();
    await using running = await streaming(async (client) => resolve(await client.expect('d')));
    running.stream.sendStandbyStatus({ ...status, replyRequested: true });
    const body = await received;
    expect(body.toString('latin1', 0, 1)).toBe('r');
    expect([body.readBigUInt64BE(1), body.readBigUInt64BE(9), body.readBigUInt64BE(17), body[33]]).toEqual([2n, 1n, 0n, 1]);
  });

  test('is not sent behind our CopyDone, nor is that sent twice', async () => {
    const types: string[] = [];
    await using running = await streaming(async (client) => {
      await client.expect('c');
      client.send(endOfCopy);
      types.push((await client.receive()).type, (await client.receive()).type);
    });
    running.stream.stop();
    running.stream.sendStandbyStatus(status);
    running.stream.stop();
    expect(await lines(running.stream)).toEqual([]);
    running.stream.sendStandbyStatus(status);
    running.stream.stop();
    const answer = running.connection.identifySystem();
    await running.connection[Symbol.asyncDispose]();
    await expect(answer).rejects.toThrow(ConnectionLostError);
    expect(types).toEqual(['Q', 'X']);
  });
});

describe('the end of a stream', () => {
  test('of a timeline names the next one, after our CopyDone', async () => {
    await using running = await streaming(async (client) => {
      client.send(wal(0x1000000n, 'last'), backend.copyDone());
      await client.expect('c');
      client.send(
        backend.rowDescription(['next_tli', 'next_tli_startpos']),
        backend.dataRow(['2', '0/1000004']),
        backend.commandComplete('START_STREAMING'),
        done('START_REPLICATION'),
      );
    });
    expect(running.stream.end).toBeUndefined();
    expect(await lines(running.stream)).toEqual(['0/1000000 last']);
    expect(running.stream.end).toEqual({ kind: 'endOfTimeline', nextTimelineId: 2, nextStartLsn: parseLsn('0/1000004') });
    expect(running.stream.isOpen).toBe(false);
  });

  test('of a timeline without a next one is a violation', async () => {
    await using running = await streaming(async (client) => {
      client.send(endOfCopy);
    });
    await expect(lines(running.stream)).rejects.toThrow(ProtocolViolationError);
  });

  test('by us drops what the server still sends, and leaves the connection usable', async () => {
    await using running = await streaming(async (client) => {
      client.send(wal(0x1000000n, 'before'));
      await client.expect('c');
      client.send(wal(0x1000006n, 'after'), endOfCopy);
      await client.expect('Q');
      client.send(
        backend.rowDescription(['x']),
        backend.dataRow(['1min']),
        backend.commandComplete('SHOW'),
        backend.readyForQuery(),
      );
    });
    const pulls = running.stream[Symbol.asyncIterator]();
    expect((await pulls.next()).value).toHaveLength(1);
    running.stream.stop();
    expect(await pulls.next()).toEqual({ done: true, value: undefined });
    expect(running.stream.end).toEqual({ kind: 'stopped' });
    expect(await running.connection.show('x')).toBe('1min');
  });

  test('by us at the very end of a timeline counts as stopped, since data may have been dropped', async () => {
    await using running = await streaming(async (client) => {
      await client.expect('c');
      client.send(
        backend.copyDone(),
        backend.rowDescription(['next_tli', 'next_tli_startpos']),
        backend.dataRow(['2', '0/1000004']),
        backend.commandComplete('START_STREAMING'),
        done('START_REPLICATION'),
      );
    });
    running.stream.stop();
    expect(await lines(running.stream)).toEqual([]);
    expect(running.stream.end).toEqual({ kind: 'stopped' });
  });

  test('by a server that shuts down is told, and the connection is gone', async () => {
    await using running = await streaming(async (client) => {
      client.send(wal(0x1000000n, 'checkpoint'), backend.commandComplete('COPY 0'));
      return 'leave' as const;
    });
    expect(await lines(running.stream)).toEqual(['0/1000000 checkpoint']);
    expect(running.stream.end).toEqual({ kind: 'serverShutdown' });
    await expect(running.connection.identifySystem()).rejects.toThrow(ConnectionLostError);
  });

  test('by an error sends no CopyDone, throws what the server said, and leaves the connection usable', async () => {
    const types: string[] = [];
    await using running = await streaming(async (client) => {
      client.send(error({ C: '58P01', M: 'requested WAL segment has already been removed' }));
      await new Promise((resolve) => setTimeout(resolve, 30));
      client.send(backend.readyForQuery());
      const { type } = await client.receive();
      types.push(type);
      client.send(
        backend.rowDescription(['x']),
        backend.dataRow(['1min']),
        backend.commandComplete('SHOW'),
        backend.readyForQuery(),
      );
    });
    const thrown = { code: 'ERR_SERVER', sqlState: '58P01', retry: 'fatal' };
    await expect(lines(running.stream)).rejects.toMatchObject(thrown);
    await expect(lines(running.stream)).rejects.toMatchObject(thrown);
    running.stream.sendStandbyStatus(status);
    running.stream.stop();
    expect(running.stream.end).toBeUndefined();
    expect(await running.connection.show('x')).toBe('1min');
    expect(types).toEqual(['Q']);
  });

  test('by an error that closes the connection does not wait for more', async () => {
    await using running = await streaming(async (client) => {
      client.send(fatal({ C: '57P01', M: 'terminating connection' }));
    });
    await expect(lines(running.stream)).rejects.toMatchObject({ sqlState: '57P01', retry: 'retry', isTerminal: true });
    await expect(running.connection.identifySystem()).rejects.toMatchObject({ sqlState: '57P01' });
  });

  test('in the middle of a message is a lost connection, after what was whole', async () => {
    await using running = await streaming(async (client) => {
      client.send(wal(0x1000000n, 'whole'), wal(0x1000005n, 'cut').subarray(0, 20));
      return 'leave' as const;
    });
    const pulls = running.stream[Symbol.asyncIterator]();
    expect((await pulls.next()).value).toHaveLength(1);
    await expect(pulls.next()).rejects.toMatchObject({ code: 'ERR_CONNECTION_LOST', retry: 'retry' });
  });

  test('by a reset is a lost connection', async () => {
    await using running = await streaming(async (client) => {
      await client.expect('d');
      client.reset();
      return 'leave' as const;
    });
    running.stream.sendStandbyStatus(status);
    await expect(lines(running.stream)).rejects.toMatchObject({
      code: 'ERR_CONNECTION_LOST',
      message: expect.stringContaining('was lost: connection reset by peer') as string,
    });
  });

  test('by the signal throws its reason, while waiting and ever after', async () => {
    const controller = new AbortController();
    await using running = await streaming(async () => {}, { signal: controller.signal });
    const pull = running.stream[Symbol.asyncIterator]().next();
    controller.abort('stop now');
    await expect(pull).rejects.toBe('stop now');
    await expect(lines(running.stream)).rejects.toBe('stop now');
    await expect(running.connection.identifySystem()).rejects.toBe('stop now');
  });

  test.each([
    ['an unknown replication message', backend.copyData(Buffer.from('z123'))],
    ['a keepalive of a wrong length', backend.copyData(Buffer.from('k123'))],
    ['a message that has no place in a stream', backend.copyOutResponse()],
    ['a second CopyBothResponse', backend.copyBothResponse()],
    ['an unknown type', backendMessage('?')],
  ])('by %s is a violation that closes the connection', async (_name, bytes) => {
    await using running = await streaming(async (client) => {
      client.send(wal(0x1000000n, 'good'), bytes);
    });
    const pulls = running.stream[Symbol.asyncIterator]();
    expect((await pulls.next()).value).toHaveLength(1);
    await expect(pulls.next()).rejects.toThrow(ProtocolViolationError);
    await expect(running.connection.identifySystem()).rejects.toThrow(ProtocolViolationError);
  });
});

describe('closing', () => {
  test('says good-bye in the middle of a stream, whatever is still coming, and can be done twice', async () => {
    const { promise: left, resolve } = Promise.withResolvers<string>();
    await using running = await streaming(async (client) => {
      client.send(backend.walData(0n, 0n, Buffer.alloc(100_000)));
      resolve((await client.receive()).type);
    });
    await running.connection[Symbol.asyncDispose]();
    await running.connection[Symbol.asyncDispose]();
    expect(await left).toBe('X');
  });

  test('does not wait for ever on a server that does not leave', async () => {
    const never = new Promise<void>(() => {});
    await using running = await streaming(() => never);
    const begin = performance.now();
    await running.connection[Symbol.asyncDispose]();
    expect(performance.now() - begin).toBeLessThan(30_000);
  });

  test('takes its listener off the signal', async () => {
    const { signal } = new AbortController();
    await using scripted = await serveWelcome();
    const parameters = testParameters({ port: scripted.port, connectTimeoutMs: 0 });
    for (let turn = 0; turn < 3; turn += 1) await (await connectReplication(parameters, { signal }))[Symbol.asyncDispose]();
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });
});
