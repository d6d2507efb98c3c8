import { expect, test } from 'vitest';
import { LiveView, type Screen } from './live-view.ts';

/** Writes down what is written, as a terminal of this width would get it. */
function recorder(columns?: number): Screen & { written: string[] } {
  const written: string[] = [];
  return { written, columns, write: (text) => written.push(text) };
}

/** What a terminal shows after these writes: enough of one for cursor up, erase and line ends. */
function screenAfter(written: readonly string[]): string[] {
  const lines = [''];
  let row = 0;
  // Every escape sequence begins a piece; what follows it on the line is text.
  for (const piece of written.join('').replaceAll('\r', '').replaceAll('\n', '\x1b[\n').split('\x1b[')) {
    const [, amount, command, text = ''] = /^(\d*)([AJK\n])(.*)$/s.exec(piece) ?? ['', '', '', piece];
    if (command === 'A') row -= Number(amount);
    if (command === 'J') lines.splice(row, Infinity, '');
    if (command === '\n') row += 1;
    lines[row] = text === '' ? (lines[row] ?? '') : text;
  }
  return lines;
}

const frame = (...block: string[]) => ({ block, line: block.join(' ') });

test('draws a block again in its place, whether it grows or shrinks', () => {
  const screen = recorder(80);
  using view = new LiveView(screen, { inPlace: true });
  screen.write('before\n');
  view.show(frame('one', 'two'));
  view.show(frame('ONE', 'TWO', 'THREE'));
  expect(screenAfter(screen.written)).toEqual(['before', 'ONE', 'TWO', 'THREE', '']);
  view.show(frame('1'));
  expect(screenAfter(screen.written)).toEqual(['before', '1', '']);
});

test('draws each block in one write', () => {
  const screen = recorder(80);
  using view = new LiveView(screen, { inPlace: true });
  view.show(frame('one', 'two'));
  view.show(frame('one', 'two'));
  expect(screen.written).toHaveLength(2);
});

test('cuts a line that would wrap, and only that one, styles not counted', () => {
  const screen = recorder(10);
  using view = new LiveView(screen, { inPlace: true });
  view.show(frame('\x1b[32m123456789\x1b[39m', '\x1b[32m1234567890\x1b[39m'));
  const text = screen.written.join('');
  expect(text).toContain('\x1b[32m123456789\x1b[39m');
  expect(text).toContain('12345678…');
  expect(text).not.toContain('1234567890');
});

test('off a terminal says a plain line about once a second, without control characters', () => {
  const screen = recorder();
  let nowMs = 0;
  using view = new LiveView(screen, { inPlace: false, now: () => nowMs });
  for (; nowMs <= 2500; nowMs += 250) view.show(frame(`at ${nowMs}`));
  expect(screen.written).toEqual(['at 0\n', 'at 1000\n', 'at 2000\n']);
});

test('says the last figures when it ends, and no line twice', () => {
  const screen = recorder();
  const view = new LiveView(screen, { inPlace: false, now: () => 0 });
  view.show(frame('first'));
  view.show(frame('last'));
  view[Symbol.dispose]();
  view[Symbol.dispose]();
  expect(screen.written).toEqual(['first\n', 'last\n']);

  const quiet = recorder();
  let nowMs = 0;
  {
    using same = new LiveView(quiet, { inPlace: false, now: () => nowMs });
    for (; nowMs < 5000; nowMs += 500) same.show(frame('the same'));
  }
  expect(quiet.written).toEqual(['the same\n']);
});

test('shows nothing more once it has ended', () => {
  const screen = recorder(80);
  const view = new LiveView(screen, { inPlace: true });
  view.show(frame('one'));
  view[Symbol.dispose]();
  screen.write('afterwards\n');
  view.show(frame('late'));
  expect(screenAfter(screen.written)).toEqual(['one', 'afterwards', '']);
});
