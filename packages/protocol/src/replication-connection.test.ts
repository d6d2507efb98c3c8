import { firstTimelineId, parseLsn } from '@walvault/wal';
import { backend, backendMessage } from '@walvault/testkit';
import { describe, expect, test } from 'vitest';
import { connectReplication, connectSql } from './connect.ts';
import { InvalidNameError, ProtocolViolationError, UnsupportedServerError } from './errors.ts';
import { testParameters } from './parameters.test-support.ts';
import type { ReplicationConnection } from './replication-connection.ts';
import { done, error, fatal, serveWelcome } from './scripted-server.test-support.ts';

const { signal } = new AbortController();

/** Runs commands against a server that gives these answers, one a command; gives the commands that were sent. */
async function against(
  answers: readonly Buffer[],
  work: (connection: ReplicationConnection) => Promise<void>,
  version?: string,
): Promise<readonly string[]> {
  const commands: string[] = [];
  await using scripted = await serveWelcome(async (client) => {
    for (const answer of answers) {
      commands.push(await client.query());
      client.send(answer);
    }
  }, version);
  await using connection = await connectReplication(testParameters({ port: scripted.port }), { signal });
  await work(connection);
  return commands;
}

describe('replication commands', () => {
  test('are written as the grammar wants them', async () => {
    const ok = done('X');
    const commands = await against([ok, ok, ok, ok, ok], async (connection) => {
      await connection.createReplicationSlot({ slotName: 'walvault', reserveWal: false });
      await connection.createReplicationSlot({ slotName: 'walvault', reserveWal: true, temporary: true });
      await connection.dropReplicationSlot('walvault');
      await connection.dropReplicationSlot('walvault', { wait: true });
      await connection.show('wal_segment_size').catch(() => {});
    });
    expect(commands).toEqual([
      'CREATE_REPLICATION_SLOT "walvault" PHYSICAL',
      'CREATE_REPLICATION_SLOT "walvault" TEMPORARY PHYSICAL RESERVE_WAL',
      'DROP_REPLICATION_SLOT "walvault"',
      'DROP_REPLICATION_SLOT "walvault" WAIT',
      'SHOW wal_segment_size',
    ]);
  });

  test('start streaming with and without a slot', async () => {
    const start = { startLsn: parseLsn('A/2000000'), timelineId: firstTimelineId };
    const stopped = Buffer.concat([
      backend.rowDescription(['next_tli', 'next_tli_startpos']),
      backend.dataRow(['2', 'A/2000000']),
    ]);
    const commands = await against(
      [Buffer.concat([stopped, done('START_STREAMING')]), Buffer.concat([stopped, done('START_STREAMING')])],
      async (connection) => {
        const end = { kind: 'endOfTimeline', nextTimelineId: 2, nextStartLsn: start.startLsn };
        expect(await connection.startReplication({ ...start, slotName: 's' })).toEqual(end);
        expect(await connection.startReplication(start)).toEqual(end);
      },
    );
    expect(commands).toEqual([
      'START_REPLICATION SLOT "s" PHYSICAL A/2000000 TIMELINE 1',
      'START_REPLICATION PHYSICAL A/2000000 TIMELINE 1',
    ]);
  });

  test('let no name through that could end its quotes', async () => {
    const commands = await against([], async (connection) => {
      for (const slotName of ['', 'Upper', 'a-b', 'a"b', 'a b', 'ä', 'x'.repeat(64)]) {
        await expect(connection.createReplicationSlot({ slotName, reserveWal: true })).rejects.toThrow(InvalidNameError);
        await expect(connection.dropReplicationSlot(slotName)).rejects.toThrow(InvalidNameError);
        await expect(connection.readReplicationSlot(slotName)).rejects.toThrow(InvalidNameError);
        const start = { slotName, startLsn: parseLsn('0/1'), timelineId: firstTimelineId };
        await expect(connection.startReplication(start)).rejects.toThrow(InvalidNameError);
      }
      for (const name of ['', 'a b', 'a;b', '1a', 'a"']) await expect(connection.show(name)).rejects.toThrow(InvalidNameError);
    });
    expect(commands).toEqual([]);
  });

  test('are not sent to a server that does not know them', async () => {
    const commands = await against(
      [],
      async (connection) => {
        await expect(connection.readReplicationSlot('s')).rejects.toThrow(UnsupportedServerError);
      },
      '14.23',
    );
    expect(commands).toEqual([]);
  });

  test('give a system identifier of all 64 bits', async () => {
    const answer = Buffer.concat([
      backend.rowDescription(['systemid', 'timeline', 'xlogpos', 'dbname']),
      backend.dataRow(['18446744073709551615', '4294967295', 'FFFFFFFF/0FFFFFFF', null]),
      done('IDENTIFY_SYSTEM'),
    ]);
    await against([answer], async (connection) => {
      expect(await connection.identifySystem()).toEqual({
        systemIdentifier: 0xffff_ffff_ffff_ffffn,
        timelineId: 0xffff_ffff,
        flushLsn: parseLsn('FFFFFFFF/FFFFFFF'),
        databaseName: undefined,
      });
    });
  });

  test('give a history file byte for byte, also where it is no text', async () => {
    const content = Buffer.from('1\t0/3000000\tno recovery target \xff\xfe\n', 'latin1');
    const answer = Buffer.concat([
      backend.rowDescription(['filename', 'content']),
      backend.dataRow(['00000002.history', content]),
      done('TIMELINE_HISTORY'),
    ]);
    await against([answer], async (connection) => {
      expect(await connection.timelineHistory(firstTimelineId)).toEqual({ fileName: '00000002.history', content });
    });
  });

  test('throw what the server says and can be followed by others', async () => {
    const refusal = error({ C: '42704', M: 'replication slot "s" does not exist' });
    await against([Buffer.concat([refusal, backend.readyForQuery()]), done('DROP_REPLICATION_SLOT')], async (connection) => {
      await expect(connection.dropReplicationSlot('s')).rejects.toMatchObject({ sqlState: '42704', retry: 'fatal' });
      await connection.dropReplicationSlot('s');
    });
  });

  test('do not wait for more after an error that closes the connection', async () => {
    await against([fatal({ C: '57P01', M: 'terminating connection' })], async (connection) => {
      await expect(connection.identifySystem()).rejects.toMatchObject({ sqlState: '57P01', retry: 'retry' });
      await expect(connection.identifySystem()).rejects.toMatchObject({ sqlState: '57P01' });
    });
  });

  test.each([
    ['no row', backend.rowDescription(['systemid'])],
    ['other columns', Buffer.concat([backend.rowDescription(['x']), backend.dataRow(['1'])])],
    [
      'values that are none',
      Buffer.concat([backend.rowDescription(['systemid', 'timeline', 'xlogpos']), backend.dataRow(['abc', '1', '0/1'])]),
    ],
    [
      'timeline 0',
      Buffer.concat([backend.rowDescription(['systemid', 'timeline', 'xlogpos']), backend.dataRow(['1', '0', '0/1'])]),
    ],
    ['a copy', backend.copyBothResponse()],
  ])('take an answer with %s as a violation', async (_name, answer) => {
    await against([Buffer.concat([answer, done('IDENTIFY_SYSTEM')])], async (connection) => {
      await expect(connection.identifySystem()).rejects.toThrow(ProtocolViolationError);
    });
  });

  test('go one at a time', async () => {
    await against([], async (connection) => {
      const first = connection.identifySystem().catch(() => {});
      await expect(connection.identifySystem()).rejects.toThrow('one command at a time');
      await connection[Symbol.asyncDispose]();
      await first;
    });
  });
});

describe('SQL', () => {
  test('queries that are sent at once are answered one after the other', async () => {
    await using scripted = await serveWelcome(async (client) => {
      for (const answer of ['one', 'two']) {
        for (const type of ['P', 'B', 'D', 'E', 'S']) await client.expect(type);
        client.send(
          backendMessage('1'),
          backendMessage('2'),
          backend.rowDescription(['x', 'y']),
          backend.dataRow([answer, null]),
        );
        client.send(done('SELECT 1'));
      }
    });
    await using sql = await connectSql(testParameters({ port: scripted.port }), { signal });
    expect(await Promise.all([sql.query('select 1'), sql.query('select 2')])).toEqual([
      [{ x: 'one', y: null }],
      [{ x: 'two', y: null }],
    ]);
  });

  test('a query that holds a zero character is not sent', async () => {
    await using scripted = await serveWelcome();
    await using sql = await connectSql(testParameters({ port: scripted.port }), { signal });
    await expect(sql.query('select 1\0; drop table x')).rejects.toThrow('zero character');
    await expect(sql.query('select $1', ['a\0b'])).rejects.toThrow('zero character');
  });
});
