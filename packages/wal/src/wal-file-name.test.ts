import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseLsn, toLsn } from './lsn.ts';
import { defaultWalSegmentSize, type SegmentNumber, segmentNumberOf, segmentsPerLogId, toWalSegmentSize } from './segment.ts';
import { toTimelineId } from './timeline.ts';
import {
  backupHistoryFileName,
  historyFileName,
  parseWalFileName,
  segmentNumberOfName,
  startLsnOfName,
  tryParseWalFileName,
  walFileName,
  walFileNameAt,
} from './wal-file-name.ts';

const mebibyte = 1024 * 1024;
const sizes = fc.integer({ min: 0, max: 10 }).map((power) => toWalSegmentSize(mebibyte * 2 ** power));
const timelines = fc.integer({ min: 1, max: 0xffff_ffff }).map(toTimelineId);
const lsns = fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn }).map(toLsn);

/** A segment name taken apart; anything else fails the test. */
function segmentFile(name: string) {
  const file = parseWalFileName(name);
  if (file.kind === 'history') throw new Error(`${name} is no segment`);
  return file;
}

describe('names written', () => {
  test('are those of PostgreSQL', () => {
    const [one, size] = [toTimelineId(1), defaultWalSegmentSize];
    expect(walFileNameAt(one, parseLsn('0/1000000'), size)).toBe('000000010000000000000001');
    expect(walFileNameAt(one, parseLsn('A9/FE000028'), size)).toBe('00000001000000A9000000FE');
    expect(historyFileName(toTimelineId(0x1f))).toBe('0000001F.history');
    expect(backupHistoryFileName(one, parseLsn('A9/FE000028'), size)).toBe('00000001000000A9000000FE.00000028.backup');
  });

  test('carry into the log id where the segments of one are used up', () => {
    const one = toTimelineId(1);
    const at = (text: string, megabytes: number) => walFileNameAt(one, parseLsn(text), toWalSegmentSize(megabytes * mebibyte));
    expect(at('0/FFFFFFFF', 16)).toBe('0000000100000000000000FF');
    expect(at('1/0', 16)).toBe('000000010000000100000000');
    expect(at('0/FFFFFFFF', 1)).toBe('000000010000000000000FFF');
    expect(at('1/0', 1)).toBe('000000010000000100000000');
    expect(at('0/FFFFFFFF', 1024)).toBe('000000010000000000000003');
    expect(at('FFFFFFFF/FFFFFFFF', 1024)).toBe('00000001FFFFFFFF00000003');
  });

  test('lead back to the number and the LSN, for every size', () => {
    fc.assert(
      fc.property(timelines, lsns, sizes, (timelineId, lsn, size) => {
        const segment = segmentNumberOf(lsn, size);
        const file = segmentFile(walFileName(timelineId, segment, size));
        expect(file).toMatchObject({ kind: 'segment', timelineId });
        expect(segmentNumberOfName(file, size)).toBe(segment);
        expect(startLsnOfName(file, size)).toBe(segment * BigInt(size));
      }),
    );
  });

  test('within a timeline are unique and sort like the LSNs', () => {
    const close = fc
      .tuple(lsns, fc.bigInt({ min: 0n, max: 1n << 33n }))
      .map(([a, b]) => [a, a + b > 0xffff_ffff_ffff_ffffn ? a : a + b]);
    fc.assert(
      fc.property(timelines, close, sizes, (timelineId, [first, second], size) => {
        const a = segmentNumberOf(toLsn(first!), size);
        const b = segmentNumberOf(toLsn(second!), size);
        const [left, right] = [walFileName(timelineId, a, size), walFileName(timelineId, b, size)];
        expect(left < right).toBe(a < b);
        expect(left === right).toBe(a === b);
      }),
    );
  });

  test('change from one segment to the next over the whole of a log id', () => {
    const size = defaultWalSegmentSize;
    const names = Array.from({ length: 600 }, (_, segment) =>
      walFileName(toTimelineId(1), BigInt(segment) as SegmentNumber, size),
    );
    expect(new Set(names).size).toBe(600);
    expect(names.toSorted()).toEqual(names);
    expect(names[255]).toBe('0000000100000000000000FF');
    expect(names[256]).toBe('000000010000000100000000');
  });
});

describe('names read', () => {
  test('tell the four kinds apart', () => {
    expect(parseWalFileName('00000001000000A9000000FE')).toEqual({
      kind: 'segment',
      name: '00000001000000A9000000FE',
      timelineId: 1,
      logId: 0xa9,
      logSegment: 0xfe,
    });
    expect(parseWalFileName('00000001000000A9000000FE.partial')).toMatchObject({
      kind: 'partial',
      logId: 0xa9,
      logSegment: 0xfe,
    });
    expect(parseWalFileName('0000000A.history')).toEqual({ kind: 'history', name: '0000000A.history', timelineId: 10 });
    expect(parseWalFileName('00000001000000A9000000FE.00000028.backup')).toMatchObject({ kind: 'backup', offset: 0x28 });
  });

  test.each([
    '',
    '00000001000000A9000000F',
    '00000001000000A9000000FE0',
    '00000001000000a9000000fe',
    '00000001000000A9000000FE.gz',
    '00000001000000A9000000FE.partial.gz',
    '00000001000000A9000000FE.PARTIAL',
    '00000001000000A9000000FE.backup',
    '00000001000000A9000000FE.28.backup',
    '00000001000000A9000000FE.00000028.backup.tmp',
    '00000001000000A9000000FE\n',
    ' 00000001000000A9000000FE',
    '../00000001000000A9000000FE',
    'wals/00000001000000A9000000FE',
    '00000001.history.tmp',
    '00000001.partial',
    '0000001.history',
    '00000000.history',
    '00000000000000A9000000FE',
    'RECOVERYXLOG',
    'xlog.db',
  ])('refuse %j', (name) => {
    expect(tryParseWalFileName(name)).toBeUndefined();
    expect(() => parseWalFileName(name)).toThrow(`"${name}" is not the name of a WAL file`);
    expect(() => parseWalFileName(name)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_WAL_FILE_NAME' }));
  });

  test('are given back unchanged, whatever was read', () => {
    const names = fc.string({ unit: fc.constantFrom(...Array.from('0123456789ABCDEF.partialhistorybackup')), maxLength: 44 });
    fc.assert(fc.property(names, (name) => (tryParseWalFileName(name)?.name ?? name) === name));
  });

  test('of a backup history file lead back to the LSN where the backup started', () => {
    fc.assert(
      fc.property(timelines, lsns, sizes, (timelineId, lsn, size) => {
        const file = parseWalFileName(backupHistoryFileName(timelineId, lsn, size));
        if (file.kind !== 'backup') throw new Error(`${file.name} is no backup history file`);
        expect(startLsnOfName(file, size) + BigInt(file.offset)).toBe(lsn);
      }),
    );
  });
});

describe('a name of another segment size', () => {
  test('is refused where it cannot exist, and only there', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffff_ffff }), sizes, (logSegment, size) => {
        const file = segmentFile(`0000000100000000${logSegment.toString(16).toUpperCase().padStart(8, '0')}`);
        if (BigInt(logSegment) < segmentsPerLogId(size)) expect(segmentNumberOfName(file, size)).toBe(BigInt(logSegment));
        else
          expect(() => segmentNumberOfName(file, size)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_WAL_FILE_NAME' }));
      }),
    );
  });

  test('is refused with the greatest name that could exist', () => {
    const file = segmentFile('000000010000000000000100');
    expect(() => startLsnOfName(file, defaultWalSegmentSize)).toThrow(
      '"000000010000000000000100" cannot exist with a WAL segment size of 16777216 bytes',
    );
    expect(() => startLsnOfName(file, defaultWalSegmentSize)).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('000000FF') }),
    );
  });
});
