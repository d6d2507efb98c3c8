import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Cluster, faultProxy, type RunningProgram, startCluster } from '@walvault/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { caughtUp, sectionFor, Vault } from './vault.test-support.ts';

const stack = new AsyncDisposableStack();
let pg: Cluster;

beforeAll(async () => {
  pg = stack.use(await startCluster({ segmentSizeMb: 1 }));
});

afterAll(() => stack[Symbol.asyncDispose]());

/** A server that takes connections and never says a word. */
async function mute(): Promise<AsyncDisposable & { readonly port: number }> {
  const server = createServer((socket) => void socket.on('error', () => undefined));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      server.close();
    },
  };
}

/**
 * What the receiver waits for at its end adds up to less than five seconds, and without these limits it would be a minute; in between
 * is what a loaded machine may add.
 */
const inTimeMs = 25_000;

/** Sends a signal and gives the exit code, or the time that is over without one. */
async function endBy(receiver: RunningProgram, signal: NodeJS.Signals): Promise<{ code: number | null; isInTime: boolean }> {
  const before = performance.now();
  const { code } = await receiver.kill(signal);
  return { code, isInTime: performance.now() - before < inTimeMs };
}

describe.each(['SIGTERM', 'SIGINT'] as const)('%s ends the receiver with 0 within five seconds', (signal) => {
  test('while it connects to a server that does not answer', async () => {
    await using server = await mute();
    await using vault = await Vault.create({ pg: sectionFor(pg, { conninfo: `host=127.0.0.1 port=${server.port} user=x` }) });
    await using receiver = await vault.start('receive-wal', '--foreground', 'pg');
    await expect.poll(() => vault.state().catch(() => undefined)).toMatchObject({ phase: 'starting' });
    expect(await endBy(receiver, signal)).toEqual({ code: 0, isInTime: true });
    expect(await vault.state()).toMatchObject({ phase: 'stopped', lastError: null });
  });

  test('while it waits for the next attempt', async () => {
    await using vault = await Vault.create({ pg: sectionFor(pg, { conninfo: 'host=127.0.0.1 port=1 user=x' }) });
    await using receiver = await vault.start('receive-wal', '--foreground', '--wait', 'pg');
    await expect.poll(() => vault.state().catch(() => undefined)).toMatchObject({ phase: 'waiting' });
    expect(await endBy(receiver, signal)).toEqual({ code: 0, isInTime: true });
    expect(await vault.state()).toMatchObject({ phase: 'stopped', lastError: { code: 'ERR_CONNECT' } });
  });

  test('while it streams: what came is durable and the server has heard of it', async () => {
    await using vault = await Vault.create({ pg: sectionFor(pg) });
    await vault.succeed('receive-wal', '--create-slot', '--if-not-exists', 'pg');
    await using receiver = await vault.start('receive-wal', '--foreground', '--wait', 'pg');
    await expect.poll(() => vault.state().catch(() => undefined)).toMatchObject({ phase: 'streaming' });
    await pg.query(`select pg_logical_emit_message(true, 'test', 'the last one')`);
    await caughtUp(pg);
    expect(await endBy(receiver, signal)).toEqual({ code: 0, isInTime: true });
    const { writtenLsn, flushedLsn, acknowledgedLsn } = await vault.state();
    expect({ flushedLsn, acknowledgedLsn }).toEqual({ flushedLsn: writtenLsn, acknowledgedLsn: writtenLsn });
    await pg.waitFor('select not active from pg_replication_slots');
    expect(await pg.value('select restart_lsn from pg_replication_slots')).toBe(acknowledgedLsn);
  });
});

describe('SIGTERM ends the receiver with 0 within five seconds', () => {
  test('while it streams from a server that has stopped answering', async () => {
    await using vault = await Vault.create({ pg: sectionFor(pg) });
    await vault.succeed('receive-wal', '--create-slot', '--if-not-exists', 'pg');
    await using receiver = await vault.start('receive-wal', '--foreground', '--wait', 'pg');
    await expect.poll(() => vault.state().catch(() => undefined)).toMatchObject({ phase: 'streaming' });
    const walsender = Number(await pg.value('select active_pid from pg_replication_slots'));
    process.kill(walsender, 'SIGSTOP');
    try {
      expect(await endBy(receiver, 'SIGTERM')).toEqual({ code: 0, isInTime: true });
    } finally {
      process.kill(walsender, 'SIGCONT');
    }
    expect(await vault.state()).toMatchObject({ phase: 'stopped' });
    await pg.waitFor('select not active from pg_replication_slots');
  });

  test('while the network swallows everything', async () => {
    await using proxy = await faultProxy({ target: pg });
    await using vault = await Vault.create({ pg: sectionFor(pg, { conninfo: pg.conninfo({ port: proxy.port }) }) });
    await vault.succeed('receive-wal', '--create-slot', '--if-not-exists', 'pg');
    await using receiver = await vault.start('receive-wal', '--foreground', '--wait', 'pg');
    await expect.poll(() => vault.state().catch(() => undefined)).toMatchObject({ phase: 'streaming' });
    proxy.stall();
    expect(await endBy(receiver, 'SIGTERM')).toEqual({ code: 0, isInTime: true });
    proxy.resume();
    await pg.waitFor('select not active from pg_replication_slots');
  });
});

test('a second signal ends it at once', async () => {
  await using proxy = await faultProxy({ target: pg });
  await using vault = await Vault.create({ pg: sectionFor(pg, { conninfo: pg.conninfo({ port: proxy.port }) }) });
  await vault.succeed('receive-wal', '--create-slot', '--if-not-exists', 'pg');
  await using receiver = await vault.start('receive-wal', '--foreground', '--wait', 'pg');
  await expect.poll(() => vault.state().catch(() => undefined)).toMatchObject({ phase: 'streaming' });
  proxy.stall();
  // What a shell sends twice is one signal: only what comes half a second after the first was heard counts.
  receiver.signal('SIGTERM');
  receiver.signal('SIGINT');
  const isOver = receiver.exited.then(() => true);
  while (!(await Promise.race([isOver, sleep(100, false)]))) receiver.signal('SIGTERM');
  // In good order it would have ended with 0, after three and a half seconds.
  expect(await receiver.exited).toMatchObject({ code: 128 + 15 });
  proxy.resume();
  await pg.waitFor('select not active from pg_replication_slots');
});
