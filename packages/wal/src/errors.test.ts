import { expect, test } from 'vitest';
import { WalFormatError, WalvaultError } from './errors.ts';
import { silentLogger } from './logger.ts';

test('carries code, hint, cause and the name of its class', () => {
  const cause = new Error('below');
  const error = new WalFormatError('ERR_INVALID_LSN', 'invalid LSN "x"', { hint: 'Write it so.', cause });
  expect(error).toBeInstanceOf(WalvaultError);
  expect(error).toMatchObject({ name: 'WalFormatError', code: 'ERR_INVALID_LSN', retry: 'fatal', hint: 'Write it so.', cause });
});

test('has no cause property when none was given', () => {
  const error = new WalFormatError('ERR_INVALID_LSN', 'invalid LSN "x"');
  expect(error.hint).toBeUndefined();
  expect('cause' in error).toBe(false);
});

test('is recognised when it comes from a second copy of the package', () => {
  const brand = Symbol.for('@walvault/error');
  const stranger = Object.assign(new Error('from another copy'), { [brand]: true });
  expect(WalvaultError.is(stranger)).toBe(true);
  expect(WalvaultError.is(new WalFormatError('ERR_INVALID_LSN', 'x'))).toBe(true);
  for (const value of [new Error('plain'), undefined, null, 'text', 1, {}]) expect(WalvaultError.is(value)).toBe(false);
});

test('the silent logger takes every level and gives nothing back', () => {
  for (const level of ['debug', 'info', 'warn', 'error'] as const) {
    expect(silentLogger[level]({ lsn: '0/1' }, 'dropped')).toBeUndefined();
  }
});
