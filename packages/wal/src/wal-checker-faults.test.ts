import { describe, expect, test } from 'vitest';
import { type BuiltWal, buildWal, type BuildWalOptions, pieces, randomItems, type WalItem } from '../testing/index.ts';
import { crc32c } from './crc32c.ts';
import { addToLsn, type Lsn, lsnDistance, parseLsn } from './lsn.ts';
import { toWalSegmentSize } from './segment.ts';
import { toTimelineId } from './timeline.ts';
import { WalChecker, type WalCheckerOptions, type WalFault } from './wal-checker.ts';

const mebibyte = 1024 * 1024;
const startLsn = parseLsn('0/5000000');
const options: WalCheckerOptions & { readonly systemIdentifier: bigint } = {
  startLsn,
  walSegmentSize: toWalSegmentSize(mebibyte),
  timelineId: toTimelineId(3),
  systemIdentifier: 7_711_030_578_120_921_605n,
};

const body = (length: number): Buffer => Buffer.alloc(length, 'body');
/** The third record ends on the second page. */
const items: readonly WalItem[] = [{ body: body(100) }, { body: body(61) }, { body: body(9000) }, { body: body(5) }];
const second = addToLsn(startLsn, 8192);

function wal(choices: Partial<BuildWalOptions> = {}): BuiltWal {
  return buildWal({ ...options, items, ...choices });
}

/** The fault that is found in one piece, which must be the one that is found byte by byte and in the middle. */
function faultIn(bytes: Buffer, choices: Partial<WalCheckerOptions> = {}): WalFault | undefined {
  const all = { ...options, ...choices };
  const fault = new WalChecker(all).check(bytes);
  for (const largest of [1, 30, 5000]) {
    const checker = new WalChecker(all);
    let found: WalFault | undefined;
    for (const piece of pieces(bytes, 1, largest)) found = checker.check(piece);
    expect(found).toEqual(fault);
    expect(checker.checkedLsn).toBe(addToLsn(all.startLsn, bytes.length));
  }
  return fault;
}

/** WAL in which the bytes from `offset` on are other. */
function withPage(offset: number, write: (header: Buffer) => void): Buffer {
  const { bytes } = wal();
  write(bytes.subarray(offset));
  return bytes;
}

/** WAL in which one record is other, with a right checksum all the same. */
function withRecord(index: number, write: (record: Buffer) => void): { readonly bytes: Buffer; readonly lsn: Lsn } {
  const { bytes, records } = wal();
  const lsn = records[index]!.startLsn;
  const record = bytes.subarray(lsnDistance(startLsn, lsn));
  const length = record.readUInt32LE(0);
  write(record);
  record.writeUInt32LE(crc32c(record, 0, 20, crc32c(record, 24, length)), 20);
  return { bytes, lsn };
}

function faultOfRmgr(major: number, rmgr: number): WalFault | undefined {
  return faultIn(wal({ major, items: [...items, { body: body(50), rmgr }] }).bytes);
}

/** Gives all pages the magic of a version yet to come. */
function asNewer(bytes: Buffer): Buffer {
  for (let at = 0; at < bytes.length; at += 8192) bytes.writeUInt16LE(0xd1f3, at);
  return bytes;
}

test('what is wrong names the record, what was expected, and what is there', () => {
  const { bytes, records } = wal();
  const lsn = records[1]!.startLsn;
  const at = lsnDistance(startLsn, lsn);
  const right = bytes
    .readUInt32LE(at + 20)
    .toString(16)
    .toUpperCase()
    .padStart(8, '0');
  bytes[at + 30]! ^= 1;
  expect(faultIn(bytes)).toEqual({
    kind: 'record',
    lsn,
    problem: 'its checksum does not match',
    expected: right,
    found: expect.stringMatching(/^[0-9A-F]{8}$/),
    record: 'Heap/INSERT, 85 bytes, transaction 731',
  });
  const far = withPage(8192, (header) => header.writeUInt32LE(0x102_0000, 8));
  expect(faultIn(far)).toMatchObject({ expected: '0/5002000', found: '0/1020000' });
});

describe('a page is turned down', () => {
  test.each<[string, number, (header: Buffer) => void, string]>([
    ['that is not WAL', 0, (to) => to.writeUInt16LE(0x1234, 0), 'magic number 1234 is none of PostgreSQL'],
    ['of another version', 8192, (to) => to.writeUInt16LE(0xd116, 0), 'its magic number is D116, that of the pages before D118'],
    ['that was recycled', 8192, (to) => to.writeUInt32LE(0x102_0000, 8), 'it says that it is the page at 0/1020000'],
    ['far away', 0, (to) => to.writeUInt32LE(1, 12), 'it says that it is the page at 1/5000000'],
    ['of a later timeline', 8192, (to) => to.writeUInt32LE(4, 4), 'it is of timeline 4, not 3'],
    ['of timeline 0', 8192, (to) => to.writeUInt32LE(0, 4), 'it is of timeline 0, not 3'],
    ['of a timeline before', 8192, (to) => to.writeUInt32LE(2, 4), 'it is of timeline 2, the page before of 3'],
    ['with unknown flags', 8192, (to) => to.writeUInt16LE(0x11, 2), 'its flags 0011 are none that PostgreSQL sets'],
    ['with a long header inside a segment', 8192, (to) => to.writeUInt16LE(3, 2), 'it has a long header'],
    ['without a long header at the start of a segment', 0, (to) => to.writeUInt16LE(0, 2), 'it has no long header'],
    ['of another cluster', 0, (to) => to.writeBigUInt64LE(1n, 24), 'it is of cluster 1, not 7711030578120921605'],
    ['of other segments', 0, (to) => to.writeUInt32LE(4096, 32), 'it is of a segment of 4096 bytes, not 1048576'],
    ['of other pages', 0, (to) => to.writeUInt32LE(4096, 36), 'its pages have 4096 bytes, not 8192'],
    [
      'that does not go on with a record',
      8192,
      (to) => to.writeUInt16LE(0, 2) && to.writeUInt32LE(0, 16),
      'it goes on with 0 bytes of the record before it, of which 1088 are missing',
    ],
    [
      'that goes on with another record',
      8192,
      (to) => to.writeUInt32LE(1089, 16),
      'it goes on with 1089 bytes of the record before it, of which 1088 are missing',
    ],
    [
      'that contradicts itself',
      8192,
      (to) => to.writeUInt16LE(0, 2),
      'its flags 0000 do not go with 1088 bytes of a record from the page before',
    ],
    [
      'that goes on with a record and gives it up',
      8192,
      (to) => to.writeUInt16LE(9, 2),
      'its flags 0009 do not go with 1088 bytes of a record from the page before',
    ],
  ])('%s', (_, offset, write, problem) => {
    expect(faultIn(withPage(offset, write))).toMatchObject({ kind: 'page', lsn: addToLsn(startLsn, offset), problem });
  });

  test('that is not empty behind a segment switch', () => {
    const problem = 'it is not empty, though a switch to the next segment lies before it';
    for (const [at, lsn] of [
      [300, startLsn],
      [8192 + 24, second],
      [mebibyte - 1, addToLsn(startLsn, mebibyte - 8192)],
    ] as const) {
      for (const major of [10, 18]) {
        const { bytes } = wal({ major, items: [{ body: body(5) }, { kind: 'switch' }, { body: body(5) }] });
        bytes[at] = 1;
        const checker = new WalChecker(options);
        expect(checker.check(bytes)).toMatchObject({ kind: 'page', lsn, problem });
        expect(checker.verifiedLsn).toBe(addToLsn(startLsn, 40 + 32));
      }
    }
  });

  test('that is not empty behind a switch in the page that the check began in', () => {
    const { bytes, records } = wal({ items: [{ body: body(5) }, { body: body(5) }, { kind: 'switch' }] });
    const from = records[1]!.startLsn;
    bytes[500] = 1;
    const fault = faultIn(bytes.subarray(lsnDistance(startLsn, from)), { startLsn: from });
    expect(fault).toMatchObject({ kind: 'page', lsn: startLsn });
  });

  test('of another cluster than the first page, where nothing else is known', () => {
    const both = wal({ items: [{ body: body(5) }, { kind: 'switch' }, { body: body(5) }] });
    both.bytes.writeBigUInt64LE(99n, mebibyte + 24);
    expect(faultIn(both.bytes, { systemIdentifier: undefined })).toMatchObject({
      kind: 'page',
      lsn: addToLsn(startLsn, mebibyte),
      problem: 'it is of cluster 99, not 7711030578120921605',
    });
  });
});

describe('a record is turned down', () => {
  test.each<[string, (record: Buffer) => void, string]>([
    ['that is not there', (to) => to.writeUInt32LE(0, 0), 'none begins there'],
    ['shorter than its header', (to) => to.writeUInt32LE(23, 0), 'no record has a length of 23 bytes'],
    ['longer than any', (to) => to.writeUInt32LE(1_069_547_521, 0), 'no record has a length of 1069547521 bytes'],
    ['of no resource manager', (to) => to.writeUInt8(22, 17), 'there is no resource manager 22'],
    [
      'that names another record before it',
      (to) => to.writeUInt32LE(0x500_0020, 8),
      'it says that the record before it is at 0/5000020, but it is at 0/5000028',
    ],
    [
      'that names a record far away before it',
      (to) => to.writeUInt32LE(1, 12),
      'it says that the record before it is at 1/5000028, but it is at 0/5000028',
    ],
  ])('%s', (_, write, problem) => {
    const { bytes, lsn } = withRecord(1, write);
    expect(faultIn(bytes)).toMatchObject({ kind: 'record', lsn, problem });
  });

  test('whose checksum does not match, short or long, whole or in parts', () => {
    for (const [index, at] of [0, 1, 2, 3].flatMap((index) => [4, 24, -1].map((at) => [index, at] as const))) {
      const { bytes, records } = wal();
      const { startLsn: lsn } = records[index]!;
      const start = lsnDistance(startLsn, lsn);
      const length = bytes.readUInt32LE(start) + (index === 2 ? 24 : 0);
      bytes[start + (at < 0 ? length + at : at)]! ^= 1;
      expect(faultIn(bytes)).toMatchObject({ kind: 'record', lsn, problem: 'its checksum does not match' });
    }
  });

  test('that begins a run and names a record from inside of it', () => {
    const { bytes, lsn } = withRecord(0, (to) => to.writeUInt32LE(0x500_0000, 8));
    const problem = 'it says that the record before it is at 0/5000000, but it began before 0/5000000';
    expect(faultIn(bytes)).toMatchObject({ kind: 'record', lsn, problem });
  });

  test('that goes on where one was given up, and does not say so', () => {
    const { bytes } = wal({ items: [{ body: body(9000) }, { body: body(100) }] });
    // The page gives up the record that it would go on with, but is not followed by XLOG_OVERWRITE_CONTRECORD.
    bytes.writeUInt16LE(0x0008, 8192 + 2);
    bytes.writeUInt32LE(0, 8192 + 16);
    const next = buildWal({ ...options, startLsn: addToLsn(second, 24), items: [{ body: body(100) }] });
    next.bytes.copy(bytes, 8192 + 24);
    const problem = 'its page gives up a record that was cut off, but it does not say which';
    expect(faultIn(bytes)).toMatchObject({ kind: 'record', lsn: addToLsn(second, 24), problem });
  });

  test('of a resource manager that its version does not have', () => {
    for (const [major, rmgr] of [
      [14, 128],
      [18, 22],
      [18, 127],
      [19, 23],
    ] as const)
      expect(faultOfRmgr(major, rmgr)?.kind).toBe('record');
    for (const [major, rmgr] of [
      [15, 128],
      [18, 255],
      [18, 21],
      [19, 22],
    ] as const)
      expect(faultOfRmgr(major, rmgr)).toBeUndefined();
  });

  test('at the end of a file that is not full, which tells where its WAL ends', () => {
    const { bytes, endLsn } = wal();
    const checker = new WalChecker(options);
    expect(checker.check(Buffer.concat([bytes, Buffer.alloc(mebibyte - bytes.length)]))).toMatchObject({
      kind: 'record',
      lsn: endLsn,
      problem: 'none begins there',
    });
    expect(checker.verifiedLsn).toBe(endLsn);
  });
});

test('a fault stays, whatever comes behind it', () => {
  const { bytes } = wal();
  bytes[60]! ^= 1;
  const checker = new WalChecker(options);
  const fault = checker.check(bytes);
  expect(fault?.kind).toBe('record');
  expect(checker.check(wal().bytes)).toBe(fault);
  expect(checker.verifiedLsn).toBe(startLsn);
  expect(checker.checkedLsn).toBe(addToLsn(startLsn, bytes.length * 2));
});

test('the bytes stay the caller’s, who may use the buffer again', () => {
  const { bytes, endLsn } = wal();
  const checker = new WalChecker(options);
  const buffer = Buffer.alloc(1000);
  for (let at = 0; at < bytes.length; at += 77) {
    const length = bytes.copy(buffer, 13, at, at + 77);
    expect(checker.check(buffer.subarray(13, 13 + length))).toBeUndefined();
    buffer.fill(0xee);
  }
  expect(checker.verifiedLsn).toBe(endLsn);
});

describe('without records', () => {
  const pagesOnly = { ...options, records: false };
  const random = (from: Lsn) => buildWal({ ...options, startLsn: from, items: randomItems({ seed: 3, count: 2000 }) }).bytes;

  test('only headers are looked at, and all is verified as far as they are right', () => {
    const bytes = random(startLsn).subarray(0, 5 * 8192);
    for (let at = 100; at < bytes.length; at += 8192) bytes[at]! ^= 0xff;
    const checker = new WalChecker(pagesOnly);
    expect(checker.check(bytes)).toBeUndefined();
    expect(checker.verifiedLsn).toBe(checker.checkedLsn);
    expect(checker.hasOpenRecord).toBe(false);
  });

  test('the start may be anywhere, and pages of zeros follow a switch that nobody looked for', () => {
    const bytes = random(startLsn).subarray(8192 + 1003, 9 * 8192);
    const middle = addToLsn(startLsn, 8192 + 1003);
    const checker = new WalChecker({ ...pagesOnly, startLsn: middle });
    for (const piece of pieces(bytes, 4, 3000)) expect(checker.check(piece)).toBeUndefined();
    expect(checker.check(Buffer.alloc(mebibyte - 9 * 8192))).toBeUndefined();
    expect(checker.verifiedLsn).toBe(addToLsn(startLsn, mebibyte));
    expect(checker.check(Buffer.alloc(8192))?.lsn).toBe(addToLsn(startLsn, mebibyte));
  });

  test('a wrong page is found all the same, and nothing from it on is verified', () => {
    const { bytes } = wal();
    bytes[8192 + 8]! ^= 0x80;
    const checker = new WalChecker(pagesOnly);
    let fault: WalFault | undefined;
    for (const piece of pieces(bytes, 5, 100)) fault = checker.check(piece);
    expect(fault).toMatchObject({ kind: 'page', lsn: second });
    expect(checker.verifiedLsn).toBe(second);
  });
});

describe('of a version that is not known yet', () => {
  test('records are checked as long as they look like ours', () => {
    const { bytes, endLsn } = wal({ major: 19 });
    const checker = new WalChecker(options);
    expect(checker.check(asNewer(bytes))).toBeUndefined();
    expect(checker.verifiedLsn).toBe(endLsn);
    bytes[300]! ^= 1;
    expect(faultIn(bytes)?.kind).toBe('record');
  });

  test('records are left alone when they look otherwise from the first one on, and pages are checked', () => {
    const { bytes } = wal({ major: 19 });
    asNewer(bytes).fill('otherwise', 40, 8192);
    const checker = new WalChecker(options);
    expect(checker.check(bytes)).toBeUndefined();
    expect(checker.verifiedLsn).toBe(checker.checkedLsn);
    bytes[8192 + 8]! ^= 0x80;
    expect(faultIn(bytes)).toMatchObject({ kind: 'page', lsn: second });
  });
});
