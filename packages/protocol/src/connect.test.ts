import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { message, ready, int32, type ScriptedClient, scriptedServer, serverMessage } from '../testing/scripted-server.ts';
import { testHost, testParameters } from '../testing/parameters.ts';
import { connectReplication, connectSql } from './connect.ts';
import { AuthenticationError, ConnectError, ProtocolViolationError, TlsError, UnsupportedServerError } from './errors.ts';
import { ServerError } from './server-error.ts';

const { signal } = new AbortController();

/** A port where nobody listens. */
async function closedPort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function refuse(sqlState: string, text: string): (client: ScriptedClient) => Promise<void> {
  return async (client) => {
    await client.startupPacket();
    client.send(serverMessage('E', { S: 'FATAL', V: 'FATAL', C: sqlState, M: text }));
    client.socket.end();
  };
}

describe('the search for a server', () => {
  test('passes over a host where nobody listens', async () => {
    await using server = await scriptedServer((client) => client.welcome());
    const hostsBefore = [testHost({ port: await closedPort() }), testHost({ host: '/nowhere', port: 5432 })];
    await using connection = await connectReplication(testParameters({ port: server.port, hostsBefore }), { signal });
    expect(connection.backendPid).toBe(77);
  });

  test('passes over a server that is starting up or full', async () => {
    await using starting = await scriptedServer(refuse('57P03', 'the database system is starting up'));
    await using full = await scriptedServer(refuse('53300', 'sorry, too many clients already'));
    await using server = await scriptedServer((client) => client.welcome());
    const hostsBefore = [testHost({ port: starting.port }), testHost({ port: full.port })];
    await using connection = await connectReplication(testParameters({ port: server.port, hostsBefore }), { signal });
    expect([connection.majorVersion, starting.connections, full.connections]).toEqual([18, 1, 1]);
  });

  test('ends at a server that refuses us', async () => {
    await using refusing = await scriptedServer(refuse('28P01', 'password authentication failed'));
    await using server = await scriptedServer((client) => client.welcome());
    const parameters = testParameters({ port: server.port, hostsBefore: [testHost({ port: refusing.port })] });
    await expect(connectReplication(parameters, { signal })).rejects.toMatchObject({
      code: 'ERR_AUTHENTICATION',
      sqlState: '28P01',
      retry: 'fatal',
    });
    expect(server.connections).toBe(0);
  });

  test('tells what each place answered when there is none', async () => {
    await using starting = await scriptedServer(refuse('57P03', 'the database system is starting up'));
    const port = await closedPort();
    const parameters = testParameters({ port, hostsBefore: [testHost({ port: starting.port })] });
    const error = await connectReplication(parameters, { signal }).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ConnectError);
    expect(error).toMatchObject({
      retry: 'retry',
      message: `no server could be reached: the database system is starting up; connection to server at "127.0.0.1", port ${port} failed: connection refused`,
      attempts: [expect.objectContaining({ sqlState: '57P03' }), expect.objectContaining({ code: 'ERR_CONNECT' })],
    });
  });

  test('gives the error itself when there was only one place', async () => {
    await using starting = await scriptedServer(refuse('57P03', 'the database system is starting up'));
    await expect(connectSql(testParameters({ port: starting.port }), { signal })).rejects.toBeInstanceOf(ServerError);
  });

  test('says which name could not be found', async () => {
    const parameters = testParameters({ port: 1, host: 'no-such-host.invalid' });
    await expect(connectReplication(parameters, { signal })).rejects.toThrow(
      /^could not translate host name "no-such-host.invalid" to an address: /,
    );
  });

  test('dials the address that is given beside a name, and names both', async () => {
    const port = await closedPort();
    const parameters = testParameters({ port, host: 'db.example', hostAddress: '127.0.0.1' });
    await expect(connectReplication(parameters, { signal })).rejects.toThrow(
      `connection to server at "db.example" (127.0.0.1), port ${port} failed: connection refused`,
    );
  });

  test('gives up on a server that says nothing', async () => {
    await using silent = await scriptedServer(async (client) => void (await client.startupPacket()));
    const parameters = testParameters({ port: silent.port, connectTimeoutMs: 100 });
    await expect(connectReplication(parameters, { signal })).rejects.toMatchObject({
      code: 'ERR_CONNECT_TIMEOUT',
      retry: 'retry',
      message: `connection to server at "127.0.0.1", port ${silent.port} failed: no answer within 0.1 s`,
    });
  });

  test('gives up on a server that says nothing to the TLS request', async () => {
    await using silent = await scriptedServer(async (client) => void (await client.startupPacket()));
    const parameters = testParameters({ port: silent.port, connectTimeoutMs: 100, tls: { mode: 'require' } });
    await expect(connectReplication(parameters, { signal })).rejects.toMatchObject({ code: 'ERR_CONNECT_TIMEOUT' });
  });

  test('ends with the reason of the signal, at once', async () => {
    const controller = new AbortController();
    await using silent = await scriptedServer(async (client) => {
      await client.startupPacket();
      controller.abort('enough');
    });
    await expect(connectReplication(testParameters({ port: silent.port }), { signal: controller.signal })).rejects.toBe('enough');
    await expect(connectReplication(testParameters({ port: 1 }), { signal: controller.signal })).rejects.toBe('enough');
    expect(silent.connections).toBe(1);
  });

  test('asks for replication and sends what the parameters say', async () => {
    const packets: string[] = [];
    await using server = await scriptedServer(async (client) => {
      packets.push((await client.startupPacket()).toString('latin1', 4));
      client.send(message('R', int32(0)), message('S', 'server_version\0' + '14.2\0'), ready);
    });
    const parameters = testParameters({ port: server.port, options: '-c wal_sender_timeout=5s' });
    await using _replication = await connectReplication(parameters, { signal });
    await using _sql = await connectSql(testParameters({ port: server.port, applicationName: undefined }), { signal });
    const common = 'user\0postgres\0database\0postgres\0';
    expect(packets).toEqual([
      `${common}replication\0true\0application_name\0protocol-test\0options\0-c wal_sender_timeout=5s\0client_encoding\0UTF8\0\0`,
      `${common}client_encoding\0UTF8\0\0`,
    ]);
  });

  test('keeps the deadline of connecting away from the connection', async () => {
    await using server = await scriptedServer(async (client) => {
      await client.welcome();
      await client.expect('Q');
      await new Promise((resolve) => setTimeout(resolve, 250));
      client.send(serverMessage('E', { V: 'ERROR', C: '42704', M: 'late' }), ready);
    });
    await using connection = await connectReplication(testParameters({ port: server.port, connectTimeoutMs: 200 }), { signal });
    await expect(connection.show('x')).rejects.toThrow('late');
  });
});

describe('a server that is not what we need', () => {
  test.each(['9.6.24', '', 'nonsense'])('of version "%s" is refused', async (version) => {
    await using server = await scriptedServer((client) => client.welcome(version));
    await expect(connectReplication(testParameters({ port: server.port }), { signal })).rejects.toThrow(UnsupportedServerError);
  });

  test('that speaks HTTP is refused', async () => {
    await using server = await scriptedServer(async (client) => client.send(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')));
    await expect(connectReplication(testParameters({ port: server.port }), { signal })).rejects.toThrow(ProtocolViolationError);
  });

  test('that sends rows before it has let us in is refused', async () => {
    await using server = await scriptedServer(async (client) => client.send(ready));
    await expect(connectReplication(testParameters({ port: server.port }), { signal })).rejects.toThrow(
      'received readyForQuery from the server before it had authenticated us',
    );
  });

  test('that leaves without a word is a lost connection', async () => {
    await using server = await scriptedServer(async (client) => void client.socket.end());
    await expect(connectReplication(testParameters({ port: server.port }), { signal })).rejects.toMatchObject({
      code: 'ERR_CONNECTION_LOST',
      retry: 'retry',
    });
  });

  test('a role without REPLICATION is told the command to run', async () => {
    await using server = await scriptedServer(refuse('42501', 'must be superuser or replication role to start walsender'));
    const parameters = testParameters({ port: server.port, user: 'Streamer' });
    await expect(connectReplication(parameters, { signal })).rejects.toMatchObject({
      sqlState: '42501',
      hint: 'Run on the server: ALTER ROLE "Streamer" REPLICATION;',
    });
  });

  test('a missing line in pg_hba.conf is told word for word', async () => {
    await using server = await scriptedServer(refuse('28000', 'no pg_hba.conf entry for replication connection'));
    const replication = connectReplication(testParameters({ port: server.port, user: 'streamer' }), { signal });
    await expect(replication).rejects.toMatchObject({
      hint: expect.stringContaining('"host replication streamer 127.0.0.1/32 scram-sha-256"') as string,
    });
    const sql = connectSql(testParameters({ port: server.port, user: 'odd user', database: 'app' }), { signal });
    await expect(sql).rejects.toMatchObject({
      hint: expect.stringContaining('"host app "odd user" 127.0.0.1/32 scram-sha-256"') as string,
    });
  });
});

describe('the answer to the TLS request', () => {
  test('"no" is an error where TLS is asked for, and plain text goes on where it is not', async () => {
    await using server = await scriptedServer(async (client) => {
      await client.startupPacket();
      client.send(Buffer.from('N'));
      await client.welcome();
    });
    await expect(connectReplication(testParameters({ port: server.port, tls: { mode: 'require' } }), { signal })).rejects.toThrow(
      new RegExp('^the server does not support TLS$'),
    );
    await using connection = await connectReplication(testParameters({ port: server.port, tls: { mode: 'prefer' } }), { signal });
    expect([connection.serverVersion, server.connections]).toEqual([180_004, 2]);
  });

  test('with plain text behind the "yes" is an error', async () => {
    await using server = await scriptedServer(async (client) => {
      await client.startupPacket();
      client.send(Buffer.from('S'), message('R', int32(0)), ready);
    });
    const parameters = testParameters({ port: server.port, tls: { mode: 'require' } });
    await expect(connectReplication(parameters, { signal })).rejects.toThrow(
      'received unencrypted data after the answer to the TLS request',
    );
  });

  test('that is an error message is not shown, and may pass', async () => {
    await using server = await scriptedServer(async (client) => {
      await client.startupPacket();
      client.send(serverMessage('E', { M: 'send your password to evil.example' }));
    });
    const error = await connectReplication(testParameters({ port: server.port, tls: { mode: 'require' } }), { signal }).catch(
      (caught: unknown) => caught,
    );
    expect(error).toBeInstanceOf(TlsError);
    expect(error).toMatchObject({ retry: 'retry', message: 'the server answered the TLS request with neither yes nor no' });
  });

  test('that is a closed connection is an error that may pass', async () => {
    await using server = await scriptedServer(async (client) => void client.socket.end());
    const parameters = testParameters({ port: server.port, tls: { mode: 'require' } });
    await expect(connectReplication(parameters, { signal })).rejects.toMatchObject({ code: 'ERR_TLS', retry: 'retry' });
  });

  test('"prefer" tries the same server again without TLS when the handshake fails', async () => {
    await using server = await scriptedServer(async (client, connection) => {
      if (connection > 1) return await client.welcome();
      await client.startupPacket();
      client.send(Buffer.from('S'));
      await client.read(1);
      client.send(Buffer.from('this is no TLS record'));
      client.socket.end();
    });
    await using connection = await connectReplication(testParameters({ port: server.port, tls: { mode: 'prefer' } }), { signal });
    expect([connection.serverVersion, server.connections]).toEqual([180_004, 2]);
  });

  test('"allow" starts without TLS and keeps the first refusal when the server has none', async () => {
    await using server = await scriptedServer(async (client, connection) => {
      if (connection === 1) return await refuse('28000', 'plain text is not welcome')(client);
      await client.startupPacket();
      client.send(Buffer.from('N'));
    });
    const parameters = testParameters({ port: server.port, tls: { mode: 'allow' } });
    await expect(connectReplication(parameters, { signal })).rejects.toThrow(AuthenticationError);
    expect(server.connections).toBe(2);
  });
});
