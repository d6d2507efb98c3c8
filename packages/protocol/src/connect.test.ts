import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import net, { type AddressInfo } from 'node:net';
import { backend, scriptedServer } from '@walvault/testkit';
import { describe, expect, test } from 'vitest';
import { connectReplication, connectSql } from './connect.ts';
import { AuthenticationError, ConnectError, ProtocolViolationError, TlsError, UnsupportedServerError } from './errors.ts';
import { testHost, testParameters } from './parameters.test-support.ts';
import { error, fatal, refuse, serve, serveWelcome } from './scripted-server.test-support.ts';
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

describe('the search for a server', () => {
  test('passes over a host where nobody listens', async () => {
    await using server = await serveWelcome();
    const hostsBefore = [testHost({ port: await closedPort() }), testHost({ host: '/nowhere', port: 5432 })];
    await using connection = await connectReplication(testParameters({ port: server.port, hostsBefore }), { signal });
    expect(connection.backendPid).toBe(4711);
  });

  test('passes over a server that is starting up or full', async () => {
    await using starting = await serve(refuse('57P03', 'the database system is starting up'));
    await using full = await serve(refuse('53300', 'sorry, too many clients already'));
    await using server = await serveWelcome();
    const hostsBefore = [testHost({ port: starting.port }), testHost({ port: full.port })];
    await using connection = await connectReplication(testParameters({ port: server.port, hostsBefore }), { signal });
    expect([connection.majorVersion, starting.accepted, full.accepted]).toEqual([18, 1, 1]);
  });

  test('ends at a server that refuses us', async () => {
    await using refusing = await serve(refuse('28P01', 'password authentication failed'));
    await using server = await serveWelcome();
    const parameters = testParameters({ port: server.port, hostsBefore: [testHost({ port: refusing.port })] });
    await expect(connectReplication(parameters, { signal })).rejects.toMatchObject({
      code: 'ERR_AUTHENTICATION',
      sqlState: '28P01',
      retry: 'fatal',
    });
    expect(server.accepted).toBe(0);
  });

  test('tells what each place answered when there is none', async () => {
    await using starting = await serve(refuse('57P03', 'the database system is starting up'));
    const port = await closedPort();
    const parameters = testParameters({ port, hostsBefore: [testHost({ port: starting.port })] });
    const failure = await connectReplication(parameters, { signal }).catch((caught: unknown) => caught);
    expect(failure).toBeInstanceOf(ConnectError);
    expect(failure).toMatchObject({
      retry: 'retry',
      message: `no server could be reached: server at "127.0.0.1", port ${starting.port}: the database system is starting up; connection to server at "127.0.0.1", port ${port} failed: connection refused`,
      attempts: [expect.objectContaining({ sqlState: '57P03' }), expect.objectContaining({ code: 'ERR_CONNECT' })],
    });
  });

  test('gives the error itself when there was only one place', async () => {
    await using starting = await serve(refuse('57P03', 'the database system is starting up'));
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
    await using silent = await serve(async (client) => void (await client.startup()));
    const parameters = testParameters({ port: silent.port, connectTimeoutMs: 100 });
    await expect(connectReplication(parameters, { signal })).rejects.toMatchObject({
      code: 'ERR_CONNECT_TIMEOUT',
      retry: 'retry',
      message: `connection to server at "127.0.0.1", port ${silent.port} failed: no answer within 0.1 s`,
    });
  });

  test('gives up on a server that says nothing to the TLS request', async () => {
    await using silent = await serve(async (client) => void (await client.startup()));
    const parameters = testParameters({ port: silent.port, connectTimeoutMs: 100, tls: { mode: 'require' } });
    await expect(connectReplication(parameters, { signal })).rejects.toMatchObject({ code: 'ERR_CONNECT_TIMEOUT' });
  });

  test('ends with the reason of the signal, at once', async () => {
    const controller = new AbortController();
    await using silent = await serve(async (client) => {
      await client.startup();
      controller.abort('enough');
    });
    await expect(connectReplication(testParameters({ port: silent.port }), { signal: controller.signal })).rejects.toBe('enough');
    await expect(connectReplication(testParameters({ port: 1 }), { signal: controller.signal })).rejects.toBe('enough');
    expect(silent.accepted).toBe(1);
  });

  test('asks for replication and sends what the parameters say', async () => {
    const packets: Record<string, string>[] = [];
    await using server = await serve(async (client) => void packets.push(await client.welcome(backend.welcome())));
    const parameters = testParameters({ port: server.port, options: '-c wal_sender_timeout=5s' });
    await (await connectReplication(parameters, { signal }))[Symbol.asyncDispose]();
    await (await connectSql(testParameters({ port: server.port, applicationName: undefined }), { signal }))[
      Symbol.asyncDispose
    ]();
    const common = { user: 'postgres', database: 'postgres', client_encoding: 'UTF8' };
    expect(packets).toEqual([
      { ...common, replication: 'true', application_name: 'protocol-test', options: '-c wal_sender_timeout=5s' },
      common,
    ]);
  });

  test('keeps the deadline of connecting away from the connection', async () => {
    await using server = await serveWelcome(async (client) => {
      await client.expect('Q');
      await delay(1600);
      client.send(error({ C: '42704', M: 'late' }), backend.readyForQuery());
    });
    await using connection = await connectReplication(testParameters({ port: server.port, connectTimeoutMs: 1500 }), { signal });
    await expect(connection.show('x')).rejects.toThrow('late');
  });
});

describe('a server that is not what we need', () => {
  test.each(['9.6.24', '', 'nonsense'])('of version "%s" is refused', async (version) => {
    await using server = await serveWelcome(undefined, version);
    await expect(connectReplication(testParameters({ port: server.port }), { signal })).rejects.toThrow(UnsupportedServerError);
  });

  test('that speaks HTTP is refused', async () => {
    await using server = await serve((client) => client.send(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')));
    await expect(connectReplication(testParameters({ port: server.port }), { signal })).rejects.toThrow(ProtocolViolationError);
  });

  test('that sends rows before it has let us in is refused', async () => {
    await using server = await serve((client) => client.send(backend.readyForQuery()));
    await expect(connectReplication(testParameters({ port: server.port }), { signal })).rejects.toThrow(
      'received readyForQuery from the server before it had authenticated us',
    );
  });

  test('that leaves without a word is a lost connection', async () => {
    await using server = await scriptedServer(async (client) => void (await client.startup()));
    await expect(connectReplication(testParameters({ port: server.port }), { signal })).rejects.toMatchObject({
      code: 'ERR_CONNECTION_LOST',
      retry: 'retry',
    });
  });

  test('a role without REPLICATION is told the command to run', async () => {
    await using server = await serve(refuse('42501', 'must be superuser or replication role to start walsender'));
    const parameters = testParameters({ port: server.port, user: 'Streamer' });
    await expect(connectReplication(parameters, { signal })).rejects.toMatchObject({
      sqlState: '42501',
      hint: 'Run on the server: ALTER ROLE "Streamer" REPLICATION;',
    });
  });

  test('a missing line in pg_hba.conf is told word for word', async () => {
    await using server = await serve(refuse('28000', 'no pg_hba.conf entry for replication connection'));
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
    await using server = await serve(async (client) => {
      await client.startup();
      client.send(Buffer.from('N'));
      if (client.number > 1) await client.welcome(backend.welcome());
    });
    await expect(connectReplication(testParameters({ port: server.port, tls: { mode: 'require' } }), { signal })).rejects.toThrow(
      new RegExp('^the server does not support TLS$'),
    );
    await using connection = await connectReplication(testParameters({ port: server.port, tls: { mode: 'prefer' } }), { signal });
    expect([connection.serverVersion, server.accepted]).toEqual([180_004, 2]);
  });

  test('with plain text behind the "yes" is an error', async () => {
    await using server = await serve(async (client) => {
      await client.startup();
      client.send(Buffer.from('S'), backend.welcome());
    });
    const parameters = testParameters({ port: server.port, tls: { mode: 'require' } });
    await expect(connectReplication(parameters, { signal })).rejects.toThrow(
      'received unencrypted data after the answer to the TLS request',
    );
  });

  test('that is an error message is not shown, and may pass', async () => {
    await using server = await serve(async (client) => {
      await client.startup();
      client.send(fatal({ M: 'send your password to evil.example' }));
    });
    const failure = await connectReplication(testParameters({ port: server.port, tls: { mode: 'require' } }), { signal }).catch(
      (caught: unknown) => caught,
    );
    expect(failure).toBeInstanceOf(TlsError);
    expect(failure).toMatchObject({ retry: 'retry', message: 'the server answered the TLS request with neither yes nor no' });
  });

  test('that is a closed connection is an error that may pass', async () => {
    await using server = await scriptedServer(async (client) => void (await client.startup()));
    const parameters = testParameters({ port: server.port, tls: { mode: 'require' } });
    await expect(connectReplication(parameters, { signal })).rejects.toMatchObject({ code: 'ERR_TLS', retry: 'retry' });
  });

  test('"prefer" tries the same server again without TLS when the handshake fails', async () => {
    await using server = await serve(async (client) => {
      if (client.number > 1) return void (await client.welcome(backend.welcome()));
      await client.startup();
      client.send(Buffer.from('S'));
      // Should both come at once after all, it is an error of TLS just the same.
      await delay(20);
      client.send(Buffer.from('this is no TLS record'));
    });
    await using connection = await connectReplication(testParameters({ port: server.port, tls: { mode: 'prefer' } }), { signal });
    expect([connection.serverVersion, server.accepted]).toEqual([180_004, 2]);
  });

  test('"allow" starts without TLS and keeps the first refusal when the server has none', async () => {
    await using server = await serve(async (client) => {
      if (client.number === 1) return await refuse('28000', 'plain text is not welcome')(client);
      await client.startup();
      client.send(Buffer.from('N'));
    });
    const parameters = testParameters({ port: server.port, tls: { mode: 'allow' } });
    await expect(connectReplication(parameters, { signal })).rejects.toThrow(AuthenticationError);
    expect(server.accepted).toBe(2);
  });
});
