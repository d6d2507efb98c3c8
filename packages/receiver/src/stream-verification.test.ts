import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Disk, nodeDisk } from '@walvault/durable-fs';
import { backend } from '@walvault/testkit';
import { type Lsn, lsnDistance } from '@walvault/wal';
import type { BuiltWal } from '@walvault/wal/testing';
import { describe, expect } from 'vitest';
import { receiveFrom, startLsn, type Walsender } from './scripted-walsender.test-support.ts';
import { test } from './test-directory.test-support.ts';
import { at, nameOf, record, size, systemIdentifier, walOf } from './wal-directory.test-support.ts';

const shutdown = backend.commandComplete('COPY 0');
const partial = `${nameOf(0)}.partial`;
/** The record that will be damaged begins behind 100 short ones. */
const wal = walOf([
  ...Array.from({ length: 100 }, () => record(200)),
  record(30_000),
  ...Array.from({ length: 100 }, () => record(200)),
]);
const bad = wal.records[100]!;
const badAt = lsnDistance(startLsn, bad.startLsn);
const checked = { verifyStream: true };

/** The WAL with one byte changed. */
function damaged(of: BuiltWal, lsn: Lsn): Buffer {
  const bytes = Buffer.from(of.bytes);
  bytes[lsnDistance(startLsn, lsn)]! ^= 1;
  return bytes;
}

/** Sends `[from, to)` in messages of this size, and sees what is told up to the end of the connection. */
async function sendAndListen(walsender: Walsender, bytes: Buffer, pieceSize: number): Promise<bigint[]> {
  for (let from = 0; from < bytes.length; from += pieceSize) walsender.wal(from, bytes.subarray(from, from + pieceSize));
  return (await walsender.untilGoodbye()).map(({ flush }) => flush);
}

/** A disk on which the first sync of a file begins, and does not end before it may. */
function heldDisk() {
  const begun = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  const disk: Disk = {
    ...nodeDisk,
    open: async (...args) => {
      const file = await nodeDisk.open(...args);
      const datasync = file.datasync.bind(file);
      file.datasync = async () => {
        begun.resolve();
        await go.promise;
        await datasync();
      };
      return file;
    },
  };
  return { disk, begun: begun.promise, go: () => go.resolve() };
}

describe('a record that is not right', () => {
  test.for([1000, 8192, 20_000, 131_072])(
    'ends the stream: nothing of it was told, though what came before it is (messages of %d bytes)',
    async (pieceSize, { directory }) => {
      const told: bigint[] = [];
      const bytes = damaged(wal, (bad.startLsn + 20_000n) as Lsn);
      const { error, positions } = await receiveFrom({
        directory,
        systemIdentifier,
        options: checked,
        script: async (walsender) => void told.push(...(await sendAndListen(walsender, bytes, pieceSize))),
      });
      expect(error).toMatchObject({ code: 'ERR_WAL_RECORD', retry: 'retry', lsn: bad.startLsn, path: join(directory, partial) });
      const atOnce = badAt + 30_000 < pieceSize ? 0 : Math.floor(badAt / pieceSize) * pieceSize; // what was written for sure
      expect(Math.max(...told.map(Number))).toBeGreaterThanOrEqual(Number(startLsn));
      expect(told.every((flush) => flush <= bad.startLsn)).toBe(true);
      expect(positions.flushedLsn).toBe(positions.writtenLsn);
      expect(positions.writtenLsn).toBeGreaterThanOrEqual(at(atOnce));
      expect(positions.verifiedLsn).toBeLessThanOrEqual(bad.startLsn);
      const written = Number(positions.writtenLsn - startLsn);
      if (written === 0) expect(await readdir(directory)).toEqual([]);
      else expect((await readFile(join(directory, partial))).subarray(0, written).equals(bytes.subarray(0, written))).toBe(true);
    },
  );

  test('is not told either when the server asks in the same breath', async ({ directory }) => {
    const bytes = damaged(wal, (bad.startLsn + 20_000n) as Lsn);
    const { error, positions } = await receiveFrom({
      directory,
      systemIdentifier,
      options: checked,
      script: async (walsender) => {
        const half = badAt + 10_000;
        walsender.wal(0, bytes.subarray(0, half));
        await walsender.statusUntil(({ flush }) => flush === bad.startLsn);
        const [from, to] = [startLsn + BigInt(half), wal.endLsn];
        walsender.connection.send(Buffer.concat([backend.walData(from, to, bytes.subarray(half)), backend.keepalive(to, true)]));
        for (const { flush } of await walsender.untilGoodbye()) expect(flush).toBe(bad.startLsn);
      },
    });
    expect(error).toMatchObject({ code: 'ERR_WAL_RECORD', lsn: bad.startLsn });
    expect(positions).toMatchObject({ flushedLsn: at(badAt + 10_000), verifiedLsn: bad.startLsn, acknowledgedLsn: bad.startLsn });
  });

  test('is not told when its beginning was still to be, for a server that asked', async ({ directory }) => {
    const { disk, begun, go } = heldDisk();
    const bytes = damaged(wal, (bad.startLsn + 20_000n) as Lsn);
    const half = badAt + 10_000;
    const { error } = await receiveFrom({
      directory,
      systemIdentifier,
      options: { ...checked, disk },
      script: async (walsender) => {
        walsender.wal(0, bytes.subarray(0, badAt));
        await begun;
        walsender.wal(badAt, bytes.subarray(badAt, half));
        walsender.connection.send(backend.keepalive(startLsn + BigInt(half), true));
        await sleep(50); // for it to be taken
        walsender.wal(half, bytes.subarray(half));
        await sleep(50);
        go();
        for (const { flush } of await walsender.untilGoodbye()) expect(flush).toBeLessThanOrEqual(bad.startLsn);
      },
    });
    expect(error).toMatchObject({ code: 'ERR_WAL_RECORD', lsn: bad.startLsn });
  });

  test('is asked for again from its first byte, and mended', async ({ directory }) => {
    const bytes = damaged(wal, (bad.startLsn + 20_000n) as Lsn);
    await receiveFrom({
      directory,
      systemIdentifier,
      options: checked,
      script: async (walsender) => void (await sendAndListen(walsender, bytes, 1000)),
    });
    const { end, positions } = await receiveFrom({
      directory,
      systemIdentifier,
      flushLsn: wal.endLsn,
      looksFirst: true,
      options: checked,
      script: async (walsender) => {
        expect(await walsender.status()).toMatchObject({ write: bad.startLsn, flush: bad.startLsn });
        walsender.wal(badAt, wal.bytes.subarray(badAt));
        await walsender.statusUntil(({ flush }) => flush === wal.endLsn);
        walsender.connection.send(shutdown);
      },
    });
    expect(end).toBe('serverShutdown');
    expect(positions).toMatchObject({ flushedLsn: wal.endLsn, verifiedLsn: wal.endLsn });
    expect((await readFile(join(directory, partial))).subarray(0, wal.bytes.length).equals(wal.bytes)).toBe(true);
  });

  test('is left alone when nobody looks', async ({ directory }) => {
    const { end, positions } = await receiveFrom({
      directory,
      systemIdentifier,
      options: { verifyStream: false },
      script: async (walsender) => {
        walsender.wal(0, damaged(wal, bad.startLsn));
        await walsender.statusUntil(({ flush }) => flush === wal.endLsn);
        walsender.connection.send(shutdown);
      },
    });
    expect(end).toBe('serverShutdown');
    expect(positions.verifiedLsn).toBe(wal.endLsn);
  });
});

test('a page that is not right ends the stream, and says which', async ({ directory }) => {
  const { error, positions } = await receiveFrom({
    directory,
    systemIdentifier,
    options: checked,
    script: async (walsender) => void (await sendAndListen(walsender, damaged(wal, at(8192)), 1000)),
  });
  expect(error).toMatchObject({ code: 'ERR_WAL_PAGE', retry: 'retry', lsn: at(8192), path: join(directory, partial) });
  expect(positions.acknowledgedLsn).toBeLessThanOrEqual(at(8192));
});

test('WAL of another cluster is not taken, whatever the server calls itself', async ({ directory }) => {
  const { error, positions } = await receiveFrom({
    directory,
    systemIdentifier: 4711n,
    options: checked,
    script: async (walsender) => void (await sendAndListen(walsender, wal.bytes, 100_000)),
  });
  expect(error).toMatchObject({ code: 'ERR_WAL_PAGE', lsn: startLsn, message: expect.stringContaining('of cluster') });
  expect(positions.writtenLsn).toBe(startLsn);
});

describe('a record whose end has not come', () => {
  const half = badAt + 10_000;

  test('is told to a server that asks, which may want to shut down, and only when all of it is flushed', async ({
    directory,
  }) => {
    await receiveFrom({
      directory,
      systemIdentifier,
      options: checked,
      script: async (walsender) => {
        walsender.wal(0, wal.bytes.subarray(0, half));
        await walsender.statusUntil(({ flush }) => flush === bad.startLsn);
        walsender.wal(half, wal.bytes.subarray(half, half + 5000));
        walsender.connection.send(backend.keepalive(startLsn + BigInt(half + 5000), true));
        const told = await walsender.statusUntil(({ flush }) => flush !== bad.startLsn);
        expect(told).toMatchObject({ write: at(half + 5000), flush: at(half + 5000) });
        walsender.connection.send(shutdown);
      },
    });
  });

  test('is told then, too, when a flush is under way that does not take it along', async ({ directory }) => {
    const { disk, begun, go } = heldDisk();
    await receiveFrom({
      directory,
      systemIdentifier,
      options: { ...checked, disk, statusIntervalMs: 60_000 },
      walSenderTimeout: '10min',
      script: async (walsender) => {
        await walsender.status();
        walsender.wal(0, wal.bytes.subarray(0, badAt));
        await begun;
        walsender.wal(badAt, wal.bytes.subarray(badAt, half));
        walsender.connection.send(backend.keepalive(startLsn + BigInt(half), true));
        await sleep(50); // for both to be taken
        go();
        expect(await walsender.status()).toMatchObject({ write: at(half), flush: bad.startLsn });
        expect(await walsender.status()).toMatchObject({ write: at(half), flush: at(half) });
        walsender.connection.send(shutdown);
      },
    });
  });

  test('is gone on with by the next process, over the end of a segment', async ({ directory }) => {
    const long = walOf([record(size - 10_000), record(50_000), record(200)]);
    const cut = size + 8192;
    const first = long.records[0]!;
    const { positions } = await receiveFrom({
      directory,
      systemIdentifier,
      options: checked,
      script: async (walsender) => {
        walsender.wal(0, long.bytes.subarray(0, cut));
        await walsender.statusUntil(({ flush }) => flush === first.endLsn);
        walsender.connection.send(shutdown);
      },
    });
    expect(positions).toMatchObject({ flushedLsn: at(cut), acknowledgedLsn: first.endLsn });
    await receiveFrom({
      directory,
      systemIdentifier,
      flushLsn: long.endLsn,
      looksFirst: true,
      options: checked,
      script: async (walsender) => {
        expect(await walsender.status()).toMatchObject({ write: at(size), flush: first.endLsn });
        walsender.wal(size, long.bytes.subarray(size, cut));
        expect(await walsender.statusUntil(({ write }) => write === at(cut))).toMatchObject({ flush: first.endLsn });
        walsender.wal(cut, long.bytes.subarray(cut));
        await walsender.statusUntil(({ flush }) => flush === long.endLsn);
        walsender.connection.send(shutdown);
      },
    });
    expect((await readdir(directory)).toSorted()).toEqual([nameOf(0), `${nameOf(1)}.partial`]);
  });
});

test('an observer that throws ends it, however much is on its way', async ({ directory }) => {
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
      for (let sent = 0; sent < 8 * size; sent += size / 4) walsender.wal(sent, Buffer.alloc(size / 4));
      await walsender.connection.closed();
    },
  });
  expect(error).toMatchObject({ message: 'the observer broke' });
});
