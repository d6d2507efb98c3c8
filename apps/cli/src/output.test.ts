import { ArchiveEmptyError, CoreError } from '@walvault/core';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { describeError, Output } from './output.ts';

let stdout = '';
let stderr = '';

beforeEach(() => {
  [stdout, stderr] = ['', ''];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => Boolean((stdout += String(text))));
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => Boolean((stderr += String(text))));
});

afterEach(() => {
  vi.restoreAllMocks();
});

const trouble = new CoreError('ERR_NOT_RUNNING', 'nobody is there', { hint: 'Start somebody.' });

test('on the console results go to stdout and messages to stderr', () => {
  const output = new Output({ format: 'console', quiet: false });
  output.info('first');
  output.warning('careful');
  output.error(trouble);
  output.result('pg', { key: 'for JSON only' });
  output.finish();
  expect(stdout).toBe('first\n');
  expect(stderr).toBe('WARNING: careful\nERROR: nobody is there\nHINT: Start somebody.\n');
});

test('quiet leaves out results and keeps warnings and errors', () => {
  const output = new Output({ format: 'console', quiet: true });
  output.info('first');
  output.failure('no good');
  expect({ stdout, stderr }).toEqual({ stdout: '', stderr: 'ERROR: no good\n' });
});

test('JSON is one object at the end, with the lines by kind and results by name', () => {
  const output = new Output({ format: 'json', quiet: false });
  output.info('first');
  output.info('second');
  output.warning('careful');
  output.error(trouble);
  output.failure('no code');
  output.result('pg', { lag: 3 });
  expect(stdout).toBe('');
  output.finish();
  expect(stdout.endsWith('}\n')).toBe(true);
  expect(JSON.parse(stdout)).toEqual({
    _INFO: ['first', 'second'],
    _WARNING: ['careful'],
    _ERROR: ['nobody is there', 'no code'],
    _ERROR_CODE: ['ERR_NOT_RUNNING', null],
    _HINT: ['Start somebody.'],
    pg: { lag: 3 },
  });
  expect(stderr).toBe('');
});

test('with --debug, as on a terminal, an error names its page of the manual', () => {
  const output = new Output({ format: 'console', quiet: false, debug: true });
  output.error(trouble);
  expect(stderr).toBe('ERROR: nobody is there\nHINT: Start somebody.\nHINT: walvault explain ERR_NOT_RUNNING\n');
});

test('colour is for the word alone, and only where it is wanted', () => {
  new Output({ format: 'console', quiet: false, colour: 'always' }).error(trouble);
  expect(stderr).toBe('\u001b[31mERROR\u001b[39m: nobody is there\nHINT: Start somebody.\n');
  expect(new Output({ format: 'console', quiet: false, colour: 'always' }).word('OK', 'good')).toBe('\u001b[32mOK\u001b[39m');
  for (const colour of ['auto', 'never'] as const)
    expect(new Output({ format: 'console', quiet: false, colour }).word('OK', 'good')).toBe('OK');
  expect(new Output({ format: 'json', quiet: false, colour: 'always' }).word('OK', 'good')).toBe('OK');
});

test('what is drawn on the terminal is cleared before a line is written', () => {
  const output = new Output({ format: 'console', quiet: false });
  output.cover({ clear: () => process.stderr.write('<clear>') });
  output.warning('careful');
  output.cover(undefined);
  output.warning('again');
  expect(stderr).toBe('<clear>WARNING: careful\nWARNING: again\n');
});

test('an error of ours speaks for itself, a system error is named, anything else is a defect with its stack', () => {
  expect(describeError(new ArchiveEmptyError('/wals'))).toEqual({
    message: 'no WAL at all below "/wals"',
    hint: expect.stringContaining('mounted'),
    code: 'ERR_ARCHIVE_EMPTY',
    page: 'ERR_ARCHIVE_EMPTY',
  });
  const system = Object.assign(new Error('ENOENT: no such file'), { code: 'ENOENT' });
  expect(describeError(system)).toEqual({ message: 'ENOENT: no such file', hint: undefined });
  const { message, hint } = describeError(new TypeError('x is undefined'));
  expect(message).toMatch(/^unexpected: TypeError: x is undefined\n {4}at /);
  expect(hint).toMatch(/report/);
  expect(describeError('text')).toEqual({ message: 'text', hint: undefined });
});
