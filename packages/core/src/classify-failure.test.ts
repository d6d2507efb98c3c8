import { ConnectError, ProtocolViolationError } from '@walvault/protocol';
import { describe, expect, test } from 'vitest';
import { classifyFailure } from './classify-failure.ts';
import { CoreError } from './errors.ts';

const running = new AbortController().signal;
const reason = new DOMException('SIGTERM received', 'AbortError');
const stopped = AbortSignal.abort(reason);

describe('while nobody wants it to stop', () => {
  test.each([
    ['a connection that may come back', new ConnectError('connection refused', { where: 'server at "pg"' }), 'retry'],
    ['a server that speaks something else', new ProtocolViolationError('not PostgreSQL'), 'fatal'],
    ['a slot that will be free', new CoreError('ERR_SLOT_UNUSABLE', 'in use', { retry: 'retry' }), 'retry'],
    ['a slot that is missing', new CoreError('ERR_SLOT_UNUSABLE', 'missing'), 'fatal'],
    ['a defect', new TypeError('x is undefined'), 'fatal'],
    ['something that is no error', 'text', 'fatal'],
    ['an abort that nobody asked for', reason, 'fatal'],
  ])('%s', (_, error, expected) => {
    expect(classifyFailure(error, running)).toBe(expected);
  });
});

describe('when it was told to stop', () => {
  test.each([
    ['the reason itself', reason, 'stopped'],
    ['an abort on the way', new DOMException('This operation was aborted', 'AbortError'), 'stopped'],
    ['real trouble is still told', new ProtocolViolationError('not PostgreSQL'), 'fatal'],
    ['a defect is still told', new TypeError('x is undefined'), 'fatal'],
  ])('%s', (_, error, expected) => {
    expect(classifyFailure(error, stopped)).toBe(expected);
  });

  test('a reason of any kind', () => {
    expect(classifyFailure('enough', AbortSignal.abort('enough'))).toBe('stopped');
  });
});
