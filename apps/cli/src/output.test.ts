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
  output.result('pg', { lag: 3 });
  expect(stdout).toBe('');
  output.finish();
  expect(stdout.endsWith('}\n')).toBe(true);
  expect(JSON.parse(stdout)).toEqual({
    _INFO: ['first', 'second'],
    _WARNING: ['careful'],
    _ERROR: ['nobody is there'],
    _HINT: ['Start somebody.'],
    pg: { lag: 3 },
  });
  expect(stderr).toBe('');
});

test('an error of ours speaks for itself, a system error is named, anything else is a defect with its stack', () => {
  expect(describeError(new ArchiveEmptyError('/wals'))).toEqual({
    message: 'no WAL at all below "/wals"',
    hint: expect.stringContaining('mounted'),
  });
  const system = Object.assign(new Error('ENOENT: no such file'), { code: 'ENOENT' });
  expect(describeError(system)).toEqual({ message: 'ENOENT: no such file', hint: undefined });
  const { message, hint } = describeError(new TypeError('x is undefined'));
  expect(message).toMatch(/^unexpected: TypeError: x is undefined\n {4}at /);
  expect(hint).toMatch(/report/);
  expect(describeError('text')).toEqual({ message: 'text', hint: undefined });
});
