import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory } from '@walvault/testkit';
import { expect, test } from 'vitest';
import { LogFile } from './log-file.ts';

test('a file that was rotated away, with or without a new one in its place, gets no more lines', async () => {
  await using directory = await temporaryDirectory('log');
  const path = join(directory.path, 'new', 'walvault.log');
  const log = new LogFile(path);
  log.write('1\n');
  renameSync(path, `${path}.1`);
  log.write('2\n');
  renameSync(path, `${path}.2`);
  writeFileSync(path, 'made by logrotate\n');
  log.write('3\n');
  expect(readFileSync(`${path}.1`, 'utf8')).toBe('1\n');
  expect(readFileSync(`${path}.2`, 'utf8')).toBe('2\n');
  expect(readFileSync(path, 'utf8')).toBe('made by logrotate\n3\n');
});

test('a file that was cut to nothing goes on from its start', async () => {
  await using directory = await temporaryDirectory('log');
  const path = join(directory.path, 'walvault.log');
  const log = new LogFile(path);
  log.write('long ago\n');
  truncateSync(path);
  log.write('now\n');
  expect(readFileSync(path, 'utf8')).toBe('now\n');
});

test('while the name cannot be opened the old file takes the lines, and a directory that comes back is used', async () => {
  await using directory = await temporaryDirectory('log');
  const path = join(directory.path, 'walvault.log');
  const log = new LogFile(path);
  renameSync(path, `${path}.old`);
  mkdirSync(path);
  log.write('1\n');
  rmSync(path, { recursive: true });
  log.write('2\n');
  log.reopen();
  log.write('3\n');
  expect(readFileSync(`${path}.old`, 'utf8')).toBe('1\n');
  expect(readFileSync(path, 'utf8')).toBe('2\n3\n');
});

test('a place where nothing can be written ends nobody', () => {
  const log = new LogFile('/proc/version/walvault.log');
  log.write('lost\n');
  expect(existsSync('/proc/version/walvault.log')).toBe(false);
});
