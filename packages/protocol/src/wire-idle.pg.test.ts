/** Streams in which nothing happens for a while, or in which the server ends what is going on, with a real server. */
import { setTimeout as delay } from 'node:timers/promises';
import { bulkLoad, type Cluster, startCluster } from '@walvault/testkit';
import { type Lsn, parseLsn, toLsn } from '@walvault/wal';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectReplication } from './connect.ts';
import { testParameters } from './parameters.test-support.ts';
import type { ReplicationConnection } from './replication-connection.ts';
import { ReplicationStream } from './replication-stream.ts';

const { signal } = new AbortController();

interface Streaming extends AsyncDisposable {
  readonly connection: ReplicationConnection;
  readonly stream: ReplicationStream;
}

describe('a stream of PostgreSQL 18', () => {
  let pg: Cluster;
  let begin: Lsn;
  beforeAll(async () => {
    pg = await startCluster({ major: 18, segmentSizeMb: 1, settings: { autovacuum: 'off', checkpoint_timeout: '1h' } });
    begin = parseLsn(await pg.currentLsn());
  });
  afterAll(async () => {
    await pg?.[Symbol.asyncDispose]();
  });

  async function streamFrom(startLsn: Lsn, options?: string): Promise<Streaming> {
    await using stack = new AsyncDisposableStack();
    const connection = stack.use(await connectReplication(testParameters({ port: pg.port, options }), { signal }));
    const { timelineId } = await connection.identifySystem();
    const stream = await connection.startReplication({ startLsn, timelineId });
    if (!(stream instanceof ReplicationStream)) throw new Error('no stream');
    const held = stack.move();
    return { connection, stream, [Symbol.asyncDispose]: () => held.disposeAsync() };
  }

  test('a server that hears nothing asks after half of wal_sender_timeout, and leaves without a word after all of it', async () => {
    const { flushLsn } = await identify();
    const since = performance.now();
    await using running = await streamFrom(flushLsn, '-c wal_sender_timeout=1s');
    const { stream } = running;
    const asked: number[] = [];
    const silent = async (): Promise<void> => {
      for await (const batch of stream) {
        for (const message of batch) {
          if (message.kind === 'primaryKeepalive' && message.replyRequested) asked.push(performance.now() - since);
        }
      }
    };
    await expect(silent()).rejects.toMatchObject({ code: 'ERR_CONNECTION_LOST', retry: 'retry' });
    expect(asked.length).toBeGreaterThan(0);
    expect(asked[0]).toBeGreaterThan(300);
    expect(performance.now() - since).toBeGreaterThan(900);
  });

  test('an idle stream that answers when it is asked lives longer than wal_sender_timeout', async () => {
    await using running = await streamFrom((await identify()).flushLsn, '-c wal_sender_timeout=1500ms');
    const { stream } = running;
    let replies = 0;
    for await (const batch of stream) {
      for (const message of batch) {
        if (message.kind !== 'primaryKeepalive' || !message.replyRequested) continue;
        replies += 1;
        stream.sendStandbyStatus({ writeLsn: message.walEnd, flushLsn: message.walEnd, applyLsn: toLsn(0) });
      }
      // It asks whenever half of the time is over.
      if (replies === 5) stream.stop();
    }
    expect(stream.end).toEqual({ kind: 'stopped' });
    expect(replies).toBeGreaterThanOrEqual(5);
  });

  test('an idle server that has no timeout says nothing by itself, and answers at once when it is asked', async () => {
    const { flushLsn } = await identify();
    await using running = await streamFrom(flushLsn, '-c wal_sender_timeout=0');
    const { stream } = running;
    const pulls = stream[Symbol.asyncIterator]();
    // What a walsender says on its own when it has caught up, and what autovacuum or the checkpointer may still write.
    let pull = pulls.next();
    for (;;) {
      const first = await Promise.race([pull, delay(700, undefined)]);
      if (first === undefined) break;
      pull = pulls.next();
    }
    stream.sendStandbyStatus({ writeLsn: flushLsn, flushLsn, applyLsn: toLsn(0), replyRequested: true });
    expect((await pull).value?.some((message) => message.kind === 'primaryKeepalive')).toBe(true);
  });

  test('a walsender that is terminated in the middle of a backlog ends the stream behind whole messages', async () => {
    await bulkLoad(pg, 12);
    await using running = await streamFrom(begin);
    const { stream } = running;
    let at = begin;
    let isKilled = false;
    const receive = async (): Promise<void> => {
      for await (const batch of stream) {
        for (const message of batch) {
          if (message.kind !== 'walData') continue;
          expect(message.dataStart).toBe(at);
          at = toLsn(at + BigInt(message.data.length));
        }
        stream.sendStandbyStatus({ writeLsn: at, flushLsn: at, applyLsn: toLsn(0) });
        if (!isKilled && at - begin > 4n * 1024n * 1024n) {
          isKilled = true;
          await pg.query('select pg_terminate_backend($1)', [running.connection.backendPid]);
        }
      }
    };
    const failure = await receive().catch((caught: unknown) => caught);
    // What the server says before it leaves may be lost when it leaves while we are writing to it.
    expect(failure).toMatchObject({ code: expect.stringMatching(/^ERR_(SERVER|CONNECTION_LOST)$/) as string, retry: 'retry' });
    if (failure instanceof Error && 'sqlState' in failure) expect(failure.sqlState).toBe('57P01');
    expect(stream.isOpen).toBe(false);
  });

  async function identify(): Promise<{ flushLsn: Lsn }> {
    await using connection = await connectReplication(testParameters({ port: pg.port }), { signal });
    return await connection.identifySystem();
  }
});
