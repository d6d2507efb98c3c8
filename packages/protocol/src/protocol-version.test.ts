import { backend, backendMessage, type PostgresMajor, startCluster } from '@walvault/testkit';
import { describe, expect, test } from 'vitest';
import { connectReplication } from './connect.ts';
import { testParameters } from './parameters.test-support.ts';
import { resolveConnection } from './resolve-connection.ts';
import { serve } from './scripted-server.test-support.ts';

const { signal } = new AbortController();
const newest = (minor: number): Buffer => backend.negotiateProtocolVersion(3 * 65_536 + minor, []);

/** Connects to a server that says this before it lets us in, and gives the version that it was asked for, or the error. */
async function outcome(said: Buffer, minimumMinor = 0, maximumMinor = 2): Promise<unknown> {
  let asked: string | undefined;
  await using server = await serve(async (client) => {
    const { body } = await client.startup();
    asked = `${body.readUInt16BE(0)}.${body.readUInt16BE(2)}`;
    client.send(said, backend.welcome());
  });
  const parameters = testParameters({ port: server.port, protocol: { minimumMinor, maximumMinor } });
  return await connectReplication(parameters, { signal }).then(
    async (connection) => {
      await connection[Symbol.asyncDispose]();
      return asked;
    },
    (error: unknown) => error,
  );
}

describe('the protocol version', () => {
  test('is 3.0 unless more is asked for', async () => {
    expect(await outcome(Buffer.alloc(0), 0, 0)).toBe('3.0');
    expect(await outcome(Buffer.alloc(0), 0, 2)).toBe('3.2');
  });

  test('goes back to 3.0 with a server that has no more, unless that is too little', async () => {
    expect(await outcome(newest(0))).toBe('3.2');
    expect(await outcome(newest(0), 2)).toMatchObject({
      code: 'ERR_UNSUPPORTED_SERVER',
      message: 'the server speaks protocol 3.0, and min_protocol_version is 3.2',
    });
  });

  test.each<[string, Buffer, number?]>([
    ['what we asked for', newest(2)],
    ['more than we asked for', newest(4)],
    ['a version that never was', newest(1)],
    ['another version though we asked for the oldest', newest(0), 0],
    ['options that we never named', backend.negotiateProtocolVersion(3 * 65_536, ['_pq_.odd'])],
    ['two versions', Buffer.concat([newest(0), newest(0)])],
    ['another protocol', backend.negotiateProtocolVersion(2 * 65_536, [])],
    ['half a message', backendMessage('v', Buffer.of(0, 3, 0))],
    ['more options than there are', backendMessage('v', Buffer.of(0, 3, 0, 0, 0, 0, 0, 2, 0x61, 0))],
    ['an option without its end', backendMessage('v', Buffer.of(0, 3, 0, 0, 0, 0, 0, 1, 0x61))],
  ])('is not negotiated with a server that offers %s', async (_name, said, maximumMinor = 2) => {
    expect(await outcome(said, 0, maximumMinor)).toMatchObject({ code: 'ERR_PROTOCOL_VIOLATION' });
  });

  test('is not negotiated any more when we are in', async () => {
    expect(await outcome(Buffer.concat([backend.authenticationOk(), newest(0)]))).toMatchObject({
      code: 'ERR_PROTOCOL_VIOLATION',
    });
  });

  test('3.2 brings a key for cancelling of up to 256 bytes', async () => {
    for (const [bytes, isSound] of [
      [4, true],
      [32, true],
      [256, true],
      [3, false],
      [257, false],
    ] as const) {
      const key = backendMessage('K', Buffer.of(0, 0, 0, 9), Buffer.alloc(bytes));
      const said = Buffer.concat([
        backend.authenticationOk(),
        key,
        backend.parameterStatus('server_version', '18.4'),
        backend.readyForQuery(),
      ]);
      const result = await outcome(said);
      if (isSound) expect(result).toBe('3.2');
      else expect(result).toMatchObject({ code: 'ERR_PROTOCOL_VIOLATION' });
    }
  });
});

test.each<[PostgresMajor, unknown]>([
  [18, 'connected'],
  [16, expect.objectContaining({ code: 'ERR_UNSUPPORTED_SERVER' })],
])('PostgreSQL %i and a minimum of 3.2', async (major, expected) => {
  await using pg = await startCluster({ major, segmentSizeMb: 1 });
  const connect = async (extra: Record<string, string>): Promise<unknown> => {
    const parameters = await resolveConnection(pg.conninfo(extra), { replication: true, environment: {} });
    try {
      await using connection = await connectReplication(parameters, { signal });
      expect((await connection.identifySystem()).timelineId).toBe(1);
      return 'connected';
    } catch (error) {
      return error;
    }
  };
  expect(await connect({ max_protocol_version: 'latest' })).toBe('connected');
  expect(await connect({ min_protocol_version: '3.2' })).toEqual(expected);
});
