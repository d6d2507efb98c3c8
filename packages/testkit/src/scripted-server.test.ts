import { once } from 'node:events';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { Client } from 'pg';
import { expect, test } from 'vitest';
import { backend, createAuthority, scriptedServer, type ScriptedServerOptions, temporaryDirectory } from './index.ts';

const clientOf = (server: { host: string; port: number }) => {
  const client = new Client({ host: server.host, port: server.port, user: 'u', database: 'd', ssl: false });
  return client.on('error', () => undefined);
};

test('speaks well enough for a real client, also one byte at a time', async () => {
  const asked: string[] = [];
  await using server = await scriptedServer(async (connection) => {
    expect(await connection.welcome(backend.welcome())).toMatchObject({ user: 'u', database: 'd' });
    asked.push(await connection.query());
    await connection.sendInPieces(backend.result(['a', 'b'], ['1', null], ['zwei', 'é']));
    await connection.expect('X');
  });
  const client = clientOf(server);
  await client.connect();
  expect((await client.query('select something')).rows).toEqual([
    { a: '1', b: null },
    { a: 'zwei', b: 'é' },
  ]);
  await client.end();
  expect(asked).toEqual(['select something']);
  expect(server.accepted).toBe(1);
});

test('reports errors the way PostgreSQL does', async () => {
  await using server = await scriptedServer(async (connection) => {
    await connection.startup();
    connection.send(backend.errorResponse({ S: 'FATAL', V: 'FATAL', C: '57P03', M: 'the database system is starting up' }));
  });
  await expect(clientOf(server).connect()).rejects.toMatchObject({
    code: '57P03',
    severity: 'FATAL',
    message: 'the database system is starting up',
  });
});

test('a script whose expectation is not met fails the test when the server is disposed', async () => {
  const server = await scriptedServer(async (connection) => {
    await connection.welcome(backend.welcome());
    await connection.expect('P');
  });
  const client = clientOf(server);
  await client.connect();
  await expect(client.query('select 1')).rejects.toThrow('Connection terminated unexpectedly');
  await expect(server[Symbol.asyncDispose]()).rejects.toMatchObject({
    cause: { message: expect.stringContaining('got "Q"') as unknown },
  });
});

test('breaks a connection in the middle of a message', async () => {
  await using server = await scriptedServer(async (connection) => {
    await connection.startup();
    connection.send(backend.authenticationOk().subarray(0, 5));
    connection.reset();
  });
  await expect(clientOf(server).connect()).rejects.toThrow(/ECONNRESET|Connection terminated/);
});

test('waits for the client to go away', async () => {
  let gone = false;
  await using server = await scriptedServer(async (connection) => {
    await connection.closed();
    gone = true;
  });
  const socket = connect(server.port, server.host);
  await new Promise((resolve) => socket.end('whatever', () => socket.on('close', resolve).resume()));
  expect(gone).toBe(true);
});

/** Connects without any library; the pieces in which what the server says arrives. */
async function rawClient(options: ScriptedServerOptions, port: number): Promise<{ pieces: string[]; ended: Promise<unknown> }> {
  const { socketDirectory, tls } = options;
  const plain = socketDirectory === undefined ? connect(port, '127.0.0.1') : connect(`${socketDirectory}/.s.PGSQL.5432`);
  await once(plain, 'connect');
  let socket = plain;
  if (tls !== undefined) {
    plain.write(Buffer.from('0000000804d2162f', 'hex'));
    expect(String(await once(plain, 'data'))).toBe('S');
    socket = connectTls({ socket: plain, rejectUnauthorized: false });
    await once(socket, 'secureConnect');
  }
  const pieces: string[] = [];
  socket.setEncoding('latin1').on('data', (piece: string) => pieces.push(piece));
  const ended = once(socket, 'close');
  socket.write(Buffer.from('00000008000300000000', 'hex'));
  return { pieces, ended };
}

test.each(['TCP', 'TLS', 'a Unix socket'])('cuts where it is told to, over %s', async (transport) => {
  await using directory = await temporaryDirectory('scripted-server');
  const options = {
    tls: transport === 'TLS' ? createAuthority().issue({ commonName: 'server' }) : undefined,
    socketDirectory: transport === 'a Unix socket' ? directory.path : undefined,
  };
  await using server = await scriptedServer(async (connection) => {
    await connection.startup();
    await connection.sendCut(Buffer.from('hello'), 2);
    await connection.sendInPieces(Buffer.from('world'));
    await connection.sendAll([Buffer.from('!')]);
    await expect.poll(() => connection.sentBytes).toBe(11);
  }, options);
  const client = await rawClient(options, server.port);
  await client.ended;
  expect(client.pieces).toEqual(['he', 'llo', 'w', 'o', 'r', 'l', 'd', '!']);
});
