import { FileSystemError } from '@walvault/durable-fs';
import { AuthenticationError, ConnectError, ProtocolViolationError, ServerError } from '@walvault/protocol';
import { describe, expect, test } from 'vitest';
import { classifyFailure, decisiveError } from './classify-failure.ts';
import { CoreError, SlotUnusableError } from './errors.ts';

const running = new AbortController().signal;
const reason = new DOMException('SIGTERM received', 'AbortError');
const stopped = AbortSignal.abort(reason);

describe('while nobody wants it to stop', () => {
  test.each([
    ['a connection that may come back', new ConnectError('connection refused', { where: 'server at "pg"' }), 'retry'],
    ['a server that speaks something else', new ProtocolViolationError('not PostgreSQL'), 'operator'],
    ['a server that does not let us in', new AuthenticationError('wrong password', { sqlState: '28P01' }), 'operator'],
    ['a slot that will be free', new SlotUnusableError('inUse', 'in use'), 'retry'],
    ['a slot that is missing', new SlotUnusableError('missing', 'missing'), 'operator'],
    ['a disk that has no room', new FileSystemError('ERR_STORAGE_FULL', '/x', 'full'), 'retry'],
    ['a disk that lost data', new FileSystemError('ERR_SYNC_FAILED', '/x', 'fsync'), 'fatal'],
    ['an option that is not set', new CoreError('ERR_OPTION_REQUIRED', 'no slot_name'), 'fatal'],
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
    ['real trouble is still told', new FileSystemError('ERR_SYNC_FAILED', '/x', 'fsync'), 'fatal'],
    ['a defect is still told', new TypeError('x is undefined'), 'fatal'],
  ])('%s', (_, error, expected) => {
    expect(classifyFailure(error, stopped)).toBe(expected);
  });

  test('a reason of any kind', () => {
    expect(classifyFailure('enough', AbortSignal.abort('enough'))).toBe('stopped');
  });
});

describe('what the server says, by its SQLSTATE', () => {
  test.each([
    ['28000', 'operator'],
    ['42501', 'operator'],
    ['3D000', 'operator'],
    ['53300', 'retry'],
    ['57P03', 'retry'],
    ['57P01', 'retry'],
    ['57P02', 'retry'],
    ['08006', 'retry'],
    ['57014', 'retry'],
    ['42704', 'operator'],
    ['42710', 'operator'],
    ['42602', 'operator'],
    ['53400', 'operator'],
    ['55006', 'retry'],
    ['55000', 'retry'],
    ['58P01', 'operator'],
    ['XX000', 'retry'],
    ['0A000', 'operator'],
    ['08P01', 'operator'],
  ])('%s', (sqlState, expected) => {
    expect(classifyFailure(new ServerError(new Map([['C', sqlState]])), running)).toBe(expected);
  });
});

describe('errors that came together', () => {
  const lost = new ConnectError('connection refused', { where: 'server at "pg"' });
  const sync = new FileSystemError('ERR_SYNC_FAILED', '/x', 'fsync');

  test.each([
    ['the disk behind a lost connection', new SuppressedError(sync, lost), sync],
    ['a lost connection behind the disk', new SuppressedError(lost, sync), sync],
    ['of equal ones the first', new SuppressedError(new ConnectError('later', { where: '' }), lost), lost],
    ['three of them', new SuppressedError(sync, new SuppressedError(lost, lost)), sync],
  ])('%s', (_, error, decisive) => {
    expect(decisiveError(error, running)).toBe(decisive);
    expect(classifyFailure(error, running)).toBe(classifyFailure(decisive, running));
  });

  test('a stop that was followed by a failed fsync is no good end', () => {
    expect(classifyFailure(new SuppressedError(sync, reason), stopped)).toBe('fatal');
    expect(classifyFailure(new SuppressedError(lost, reason), stopped)).toBe('stopped');
  });
});
