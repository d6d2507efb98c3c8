import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatHistoryFile, parseHistoryFile, timelineAt, type TimelineSwitch } from './history-file.ts';
import { parseLsn, toLsn } from './lsn.ts';
import { toTimelineId } from './timeline.ts';

/** What PostgreSQL 15 left behind after two promotions, blank line included. */
const real = [
  '1\t0/D00050\tno recovery target specified\n',
  '\n',
  '2\t0/1A00108\tat restore point "before the migration"\n',
].join('');

const three = toTimelineId(3);
const ancestorsOfThree: readonly TimelineSwitch[] = [
  { timelineId: toTimelineId(1), switchLsn: parseLsn('0/D00050'), reason: 'no recovery target specified' },
  { timelineId: toTimelineId(2), switchLsn: parseLsn('0/1A00108'), reason: 'at restore point "before the migration"' },
];

/** A history: timelines that increase, LSNs that do not fall, and reasons as a restore point name can make them. */
const histories = fc
  .tuple(
    fc.uniqueArray(fc.integer({ min: 1, max: 0xffff_fffe }), { maxLength: 6 }),
    fc.array(fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn }), { minLength: 6, maxLength: 6 }),
    fc.array(
      fc.string({ unit: 'binary' }).filter((text) => !/^\s|\n/.test(text)),
      { minLength: 6, maxLength: 6 },
    ),
  )
  .map(([ids, lsns, reasons]) => {
    const ordered = lsns.toSorted((a, b) => (a < b ? -1 : 1));
    return ids
      .toSorted((a, b) => a - b)
      .map((id, i): TimelineSwitch => ({ timelineId: toTimelineId(id), switchLsn: toLsn(ordered[i]!), reason: reasons[i]! }));
  });

describe('parseHistoryFile', () => {
  test('reads what PostgreSQL writes', () => {
    expect(parseHistoryFile(three, real)).toEqual(ancestorsOfThree);
  });

  test('reads an empty file as a timeline without ancestors', () => {
    expect(parseHistoryFile(toTimelineId(1), '')).toEqual([]);
  });

  test('passes over comments and blank lines, as the server does', () => {
    const text = ['# written by hand', '', '  \t', '\t# 9\t0/9\tnot this', '1\t0/D00050\tno recovery target specified', ''].join(
      '\n',
    );
    expect(parseHistoryFile(three, text)).toEqual([ancestorsOfThree[0]]);
  });

  test.each([
    ['no reason', '1\t0/D00050', ''],
    ['an empty reason', '1\t0/D00050\t', ''],
    ['blanks for tabs', ' 1  0/D00050  by hand', 'by hand'],
    ['a padded LSN, as PostgreSQL 19 writes it', '1\t0/00D00050\tx', 'x'],
    ['tabs in the reason', '1\t0/D00050\tat restore point "a\tb"', 'at restore point "a\tb"'],
    ['a hash in the reason', '1\t0/D00050\tat restore point "#1"', 'at restore point "#1"'],
    ['a line separator in the reason', '1\t0/D00050\tat restore point "a\u2028b"', 'at restore point "a\u2028b"'],
    ['no line feed at the end', '1\t0/D00050\tx', 'x'],
  ])('reads a line with %s', (_, line, reason) => {
    expect(parseHistoryFile(three, line)).toEqual([{ timelineId: 1, switchLsn: 0xd00050n, reason }]);
  });

  test('reads a file that went through Windows', () => {
    const switches = parseHistoryFile(three, real.replaceAll('\n', '\r\n'));
    expect(switches.map(({ timelineId, switchLsn }) => [timelineId, switchLsn])).toEqual([
      [1, 0xd00050n],
      [2, 0x1a00108n],
    ]);
  });

  test.each([
    ['no LSN', '1', '"1" is not "timeline<TAB>LSN<TAB>reason"'],
    ['no timeline', '0/D00050\tx', 'is not "timeline<TAB>LSN<TAB>reason"'],
    ['a signed timeline', '-1\t0/D00050\tx', 'is not "timeline<TAB>LSN<TAB>reason"'],
    ['timeline 0', '0\t0/D00050\tx', 'is not "timeline<TAB>LSN<TAB>reason"'],
    ['a timeline above 32 bits', '4294967296\t0/D00050\tx', 'is not "timeline<TAB>LSN<TAB>reason"'],
    ['an LSN of nine digits', '1\t0/123456789\tx', 'is not "timeline<TAB>LSN<TAB>reason"'],
    ['text stuck to the LSN', '1\t0/D00050x', 'is not "timeline<TAB>LSN<TAB>reason"'],
    ['a NUL byte', '1\0\t0/D00050\tx', 'is not "timeline<TAB>LSN<TAB>reason"'],
    ['its own timeline as ancestor', '3\t0/D00050\tx', 'timeline 3 cannot be an ancestor'],
    ['a later timeline as ancestor', '4\t0/D00050\tx', 'timeline 4 cannot be an ancestor'],
  ])('refuses a line with %s', (_, line, problem) => {
    const text = `# first line\n${line}\n`;
    expect(() => parseHistoryFile(three, text)).toThrow('invalid history file of timeline 3, line 2: ');
    expect(() => parseHistoryFile(three, text)).toThrow(problem);
    expect(() => parseHistoryFile(three, text)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_HISTORY_FILE', retry: 'fatal' }),
    );
  });

  test.each([
    ['falls', '2\t0/2\tx\n1\t0/3\tx\n'],
    ['stands', '1\t0/2\tx\n1\t0/3\tx\n'],
  ])('refuses a file whose timeline %s', (_, text) => {
    expect(() => parseHistoryFile(three, text)).toThrow('line 2: timeline IDs must increase');
  });
});

describe('formatHistoryFile', () => {
  test('writes the bytes that PostgreSQL writes', () => {
    expect(formatHistoryFile(ancestorsOfThree)).toBe(real);
    expect(formatHistoryFile([])).toBe('');
  });

  test('is read back as it was, reasons of any characters included', () => {
    fc.assert(
      fc.property(histories, (switches) => {
        expect(parseHistoryFile(toTimelineId(0xffff_ffff), formatHistoryFile(switches))).toEqual(switches);
      }),
    );
  });
});

describe('timelineAt', () => {
  test.each([
    ['0/0', 1],
    ['0/D0004F', 1],
    ['0/D00050', 2],
    ['0/1A00107', 2],
    ['0/1A00108', 3],
    ['FF/0', 3],
  ])('the byte at %s belongs to timeline %d', (lsn, timelineId) => {
    expect(timelineAt(three, ancestorsOfThree, parseLsn(lsn))).toBe(timelineId);
  });

  test('is the timeline itself where there is no history', () => {
    expect(timelineAt(toTimelineId(1), [], parseLsn('0/1'))).toBe(1);
  });

  test('never goes back as the LSN grows, and ends each timeline exactly at its switchpoint', () => {
    const newest = toTimelineId(0xffff_ffff);
    fc.assert(
      fc.property(histories, fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_fffen }), (switches, bytes) => {
        const [here, next] = [timelineAt(newest, switches, toLsn(bytes)), timelineAt(newest, switches, toLsn(bytes + 1n))];
        expect(here <= next).toBe(true);
        for (const entry of switches) {
          if (entry.switchLsn > 0n)
            expect(timelineAt(newest, switches, toLsn(entry.switchLsn - 1n))).toBeLessThanOrEqual(entry.timelineId);
          expect(timelineAt(newest, switches, entry.switchLsn)).toBeGreaterThan(entry.timelineId);
        }
      }),
    );
  });
});
