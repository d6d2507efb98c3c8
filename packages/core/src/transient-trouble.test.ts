import { ArchiveEmptyError, WalFileError, WalHoleError } from '@walvault/archiver';
import { fileSystemError } from '@walvault/durable-fs';
import { expect, test } from 'vitest';
import { isFullAt, isTransientTrouble } from './transient-trouble.ts';

const destination = 'pg_wal/RECOVERYXLOG';

function trouble(code: string, path = '/var/lib/barman/pg/wals'): Error {
  return fileSystemError('read', path, Object.assign(new Error(code), { code }));
}

test.each([
  'EIO',
  'ESTALE',
  'ENOTCONN',
  'ETIMEDOUT',
  'EHOSTDOWN',
  'EAGAIN',
  'EMFILE',
  'ENOENT',
  'ENOTDIR',
  'EACCES',
  'EPERM',
  'ENOSPC',
])('%s of the archive may pass', (code) => {
  expect(isTransientTrouble(trouble(code), destination)).toBe(true);
});

test('an archive with nothing in it may be one that is not mounted yet', () => {
  expect(isTransientTrouble(new ArchiveEmptyError('/wals'), destination)).toBe(true);
});

test.each([
  ['no permission where PostgreSQL wants the file', trouble('EACCES', 'pg_wal/.RECOVERYXLOG.1.tmp')],
  ['a read-only file system', trouble('EROFS')],
  ['a hole', new WalHoleError('000000010000000000000001', 'a later one is there')],
  ['a damaged file', new WalFileError('ERR_WAL_FILE_CORRUPT', '/wals/x', 'is damaged')],
  ['a destination that is not there', trouble('ENOENT', 'pg_wal/.RECOVERYXLOG.1.tmp')],
  ['a defect', new TypeError('x is undefined')],
])('%s does not', (_, error) => {
  expect(isTransientTrouble(error, destination)).toBe(false);
});

test('no room at the destination may pass, and what was prefetched there is in the way', () => {
  const there = trouble('ENOSPC', 'pg_wal/.RECOVERYXLOG.1.tmp');
  expect([isTransientTrouble(there, destination), isFullAt(there, destination)]).toEqual([true, true]);
  expect(isFullAt(trouble('ENOSPC'), destination)).toBe(false);
  expect(isFullAt(trouble('EIO', 'pg_wal/.RECOVERYXLOG.1.tmp'), destination)).toBe(false);
});
