import { connect } from 'node:net';
import { Client } from 'pg';
import { expect, test } from 'vitest';
import { backend, scriptedServer } from './index.ts';

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
