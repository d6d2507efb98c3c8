import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { backend } from '@walvault/testkit';
import { addToLsn, invalidLsn } from '@walvault/wal';
import { describe, expect } from 'vitest';
import { receiveFrom, segmentSize, startLsn } from './scripted-walsender.test-support.ts';
import { test } from './test-directory.test-support.ts';

const partial = '000000010000000000000030.partial';
const shutdown = backend.commandComplete('COPY 0');
const at = (bytes: number) => addToLsn(startLsn, bytes);

describe('what the server is told', () => {
  test('the start at once, then each flush; that anything is applied never', async ({ directory }) => {
    const { end, positions } = await receiveFrom({
      directory,
      script: async (walsender) => {
        expect(await walsender.status()).toEqual({ write: startLsn, flush: startLsn, apply: invalidLsn, replyRequested: false });
        walsender.wal(0, Buffer.alloc(1000, 'a'));
        expect(await walsender.status()).toEqual({ write: at(1000), flush: at(1000), apply: invalidLsn, replyRequested: false });
        walsender.connection.send(shutdown);
      },
    });
    expect(end).toBe('serverShutdown');
    expect(positions.flushedLsn).toBe(at(1000));
  });

  test('the answer that it asked for comes after the flush of what it sent before', async ({ directory }) => {
    await receiveFrom({
      directory,
      walSenderTimeout: '30min',
      options: { flushPolicy: 'segment', statusIntervalMs: 600_000 },
      script: async (walsender) => {
        await walsender.status();
        walsender.wal(0, Buffer.alloc(1000));
        walsender.connection.send(backend.keepalive(startLsn + 1000n, true));
        expect(await walsender.status()).toMatchObject({ write: at(1000), flush: at(1000) });
        walsender.connection.send(backend.keepalive(startLsn + 1000n, true));
        expect(await walsender.status()).toMatchObject({ write: at(1000), flush: at(1000) });
        walsender.connection.send(shutdown);
      },
    });
  });

  test('with flush = segment nothing is flushed before the segment is full, though what is written is told', async ({
    directory,
  }) => {
    await receiveFrom({
      directory,
      options: { flushPolicy: 'segment', statusIntervalMs: 50 },
      script: async (walsender) => {
        walsender.wal(0, Buffer.alloc(segmentSize - 8));
        const status = await walsender.statusUntil(({ write }) => write === at(segmentSize - 8));
        expect(status.flush).toBe(startLsn);
        expect((await walsender.status()).flush).toBe(startLsn);
        walsender.wal(segmentSize - 8, Buffer.alloc(8));
        await walsender.statusUntil(({ flush }) => flush === at(segmentSize));
        walsender.connection.send(shutdown);
      },
    });
  });

  test('what was acknowledged before is not taken back while it is received again', async ({ directory }) => {
    await receiveFrom({
      directory,
      acknowledgedLsn: at(1500),
      script: async (walsender) => {
        expect(await walsender.status()).toMatchObject({ write: startLsn, flush: invalidLsn });
        walsender.wal(0, Buffer.alloc(1000));
        expect(await walsender.status()).toMatchObject({ write: at(1000), flush: invalidLsn });
        walsender.wal(1000, Buffer.alloc(1000));
        expect(await walsender.status()).toMatchObject({ write: at(2000), flush: at(2000) });
        walsender.connection.send(shutdown);
      },
    });
  });

  test('it is asked to answer when it is silent, and believed alive when it does', async ({ directory }) => {
    const { end } = await receiveFrom({
      directory,
      walSenderTimeout: '900ms',
      script: async (walsender) => {
        for (let question = 0; question < 4; question += 1) {
          await walsender.statusUntil(({ replyRequested }) => replyRequested);
          walsender.connection.send(backend.keepalive(startLsn, false));
        }
        walsender.connection.send(shutdown);
      },
    });
    expect(end).toBe('serverShutdown');
  });
});

describe('what ends it early', () => {
  test('not an answer that is there, though nobody had the time to read it', async ({ directory }) => {
    const { end } = await receiveFrom({
      directory,
      walSenderTimeout: '400ms',
      script: async (walsender) => {
        await walsender.statusUntil(({ replyRequested }) => replyRequested);
        walsender.connection.send(backend.keepalive(startLsn, false));
        standStill(1000);
        await walsender.status();
        walsender.connection.send(shutdown);
      },
    });
    expect(end).toBe('serverShutdown');
  });

  test('not the silence of this process, when the server was not asked yet', async ({ directory }) => {
    const { end } = await receiveFrom({
      directory,
      walSenderTimeout: '900ms',
      script: async (walsender) => {
        await walsender.status();
        standStill(1500);
        await walsender.statusUntil(({ replyRequested }) => replyRequested);
        walsender.connection.send(backend.keepalive(startLsn, false));
        await walsender.status();
        walsender.connection.send(shutdown);
      },
    });
    expect(end).toBe('serverShutdown');
  });

  test('a hole: what came before is durable and told, the connection is closed', async ({ directory }) => {
    const { error, positions } = await receiveFrom({
      directory,
      script: async (walsender) => {
        walsender.wal(0, Buffer.alloc(1000, 'a'));
        walsender.wal(1001, Buffer.alloc(1000, 'b'));
        await walsender.statusUntil(({ flush }) => flush === at(1000));
        await walsender.connection.closed();
      },
    });
    expect(error).toMatchObject({ code: 'ERR_WAL_GAP', lsn: at(1000) });
    expect(positions).toMatchObject({ writtenLsn: at(1000), flushedLsn: at(1000) });
    const content = await readFile(join(directory, partial));
    expect(content.subarray(0, 1001)).toEqual(Buffer.concat([Buffer.alloc(1000, 'a'), Buffer.alloc(1)]));
  });

  test('a flush that fails: nothing that comes after it is written or told', async ({ directory }) => {
    await mkdir(join(directory, '000000010000000000000030')); // the full segment cannot get its name
    const flushes: bigint[] = [];
    const { error, positions } = await receiveFrom({
      directory,
      script: async (walsender) => {
        walsender.wal(0, Buffer.alloc(1000));
        await walsender.statusUntil(({ flush }) => flush === at(1000));
        walsender.wal(1000, Buffer.alloc(segmentSize));
        for (let sent = segmentSize + 1000; sent < 4 * segmentSize; sent += 10_000) walsender.wal(sent, Buffer.alloc(10_000));
        flushes.push(...(await walsender.untilGoodbye()).map(({ flush }) => flush));
      },
    });
    expect(error).toMatchObject({ name: 'FileSystemError', path: join(directory, partial) });
    expect(flushes.every((flush) => flush === at(1000))).toBe(true);
    expect(positions.flushedLsn).toBe(at(1000));
    expect(await readdir(directory)).toEqual(['000000010000000000000030', partial]);
  });

  test('silence: after wal_sender_timeout, of which half was spent waiting for an answer', async ({ directory }) => {
    const { error } = await receiveFrom({
      directory,
      walSenderTimeout: '400ms',
      script: async (walsender) => {
        await walsender.statusUntil(({ replyRequested }) => replyRequested);
        await walsender.connection.closed();
      },
    });
    expect(error).toMatchObject({ code: 'ERR_SERVER_SILENT', retry: 'retry', hint: expect.any(String) });
  });

  test('silence: what comes after giving up is not taken any more, since there may be holes in it', async ({ directory }) => {
    const { error, positions } = await receiveFrom({
      directory,
      walSenderTimeout: '400ms',
      script: async (walsender) => {
        await walsender.untilGoodbye();
        for (let sent = 0; sent < 50_000; sent += 1000) {
          walsender.wal(sent, Buffer.alloc(1000));
          await nextTurn();
        }
      },
    });
    expect(error).toMatchObject({ code: 'ERR_SERVER_SILENT' });
    expect(positions).toMatchObject({ writtenLsn: startLsn, flushedLsn: startLsn });
  });

  test('an observer that throws', async ({ directory }) => {
    const { error } = await receiveFrom({
      directory,
      options: {
        observer: {
          flushed: () => {
            throw new Error('the observer broke');
          },
        },
      },
      script: async (walsender) => {
        walsender.wal(0, Buffer.alloc(1000));
        await walsender.connection.closed();
      },
    });
    expect(error).toMatchObject({ message: 'the observer broke' });
  });
});

describe('a stop', () => {
  test('flushes what is written, tells it, and drops what comes after', async ({ directory }) => {
    const stop = new AbortController();
    const { end, positions } = await receiveFrom({
      directory,
      options: { flushPolicy: 'segment', statusIntervalMs: 50, stop: stop.signal },
      script: async (walsender) => {
        walsender.wal(0, Buffer.alloc(1000, 'a'));
        await walsender.statusUntil(({ write }) => write === at(1000));
        stop.abort();
        const told = await walsender.untilCopyDone();
        expect(told.at(-1)).toMatchObject({ write: at(1000), flush: at(1000) });
        walsender.wal(1000, Buffer.alloc(1000, 'b'));
        walsender.connection.send(
          backend.copyDone(),
          backend.commandComplete('START_STREAMING'),
          backend.commandComplete('START_REPLICATION'),
          backend.readyForQuery(),
        );
        await walsender.connection.closed();
      },
    });
    expect(end).toBe('stopped');
    expect(positions).toMatchObject({ writtenLsn: at(1000), flushedLsn: at(1000) });
    expect((await readFile(join(directory, partial))).subarray(999, 1002).toString('latin1')).toBe('a\0\0');
  });

  test('is done though the server sends and sends', async ({ directory }) => {
    const stop = new AbortController();
    const { end, positions } = await receiveFrom({
      directory,
      options: { stop: stop.signal },
      script: async (walsender) => {
        const told = walsender.untilCopyDone();
        let sent = 0;
        while (!(await Promise.race([told.then(() => true), nextTurn()]))) {
          walsender.wal(sent, Buffer.alloc(100));
          sent += 100;
          if (sent === 100_000) stop.abort();
        }
        expect((await told).at(-1)?.flush).toBeGreaterThan(startLsn);
        walsender.connection.send(shutdown);
      },
    });
    expect(end).toBe('stopped');
    expect(positions.flushedLsn).toBe(positions.writtenLsn);
  });

  test('does not wait for ever for a server that does not answer', async ({ directory }) => {
    const stop = new AbortController();
    const { end } = await receiveFrom({
      directory,
      options: { stop: stop.signal },
      script: async (walsender) => {
        await walsender.status();
        stop.abort();
        expect(await walsender.untilCopyDone()).toHaveLength(1); // the positions once more, though nothing is new
        await walsender.connection.closed();
      },
    });
    expect(end).toBe('stopped');
  });

  test('whose flush fails is an error', async ({ directory }) => {
    const streaming = join(directory, 'streaming');
    await mkdir(streaming);
    const stop = new AbortController();
    const { error, positions } = await receiveFrom({
      directory: streaming,
      options: { flushPolicy: 'segment', statusIntervalMs: 50, stop: stop.signal },
      script: async (walsender) => {
        walsender.wal(0, Buffer.alloc(1000));
        await walsender.statusUntil(({ write }) => write === at(1000));
        await rename(streaming, join(directory, 'elsewhere'));
        stop.abort();
        await walsender.connection.closed();
      },
    });
    expect(error).toMatchObject({ name: 'FileSystemError', code: 'ERR_PATH_MISSING', path: streaming });
    expect(positions).toMatchObject({ writtenLsn: at(1000), flushedLsn: startLsn });
  });
});

describe('timelines', () => {
  test.for([
    ['1', '0/3000000'],
    ['2', '0/3000001'],
  ])('the next one cannot be %s at %s', async ([next, nextStart], { directory }) => {
    const { error, positions } = await receiveFrom({
      directory,
      script: async (walsender) => {
        walsender.connection.send(endOfTimeline(next!, nextStart!));
        await walsender.connection.closed();
      },
    });
    expect(error).toMatchObject({
      code: 'ERR_TIMELINE_SWITCH',
      retry: 'fatal',
      message: `the server ended timeline 1 at 0/3000000, but named timeline ${next} beginning at ${nextStart} as the next one`,
    });
    expect(positions.timelineId).toBe(1);
  });

  test('the history file is there before the stream of its timeline', async ({ directory }) => {
    const { end } = await receiveFrom({
      directory,
      timelineId: 2,
      history: ['00000002.history', '1\t0/3000000\tno reason\n'],
      script: async (walsender) => {
        expect(await readFile(join(directory, '00000002.history'), 'utf8')).toBe('1\t0/3000000\tno reason\n');
        walsender.connection.send(shutdown);
      },
    });
    expect(end).toBe('serverShutdown');
  });

  test('a history file that is there stays as it is, when the server says the same', async ({ directory }) => {
    await writeFile(join(directory, '00000002.history'), '1\t0/2000000\tas it was\n');
    const { end } = await receiveFrom({
      directory,
      timelineId: 2,
      history: ['00000002.history', '1\t0/2000000\tin other words\n'],
      script: async (walsender) => walsender.connection.send(shutdown),
    });
    expect(end).toBe('serverShutdown');
    expect(await readFile(join(directory, '00000002.history'), 'utf8')).toBe('1\t0/2000000\tas it was\n');
  });

  test('a timeline that has the number of another one, by the history that is kept, is not streamed', async ({ directory }) => {
    await writeFile(join(directory, '00000002.history'), '1\t0/2000000\tas it was\n');
    const { error } = await receiveFrom({
      directory,
      timelineId: 2,
      history: ['00000002.history', '1\t0/3000000\tof another server\n'],
      script: async (walsender) => walsender.connection.closed(),
    });
    expect(error).toMatchObject({ code: 'ERR_TIMELINE_SWITCH', path: join(directory, '00000002.history') });
    expect(await readFile(join(directory, '00000002.history'), 'utf8')).toBe('1\t0/2000000\tas it was\n');
  });

  test.for([
    ['00000003.history', '1\t0/3000000\tno reason\n', 'ERR_TIMELINE_SWITCH'],
    ['../../00000002.history', '1\t0/3000000\tno reason\n', 'ERR_TIMELINE_SWITCH'],
    ['00000002.history', 'this is none\n', 'ERR_INVALID_HISTORY_FILE'],
  ])('a history file "%s" of "%s" is refused, and not kept', async ([name, content, code], { directory }) => {
    const { error } = await receiveFrom({
      directory,
      timelineId: 2,
      history: [name!, content!],
      script: async (walsender) => walsender.connection.closed(),
    });
    expect(error).toMatchObject({ code, retry: 'fatal' });
    expect(await readdir(directory)).toEqual([]);
  });
});

function nextTurn(): Promise<false> {
  return new Promise((resolve) => setImmediate(() => resolve(false)));
}

function endOfTimeline(next: string, nextStart: string): Buffer {
  return Buffer.concat([
    backend.copyDone(),
    backend.rowDescription(['next_tli', 'next_tli_startpos']),
    backend.dataRow([next, nextStart]),
    backend.commandComplete('START_STREAMING'),
    backend.commandComplete('START_REPLICATION'),
    backend.readyForQuery(),
  ]);
}

/** The whole process does nothing for a while, and its timers are late. */
function standStill(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
