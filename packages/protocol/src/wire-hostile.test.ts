/** Servers that say what no PostgreSQL says: each is noticed at the first byte that is wrong, with a typed error. */
import { backend, backendMessage, type ScriptedConnection } from '@walvault/testkit';
import { formatLsn } from '@walvault/wal';
import { describe, expect, test } from 'vitest';
import { ConnectionLostError, ProtocolViolationError } from './errors.ts';
import { maxMessageLength } from './frame-guard.ts';
import { done, error, fatal, serve, wal } from './scripted-server.test-support.ts';
import { connect, endOfCopy, lines, nextTimeline, start, status, streaming } from './streaming.test-support.ts';

/** Leads the client to a place in the protocol where it waits for the server. */
type Lead = (client: ScriptedConnection) => Promise<void>;

const leadToStream: Lead = async (client) => {
  await client.welcome(backend.welcome());
  await client.query();
  client.send(backend.copyBothResponse());
};

const places: Readonly<Record<string, Lead>> = {
  'before authentication': async (client) => void (await client.startup()),
  'before it is ready': async (client) => {
    await client.startup();
    client.send(backend.authenticationOk());
  },
  'instead of an answer': async (client) => {
    await client.welcome(backend.welcome());
    await client.query();
  },
  'in an answer': async (client) => {
    await client.welcome(backend.welcome());
    await client.query();
    client.send(backend.rowDescription(['next_tli']));
  },
  'at the beginning of a stream': leadToStream,
  'in a stream': async (client) => {
    await leadToStream(client);
    client.send(wal(0x1000000n, 'good'));
  },
  'behind a stream': async (client) => {
    await leadToStream(client);
    client.send(backend.copyDone());
    await client.expect('c');
  },
};

/** What goes through the client's mind when the server says all of these, each to another connection, at that place. */
async function errorsAt(lead: Lead, said: readonly Buffer[]): Promise<unknown[]> {
  await using server = await serve(async (client) => {
    await lead(client);
    client.send(said[client.number - 1]!);
  });
  const errors: unknown[] = [];
  while (errors.length < said.length) errors.push(await streamOnce(server.port).catch((caught: unknown) => caught));
  return errors;
}

async function streamOnce(port: number): Promise<unknown> {
  await using connection = await connect({ port, connectTimeoutMs: 10_000 }, { answerTimeoutMs: 10_000 });
  const stream = await connection.startReplication(start);
  if (stream.kind === 'stream') await lines(stream);
  return 'no error';
}

function header(type: string, length: number): Buffer {
  const bytes = Buffer.from(`${type}0000`, 'latin1');
  bytes.writeUInt32BE(length, 1);
  return bytes;
}

const knownTypes = 'RSKZCcWTDdENAGHInsv123t';

describe.each(Object.entries(places))('%s', (_place, lead) => {
  test('an impossible length is refused at the header, whatever type it is', async () => {
    const lengths = [0, 3, maxMessageLength + 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];
    const headers = knownTypes.split('').flatMap((type) => lengths.map((length) => header(type, length)));
    for (const [index, caught] of (await errorsAt(lead, headers)).entries()) {
      expect(caught, headers[index]!.toString('hex')).toMatchObject({
        code: 'ERR_PROTOCOL_VIOLATION',
        message: expect.stringContaining('with impossible length') as string,
      });
    }
  });

  test('a message of unknown type is refused at the header', async () => {
    const unknown = [0, 1, 0x7f, 0x80, 0xff, ...Buffer.from(' 0BQXpVwkr')];
    for (const caught of await errorsAt(
      lead,
      unknown.map((type) => Buffer.of(type, 0, 0, 0, 9)),
    )) {
      expect(caught).toMatchObject({
        code: 'ERR_PROTOCOL_VIOLATION',
        message: expect.stringContaining('message of unknown type') as string,
      });
    }
  });

  test('a message that has its place elsewhere is refused', async () => {
    const elsewhere = [
      backend.copyInResponse(),
      backend.copyOutResponse(),
      backendMessage('A', Buffer.from('\0\0\0\x01channel\0payload\0')),
      ...(lead === places['before it is ready'] ? [] : [backend.backendKeyData(1, 2)]),
      ...(lead === places['before authentication']
        ? []
        : [backend.authenticationOk(), backend.authenticationSasl(['SCRAM-SHA-256'])]),
      ...(lead === places['instead of an answer'] ? [] : [backend.copyBothResponse()]),
    ];
    for (const caught of await errorsAt(lead, elsewhere)) expect(caught).toBeInstanceOf(ProtocolViolationError);
  });

  test('an error of the server is what is thrown, however little it says', async () => {
    const said = [
      fatal({ C: '57P01', M: 'terminating connection due to administrator command' }),
      fatal({}),
      error({ C: '53200', M: 'out of memory', V: 'PANIC' }),
      fatal({ C: '57P02', M: 'x'.repeat(1_000_000) }),
    ];
    const thrown = [{ sqlState: '57P01', isTerminal: true }, { sqlState: 'XX000' }, { sqlState: '53200' }, { sqlState: '57P02' }];
    expect(await errorsAt(lead, said)).toMatchObject(thrown.map((fields) => ({ code: 'ERR_SERVER', retry: 'retry', ...fields })));
  });
});

describe('in a stream', () => {
  test('each kind of CopyData but WAL and keepalive is refused', async () => {
    const kinds = Array.from({ length: 256 }, (_, kind) => kind).filter((kind) => kind !== 0x77 && kind !== 0x6b);
    const said = [Buffer.alloc(0), ...kinds.map((kind) => Buffer.alloc(18, kind))].map((payload) => backend.copyData(payload));
    for (const caught of await errorsAt(leadToStream, said)) {
      expect(caught).toMatchObject({ message: expect.stringContaining('received a replication message of kind') as string });
    }
  });

  test.each([
    ['an error of the server', error({ C: '58P01', M: 'removed' }), { sqlState: '58P01', retry: 'fatal' }],
    ['an internal error', error({ C: 'XX000', M: 'ahead of the WAL flush position' }), { sqlState: 'XX000', retry: 'retry' }],
    ['an error without fields', backendMessage('E', Buffer.of(0)), { sqlState: 'XX000', severity: 'ERROR' }],
    ['an error of a megabyte', error({ C: '58P01', M: 'm'.repeat(1_000_000) }), { sqlState: '58P01' }],
  ])('%s comes behind the WAL before it and counts more than how the connection ends', async (_name, said, fields) => {
    const behind = [
      () => {},
      (client: ScriptedConnection) => client.reset(), // takes along what is still in the kernel of the server: not for long ones
      (client: ScriptedConnection) => client.send(Buffer.from('nonsense')),
      (client: ScriptedConnection) => client.send(fatal({ C: '57P01', M: 'terminating connection' })),
      (client: ScriptedConnection) => client.send(wal(5n, 'more')),
    ];
    for (const goOn of said.length > 100_000 ? behind.filter((_, index) => index !== 1) : behind) {
      await using running = await streaming(async (client) => {
        client.send(wal(0x1000000n, 'good'), said);
        await client.expect('d');
        goOn(client);
        return 'leave' as const;
      });
      const pulls = running.stream[Symbol.asyncIterator]();
      expect((await pulls.next()).value).toHaveLength(1);
      running.stream.sendStandbyStatus(status);
      await expect(pulls.next()).rejects.toMatchObject({ code: 'ERR_SERVER', ...fields });
      await expect(pulls.next()).rejects.toMatchObject({ code: 'ERR_SERVER', ...fields });
    }
  });

  test('a CommandComplete that is not that of a shutdown is refused', async () => {
    const said = [backend.commandComplete('START_STREAMING'), backend.commandComplete('SELECT 1'), backend.commandComplete('')];
    for (const caught of await errorsAt(leadToStream, said)) expect(caught).toBeInstanceOf(ProtocolViolationError);
  });

  test('a shutdown while it is being stopped does not claim that all was received', async () => {
    await using running = await streaming(async (client) => {
      await client.expect('c');
      client.send(wal(0x1000000n, 'dropped'), backend.commandComplete('COPY 0'));
      return 'leave' as const;
    });
    running.stream.stop();
    expect(await lines(running.stream)).toEqual([]);
    expect(running.stream.end).toEqual({ kind: 'stopped' });
    await expect(running.connection.identifySystem()).rejects.toThrow(ConnectionLostError);
  });
});

describe('CopyDone', () => {
  test('before any WAL is the end of the timeline', async () => {
    await using running = await streaming(async (client) => {
      client.send(backend.copyDone());
      await client.expect('c');
      client.send(nextTimeline('2', '0/1000000'));
    });
    expect(await lines(running.stream)).toEqual([]);
    expect(running.stream.end).toMatchObject({ kind: 'endOfTimeline', nextTimelineId: 2 });
  });

  test('together with what follows our answer to it is the end of the timeline, too', async () => {
    await using running = await streaming(async (client) => {
      client.send(wal(0x1000000n, 'all'), backend.copyDone(), nextTimeline('2', '0/1000003'));
    });
    expect(await lines(running.stream)).toEqual(['0/1000000 all']);
    expect(running.stream.end).toMatchObject({ kind: 'endOfTimeline', nextTimelineId: 2 });
  });

  test.each([
    ['twice', [backend.copyDone(), backend.copyDone()]],
    ['with WAL behind it', [backend.copyDone(), wal(0x1000000n, 'late')]],
    ['with another CopyBothResponse behind it', [backend.copyDone(), backend.copyBothResponse()]],
    ['in place of the answer to a command', [endOfCopy, backend.copyDone()]],
  ])('%s is a violation', async (_name, said) => {
    await using running = await streaming(async (client) => client.send(...said));
    await expect(lines(running.stream)).rejects.toThrow(ProtocolViolationError);
    await expect(running.connection.identifySystem()).rejects.toThrow(ProtocolViolationError);
  });

  test('twice behind ours is a violation', async () => {
    await using running = await streaming(async (client) => {
      await client.expect('c');
      client.send(backend.copyDone(), backend.copyDone());
    });
    running.stream.stop();
    await expect(lines(running.stream)).rejects.toThrow(ProtocolViolationError);
  });

  test('that is answered with an error throws that', async () => {
    await using running = await streaming(async (client) => {
      client.send(backend.copyDone());
      await client.expect('c');
      client.send(error({ C: '58P01', M: 'could not open the history file' }), backend.readyForQuery());
      await client.query();
      client.send(backend.result(['x'], ['1min']));
    });
    await expect(lines(running.stream)).rejects.toMatchObject({ sqlState: '58P01' });
    expect(await running.connection.show('x')).toBe('1min');
  });
});

/** How a stream ends for which the server answers so, and how a START_REPLICATION does that is answered so at once. */
async function endsWith(answer: Buffer): Promise<readonly unknown[]> {
  const outcomes: unknown[] = [];
  await using behindStream = await streaming(async (client) => client.send(wal(0x1000000n, 'last'), backend.copyDone(), answer));
  outcomes.push(
    await lines(behindStream.stream).then(
      () => behindStream.stream.end,
      (caught: unknown) => caught,
    ),
  );
  await using atOnce = await serve(async (client) => {
    await client.welcome(backend.welcome());
    await client.query();
    client.send(answer);
  });
  await using connection = await connect({ port: atOnce.port });
  outcomes.push(await connection.startReplication(start).catch((caught: unknown) => caught));
  return outcomes;
}

describe('the next timeline', () => {
  const columns = backend.rowDescription(['next_tli', 'next_tli_startpos']);
  const row = backend.dataRow(['2', '0/1000004']);
  const complete = done('START_STREAMING');

  test.each([
    ['a later one', '2', '0/1000004', '2 0/1000004'],
    ['an earlier one, which is for the receiver to refuse', '1', '0/1000004', '1 0/1000004'],
    ['one that begins beyond what was streamed, which is for the receiver to refuse', '2', '5/0', '2 5/0'],
    ['the last one there can be', '4294967295', 'FFFFFFFF/FFFFFFFF', '4294967295 FFFFFFFF/FFFFFFFF'],
    ['an LSN as PostgreSQL 19 writes it', '2', '0/01000004', '2 0/1000004'],
  ])('is given as the server says it: %s', async (_name, timelineId, startLsn, expected) => {
    for (const end of await endsWith(nextTimeline(timelineId, startLsn))) {
      const { nextTimelineId, nextStartLsn } = end as { nextTimelineId: number; nextStartLsn: typeof start.startLsn };
      expect(`${nextTimelineId} ${formatLsn(nextStartLsn)}`).toBe(expected);
    }
  });

  test.each([
    ['timeline 0', nextTimeline('0', '0/1000004')],
    ['a timeline above 2^32-1', nextTimeline('4294967296', '0/1000004')],
    ['a negative timeline', nextTimeline('-1', '0/1000004')],
    ['no timeline', nextTimeline('', '0/1000004')],
    ['a timeline with a blank', nextTimeline(' 2', '0/1000004')],
    ['a hexadecimal timeline', nextTimeline('0x2', '0/1000004')],
    ['a timeline with an exponent', nextTimeline('2e0', '0/1000004')],
    ['a very long timeline', nextTimeline('2'.repeat(400), '0/1000004')],
    ['NULL for the timeline', nextTimeline(null, '0/1000004')],
    ['NULL for the LSN', nextTimeline('2', null)],
    ['no LSN', nextTimeline('2', '')],
    ['garbage for the LSN', nextTimeline('2', '0/1000004 and more')],
    ['an LSN of too many digits', nextTimeline('2', '0/100000004')],
    ['no row', Buffer.concat([columns, complete])],
    ['two rows', Buffer.concat([columns, row, row, complete])],
    ['two results', Buffer.concat([columns, row, columns, row, complete])],
    ['no result', complete],
    ['a row without columns', Buffer.concat([row, complete])],
    ['a row of three', Buffer.concat([columns, backend.dataRow(['2', '0/1000004', 'x']), complete])],
    ['other columns', Buffer.concat([backend.rowDescription(['a', 'b']), row, complete])],
  ])('is refused, and the connection with it: %s', async (_name, answer) => {
    for (const end of await endsWith(answer)) expect(end).toBeInstanceOf(ProtocolViolationError);
  });
});
