import { describe, expect, test } from 'vitest';
import { errnoOf, FileSystemError, fileSystemError, syncError } from './errors.ts';

describe('an errno decides', () => {
  test.each([
    ['EACCES', 'ERR_NOT_PERMITTED', 'fatal', 'permission denied'],
    ['EPERM', 'ERR_NOT_PERMITTED', 'fatal', 'operation not permitted'],
    ['EROFS', 'ERR_NOT_PERMITTED', 'fatal', 'read-only file system'],
    ['ENOSPC', 'ERR_STORAGE_FULL', 'retry', 'no space left on device'],
    ['EDQUOT', 'ERR_STORAGE_FULL', 'retry', 'disk quota exceeded'],
    ['ENOENT', 'ERR_PATH_MISSING', 'fatal', 'no such file or directory'],
    ['ENOTDIR', 'ERR_PATH_MISSING', 'fatal', 'not a directory'],
    ['EIO', 'ERR_FILE_SYSTEM', 'fatal', 'input/output error'],
    ['EMFILE', 'ERR_SYSTEM_BUSY', 'retry', 'too many open files in this process'],
    ['ENFILE', 'ERR_SYSTEM_BUSY', 'retry', 'too many open files in the system'],
    ['ENOMEM', 'ERR_SYSTEM_BUSY', 'retry', 'out of memory'],
    ['EXDEV', 'ERR_FILE_SYSTEM', 'fatal', 'not on the same file system'],
  ])('%s is %s', (errno, code, retry, words) => {
    const cause = systemError(errno);
    const error = fileSystemError('create', '/x', cause);
    expect(error).toMatchObject({ code, retry, path: '/x', message: `could not create "/x": ${words}`, cause });
    expect(error.hint === undefined).toBe(code === 'ERR_FILE_SYSTEM');
  });

  test('but every failed sync is fatal', () => {
    expect(syncError('/x', systemError('ENOSPC'))).toMatchObject({ code: 'ERR_SYNC_FAILED', retry: 'fatal' });
  });

  test('and what is no system error keeps its words', () => {
    expect(fileSystemError('read', '/x', new Error('it is odd')).message).toBe('could not read "/x": it is odd');
    expect(fileSystemError('read', '/x', 'odd').message).toBe('could not read "/x": odd');
  });
});

test('an error that says it already is passed on as it is', () => {
  const error = new FileSystemError('ERR_SYNC_FAILED', '/x', 'could not fsync');
  expect(fileSystemError('append to', '/x', error)).toBe(error);
});

test('of two errors at the end of a block the first is told', () => {
  const first = syncError('/x', systemError('EIO'));
  expect(fileSystemError('append to', '/x', new SuppressedError(systemError('EIO'), first))).toBe(first);
});

test('errnoOf knows system errors from others', () => {
  expect(errnoOf(systemError('EIO'))).toBe('EIO');
  expect(errnoOf(new Error('EIO'))).toBeUndefined();
  expect(errnoOf(Object.assign(new Error('x'), { code: 5 }))).toBeUndefined();
  expect(errnoOf('EIO')).toBeUndefined();
});

function systemError(errno: string): Error {
  return Object.assign(new Error(`${errno}: something`), { code: errno });
}
