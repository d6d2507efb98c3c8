/** What an operator meets: disks that are full, read-only, somebody else's, or gone. Each has a clear error, and a way on. */
import { rmSync } from 'node:fs';
import { chmod, chown, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FileSystemError } from '@walvault/durable-fs';
import { type DiskCallKind, FaultyDisk, Random } from '@walvault/testkit/faulty-disk';
import { partialSuffix, tryParseWalFileName, walFileNameAt } from '@walvault/wal';
import { describe, expect } from 'vitest';
import { receiveFromModel } from './model-reception.test-support.ts';
import { ModelServer, modelWal, segmentSize, timelineId } from './model-walsender.test-support.ts';
import type { Positions } from './positions.ts';
import { test } from './test-directory.test-support.ts';

const wal = modelWal(0);
const firstPartial = walFileNameAt(timelineId, wal.startLsn, segmentSize) + partialSuffix;

function modelServer(onAcknowledged: () => void = () => undefined): ModelServer {
  return new ModelServer({ wal, random: new Random(1), lossRate: 0, asksAtEnd: false, onEvent: () => undefined, onAcknowledged });
}

/** The segments on a modelled disk, one behind the other. */
function received(disk: FaultyDisk): Buffer {
  const segments = [...disk.files('/streaming')].filter(([name]) => tryParseWalFileName(name) !== undefined);
  return Buffer.concat(segments.map(([, content]) => content));
}

/** What ended it. */
async function failureOf(reception: Promise<void>): Promise<unknown> {
  return reception.then(
    () => undefined,
    (error: unknown) => error,
  );
}

/** Does something as one who may not everything, though the tests run as root. */
async function asOrdinaryUser<T>(work: () => Promise<T>): Promise<T> {
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(65_534);
  try {
    return await work();
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
}

/** A streaming directory that belongs to him. */
async function ownDirectory(parent: string): Promise<string> {
  const path = join(parent, 'streaming');
  await mkdir(path);
  if (process.geteuid?.() === 0) {
    await chmod(parent, 0o755);
    await chown(path, 65_534, 65_534);
  }
  return path;
}

describe('permission', () => {
  test('a directory that may not be written to is named, and trying again would not help', async ({ directory: parent }) => {
    const directory = await ownDirectory(parent);
    await chmod(directory, 0o555);
    const server = modelServer();
    const failure = await asOrdinaryUser(() => failureOf(receiveFromModel({ server, directory })));
    expect(failure).toMatchObject({
      code: 'ERR_NOT_PERMITTED',
      retry: 'fatal',
      path: join(directory, firstPartial),
      message: `could not open "${join(directory, firstPartial)}": permission denied`,
      hint: expect.stringContaining('owner'),
    });
    expect(server.acknowledgedLsn).toBe(wal.startLsn);
    expect(await readdir(directory)).toEqual([]);
  });

  test('a directory that may not be read, either', async ({ directory: parent }) => {
    const directory = await ownDirectory(parent);
    await chmod(directory, 0o000);
    const failure = await asOrdinaryUser(() => failureOf(receiveFromModel({ server: modelServer(), directory })));
    expect(failure).toMatchObject({ code: 'ERR_NOT_PERMITTED', retry: 'fatal', path: directory });
  });

  test('nor a segment that somebody else has left there', async ({ directory: parent }) => {
    const directory = await ownDirectory(parent);
    const path = join(directory, firstPartial);
    await writeFile(path, Buffer.alloc(segmentSize), { mode: 0o000 });
    const failure = await asOrdinaryUser(() => failureOf(receiveFromModel({ server: modelServer(), directory })));
    expect(failure).toMatchObject({ code: 'ERR_NOT_PERMITTED', retry: 'fatal', path });
  });
});

describe('a directory', () => {
  test('that is not there is named', async ({ directory: parent }) => {
    const directory = join(parent, 'streaming');
    const failure = await failureOf(receiveFromModel({ server: modelServer(), directory }));
    expect(failure).toMatchObject({ code: 'ERR_PATH_MISSING', retry: 'fatal', path: directory });
  });

  test('that is removed while WAL streams into it ends that, with the segment at the latest', async ({ directory: parent }) => {
    const directory = await ownDirectory(parent);
    const server = modelServer();
    const onSegment = (): void => rmSync(directory, { recursive: true, maxRetries: 10 }); // a file may just be made there
    const failure = await failureOf(receiveFromModel({ server, directory, onSegment }));
    expect(failure).toMatchObject({ name: 'FileSystemError', code: 'ERR_PATH_MISSING', retry: 'fatal' });
    expect(server.acknowledgedLsn).toBeLessThan(wal.startLsn + 2n * BigInt(segmentSize));
  });
});

/** A modelled disk on which every call of a kind fails from some moment on. */
function diskFailing(kind: DiskCallKind, errno: string): { disk: FaultyDisk; start: () => void } {
  let isFailing = false;
  const disk = new FaultyDisk({
    random: new Random(1),
    directories: ['/streaming'],
    faultAt: (call) => (isFailing && call.kind === kind ? { errno } : undefined),
  });
  return { disk, start: () => void (isFailing = true) };
}

describe('what a failing disk says is told in our words', () => {
  test.each([
    ['writev', 'ENOSPC', 'ERR_STORAGE_FULL', 'retry'],
    ['writev', 'EDQUOT', 'ERR_STORAGE_FULL', 'retry'],
    ['writev', 'EIO', 'ERR_FILE_SYSTEM', 'fatal'],
    ['truncate', 'ENOSPC', 'ERR_STORAGE_FULL', 'retry'],
    ['open', 'EROFS', 'ERR_NOT_PERMITTED', 'fatal'],
    ['open', 'ENOSPC', 'ERR_STORAGE_FULL', 'retry'],
    ['datasync', 'EIO', 'ERR_SYNC_FAILED', 'fatal'],
    ['datasync', 'ENOSPC', 'ERR_SYNC_FAILED', 'fatal'],
    ['sync', 'EIO', 'ERR_SYNC_FAILED', 'fatal'],
    ['rename', 'ENOSPC', 'ERR_STORAGE_FULL', 'retry'],
    ['rename', 'EROFS', 'ERR_NOT_PERMITTED', 'fatal'],
  ] as const)('%s: %s is %s, %s', async (kind, errno, code, retry) => {
    const { disk, start } = diskFailing(kind, errno);
    start();
    const server = modelServer();
    const failure = await failureOf(receiveFromModel({ server, directory: '/streaming', disk: disk.mount() }));
    expect(failure).toBeInstanceOf(FileSystemError);
    expect(failure).toMatchObject({ code, retry });
    expect(server.acknowledgedLsn).toBeLessThan(wal.startLsn + BigInt(segmentSize));
    expect(server.violations).toEqual([]);
  });
});

describe('a full disk', () => {
  test('keeps what was acknowledged, acknowledges nothing more, and receiving goes on when there is room', async () => {
    const disk = new FaultyDisk({ random: new Random(1), directories: ['/streaming'] });
    disk.capacityBytes = 1.5 * segmentSize;
    const mount = disk.mount();
    const server = modelServer();
    let before: Positions | undefined;
    const reception = () =>
      receiveFromModel({
        server,
        directory: '/streaming',
        disk: mount,
        before,
        onBegin: (positions) => void (before = positions),
      });
    for (let attempt = 0; attempt < 3; attempt += 1) {
      expect(await failureOf(reception())).toMatchObject({ code: 'ERR_STORAGE_FULL', retry: 'retry' });
      expect(server.acknowledgedLsn).toBe(before?.acknowledgedLsn);
      expect(server.acknowledgedLsn! - wal.startLsn).toBeLessThanOrEqual(1.5 * segmentSize);
    }
    disk.capacityBytes = 10 * segmentSize;
    await reception();
    expect(server.acknowledgedLsn).toBe(wal.endLsn);
    expect(server.violations).toEqual([]);
    const content = received(disk).subarray(0, wal.bytes.length);
    expect(content.equals(wal.bytes)).toBe(true);
  });

  test('that is read-only from some moment on is fatal, and what is there stays', async () => {
    const disk = new FaultyDisk({ random: new Random(1), directories: ['/streaming'] });
    const server = modelServer();
    const onSegment = (): void => void (disk.isReadOnly = true);
    const failure = await failureOf(receiveFromModel({ server, directory: '/streaming', disk: disk.mount(), onSegment }));
    expect(failure).toMatchObject({
      code: 'ERR_NOT_PERMITTED',
      retry: 'fatal',
      message: expect.stringContaining('read-only file system'),
    });
    disk.powerCut();
    const acknowledged = Number(server.acknowledgedLsn! - wal.startLsn);
    const left = received(disk).subarray(0, acknowledged);
    expect(left.equals(wal.bytes.subarray(0, acknowledged))).toBe(true);
  });
});
