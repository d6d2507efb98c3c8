import { mkdir, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseLsn, toTimelineId, toWalSegmentSize, type WalSegmentSize } from '@walvault/wal';
import { describe, expect } from 'vitest';
import { lineageOf } from './lineage.ts';
import { readStreamingDirectory } from './streaming-directory.ts';
import { test } from './test-directory.test-support.ts';

const mebibyte = 1024 * 1024;
const size1 = toWalSegmentSize(mebibyte);
const size16 = toWalSegmentSize(16 * mebibyte);

/** Makes files of the given sizes; they hold zeros. */
async function fill(directory: string, files: Readonly<Record<string, number>>): Promise<void> {
  for (const [name, bytes] of Object.entries(files)) {
    await writeFile(join(directory, name), '');
    await truncate(join(directory, name), bytes);
  }
}

async function latestOf(directory: string, files: Readonly<Record<string, number>>, size: WalSegmentSize) {
  await fill(directory, files);
  return (await readStreamingDirectory(directory, { walSegmentSize: size })).latest;
}

describe('which file decides', () => {
  test('none in an empty directory', async ({ directory }) => {
    expect(await readStreamingDirectory(directory, { walSegmentSize: size16 })).toEqual({
      latest: undefined,
      astray: [],
      segments: [],
      foreignNames: [],
    });
  });

  test('the highest segment; behind a complete one streaming goes on at the next', async ({ directory }) => {
    const files = { '000000010000000000000009': size16, '000000010000000100000000': size16, '0000000100000000000000FF': size16 };
    expect(await latestOf(directory, files, size16)).toEqual({
      name: '000000010000000100000000',
      timelineId: 1,
      segment: 256n,
      isPartial: false,
      resumeLsn: parseLsn('1/1000000'),
      systemIdentifier: undefined,
    });
  });

  test('a partial one is received again from its start', async ({ directory }) => {
    const files = { '000000010000000000000008': size16, '000000010000000000000009.partial': size16 };
    expect(await latestOf(directory, files, size16)).toMatchObject({
      name: '000000010000000000000009.partial',
      isPartial: true,
      resumeLsn: parseLsn('0/9000000'),
    });
  });

  test('the same names mean other places with segments of 1 MiB', async ({ directory }) => {
    const files = { '0000000100000000000000FF': size1, '000000010000000000000FFF': size1 };
    expect(await latestOf(directory, files, size1)).toMatchObject({ segment: 4095n, resumeLsn: parseLsn('1/0') });
  });

  test('of equal segments that of the later timeline, even when only the earlier is complete', async ({ directory }) => {
    const files = { '000000010000000000000009': size16, '000000020000000000000009.partial': size16 };
    expect(await latestOf(directory, files, size16)).toMatchObject({ timelineId: 2, isPartial: true });
  });

  test('but a later timeline does not beat a higher segment', async ({ directory }) => {
    const files = { '00000001000000000000000A.partial': size16, '000000020000000000000009': size16 };
    expect(await latestOf(directory, files, size16)).toMatchObject({ timelineId: 1, resumeLsn: parseLsn('0/A000000') });
  });

  test('of both forms of one segment the complete one', async ({ directory }) => {
    const files = { '000000010000000000000009.partial': size16, '000000010000000000000009': size16 };
    expect(await latestOf(directory, files, size16)).toMatchObject({ isPartial: false, resumeLsn: parseLsn('0/A000000') });
  });
});

describe('sizes', () => {
  test('a partial file may be shorter, even empty', async ({ directory }) => {
    for (const bytes of [0, 39, 12345]) {
      const latest = await latestOf(directory, { '000000010000000000000009.partial': bytes }, size16);
      expect(latest).toMatchObject({ resumeLsn: parseLsn('0/9000000'), systemIdentifier: undefined });
    }
  });

  test.for([
    ['000000010000000000000009', 0, '16777216'],
    ['000000010000000000000009', size16 - 1, '16777216'],
    ['000000010000000000000009', size16 + 1, '16777216'],
    ['000000010000000000000009.partial', size16 + 1, 'at most 16777216'],
  ] as const)(
    '%s with %d bytes in the decisive place is an error, never skipped',
    async ([name, bytes, allowed], { directory }) => {
      await fill(directory, { '000000010000000000000008': size16, [name]: bytes });
      const path = join(directory, name);
      await expect(readStreamingDirectory(directory, { walSegmentSize: size16 })).rejects.toThrow(
        expect.objectContaining({
          code: 'ERR_SEGMENT_FILE_SIZE',
          retry: 'fatal',
          path,
          message: `WAL segment file "${path}" has ${bytes} bytes, should have ${allowed}`,
        }),
      );
    },
  );

  test('in another place it does not matter here', async ({ directory }) => {
    const files = { '000000010000000000000008': 77, '000000010000000000000009': size16 };
    expect(await latestOf(directory, files, size16)).toMatchObject({ name: '000000010000000000000009' });
  });

  test('a name that this segment size cannot have is an error', async ({ directory }) => {
    await fill(directory, { '000000010000000000000100': size16 });
    await expect(readStreamingDirectory(directory, { walSegmentSize: size16 })).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_WAL_FILE_NAME', message: expect.stringContaining('16777216 bytes') }),
    );
  });
});

test('other WAL files and temporary ones mean nothing, foreign ones are named, sorted', async ({ directory }) => {
  const files = {
    '00000002.history': 42,
    '000000010000000000000003.00000028.backup': 300,
    '00000003.history.tmp': 42,
    '.00000003.history.7b0ac7b4.tmp': 42,
    '.next-segment.tmp': size16,
    '.barman-receive-wal.lock': 5,
    '000000010000000000000003': size16,
    '000000010000000000000004.gz': 10,
    ffffffffffffffffffffffff: size16,
    'lost+found.txt': 1,
    '000000000000000000000009': size16,
  };
  await fill(directory, files);
  await mkdir(join(directory, '000000010000000000000005'));
  await symlink('000000010000000000000003', join(directory, '000000010000000000000006'));
  expect(await readStreamingDirectory(directory, { walSegmentSize: size16 })).toEqual({
    latest: expect.objectContaining({ name: '000000010000000000000003' }),
    astray: [],
    segments: [{ name: '000000010000000000000003', timelineId: 1, segment: 3n, isPartial: false }],
    foreignNames: [
      '000000000000000000000009',
      '000000010000000000000004.gz',
      '000000010000000000000005',
      '000000010000000000000006',
      'ffffffffffffffffffffffff',
      'lost+found.txt',
    ],
  });
});

describe('the cluster it belongs to', () => {
  const name = '000000010000000000000009.partial';
  const header = Buffer.alloc(40);
  header.writeUInt16LE(0xd118, 0);
  header.writeUInt16LE(0x0002, 2); // long header
  header.writeBigUInt64LE(parseLsn('0/9000000'), 8);
  header.writeBigUInt64LE(7_711_030_578_120_921_605n, 24);
  header.writeUInt32LE(size16, 32);
  header.writeUInt32LE(8192, 36);
  const identifierOf = async (directory: string, bytes: Buffer) => {
    await writeFile(join(directory, name), bytes);
    return (await readStreamingDirectory(directory, { walSegmentSize: size16 })).latest?.systemIdentifier;
  };

  test('is read from the first page', async ({ directory }) => {
    expect(await identifierOf(directory, header)).toBe(7_711_030_578_120_921_605n);
    expect(await identifierOf(directory, Buffer.concat([header], size16))).toBe(7_711_030_578_120_921_605n);
  });

  test('is not known from a page that was written in part, as a full disk leaves it', async ({ directory }) => {
    // the segment size is a power of two, so it is not there before its last byte is
    for (let bytes = 0; bytes < 36; bytes += 1) {
      expect(await identifierOf(directory, header.subarray(0, bytes))).toBeUndefined();
      expect(await identifierOf(directory, Buffer.concat([header.subarray(0, bytes)], 4096))).toBeUndefined();
    }
  });

  test('is not known while the file holds zeros', async ({ directory }) => {
    const latest = await latestOf(directory, { '000000010000000000000009.partial': size1 }, size1);
    expect(latest?.systemIdentifier).toBeUndefined();
  });
});

describe('segments outside of the history of the server', () => {
  /** Timeline 1 up to the middle of segment 9, then 3. */
  const lineage = lineageOf(toTimelineId(3), [
    { timelineId: toTimelineId(1), switchLsn: parseLsn('0/9800000'), reason: 'no reason' },
  ]);
  const read = async (directory: string, files: Readonly<Record<string, number>>) => {
    await fill(directory, files);
    const { latest, astray } = await readStreamingDirectory(directory, { walSegmentSize: size16, lineage });
    return { latest: latest?.name, astray: astray.map(({ name }) => name) };
  };

  test('do not decide; the last of each timeline is told', async ({ directory }) => {
    const files = {
      '000000010000000000000008': size16,
      '00000001000000000000000A': size16,
      '00000001000000000000000B.partial': size16,
      '000000020000000000000003': size16,
      '00000003000000000000000A.partial': size16,
      '000000070000000000000002': size16,
      '000000070000000000000001': size16,
    };
    expect(await read(directory, files)).toEqual({
      latest: '00000003000000000000000A.partial',
      astray: ['00000001000000000000000B.partial', '000000020000000000000003', '000000070000000000000002'],
    });
  });

  test('are none of the one in which a timeline was left', async ({ directory }) => {
    const files = { '000000010000000000000009': size16, '000000010000000000000008': size16 };
    expect(await read(directory, files)).toEqual({ latest: '000000010000000000000009', astray: [] });
  });

  test('may be all that there is', async ({ directory }) => {
    const files = { '000000020000000000000009': size16 };
    expect(await read(directory, files)).toEqual({ latest: undefined, astray: ['000000020000000000000009'] });
  });
});

test('a directory that is not there is an error that names it', async ({ directory }) => {
  const path = join(directory, 'streaming');
  await expect(readStreamingDirectory(path, { walSegmentSize: size16 })).rejects.toThrow(
    expect.objectContaining({ code: 'ERR_PATH_MISSING', path, message: expect.stringContaining('could not read the directory') }),
  );
});

test('a file that an archiver takes away meanwhile does not stop it', async ({ directory }) => {
  await mkdir(join(directory, 'archive'));
  const streaming = join(directory, 'streaming');
  await mkdir(streaming);
  const names = Array.from(
    { length: 60 },
    (_, index) => `0000000100000000000000${(index + 1).toString(16).toUpperCase().padStart(2, '0')}`,
  );
  await fill(streaming, Object.fromEntries(names.map((name) => [name, size1])));
  const archiver = (async () => {
    for (const name of names.toReversed()) await rename(join(streaming, name), join(directory, 'archive', name));
  })();
  const seen: (string | undefined)[] = [];
  for (;;) {
    const { latest } = await readStreamingDirectory(streaming, { walSegmentSize: size1 });
    seen.push(latest?.name);
    if (latest === undefined) break;
  }
  await archiver;
  expect(seen.at(-1)).toBeUndefined();
  await rm(streaming, { recursive: true });
});
