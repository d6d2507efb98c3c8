import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Logger, silentLogger } from '@walvault/wal';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findPassword, parsePassfile, type PasswordOwner, readPassfile } from './passfile.ts';

const owner: PasswordOwner = { host: 'pg', port: 5432, database: 'replication', user: 'barman' };
const lookUp = (text: string, wanted: Partial<PasswordOwner> = {}): string | undefined =>
  findPassword(parsePassfile(text), { ...owner, ...wanted });
const escape = (value: string): string => value.replaceAll(/[:\\*#]/g, '\\$&');

describe('a password file', () => {
  test.each([
    ['an exact line', 'pg:5432:replication:barman:secret', 'secret'],
    ['the first line that matches', 'other:*:*:*:no\npg:*:*:*:first\n*:*:*:*:second', 'first'],
    ['a line of stars', '*:*:*:*:any', 'any'],
    ['no line for another host', 'pgx:5432:replication:barman:secret', undefined],
    ['no line for a longer name', 'pg:5432:replication:barmans:secret', undefined],
    ['no line for another port', 'pg:5433:*:*:secret', undefined],
    ['no line for another database', 'pg:5432:postgres:barman:secret', undefined],
    ['no comment', '#pg:5432:replication:barman:secret', undefined],
    ['no line that lacks a field', 'pg:5432:barman:secret\n\n', undefined],
    ['a line that ends as on Windows', 'pg:*:*:*:secret\r\n', 'secret'],
    ['a password with escapes', String.raw`*:*:*:*:a\:b\\c\d`, String.raw`a:b\cd`],
    ['a password up to the next colon', '*:*:*:*:a:b', 'a'],
    ['a password that ends with a backslash', '*:*:*:*:a\\', 'a\\'],
    ['an empty password as none', '*:*:*:*:\n*:*:*:*:later', undefined],
    ['an escaped star as a star', String.raw`\*:*:*:*:secret`, undefined],
    ['a star among letters as a letter', 'p*:*:*:*:secret', undefined],
  ])('gives %s', (_name, text, password) => {
    expect(lookUp(text)).toBe(password);
  });

  test('matches a field with colons and backslashes when they are escaped', () => {
    expect(lookUp(String.raw`2001\:db8\:\:1:5432:*:do\\main:secret`, { host: '2001:db8::1', user: String.raw`do\main` })).toBe(
      'secret',
    );
  });

  test('gives back any password under any name', () => {
    const field = fc.string({ unit: 'grapheme', minLength: 1 }).filter((value) => !/[\n\r]/.test(value));
    fc.assert(
      fc.property(field, field, field, field, (host, database, user, password) => {
        const line = [host, '77', database, user, password].map(escape).join(':');
        expect(lookUp(`${line}\n`, { host, port: 77, database, user })).toBe(password);
      }),
    );
  });
});

const recorder = (): { readonly log: Logger; readonly warnings: string[] } => {
  const warnings: string[] = [];
  return { log: { ...silentLogger, warn: (_fields, message) => warnings.push(message) }, warnings };
};

describe('reading the file', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'walvault-passfile-'));
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  test('takes one that only its owner can read', async () => {
    const path = join(directory, 'private');
    await writeFile(path, '*:*:*:*:secret\n', { mode: 0o600 });
    const { log, warnings } = recorder();
    expect(findPassword(await readPassfile(path, log), owner)).toBe('secret');
    expect(warnings).toEqual([]);
  });

  test.each([0o640, 0o604, 0o620])('leaves one of mode %o alone and says so', async (mode) => {
    const path = join(directory, `open-${mode}`);
    await writeFile(path, '*:*:*:*:s3cret\n');
    await chmod(path, mode);
    const { log, warnings } = recorder();
    expect(await readPassfile(path, log)).toEqual([]);
    expect(warnings).toEqual([
      `password file "${path}" is not used: it has group or world access; permissions should be u=rw (0600) or less`,
    ]);
  });

  test('leaves a directory alone and says so', async () => {
    const { log, warnings } = recorder();
    expect(await readPassfile(directory, log)).toEqual([]);
    expect(warnings).toEqual([`password file "${directory}" is not used: it is not a plain file`]);
  });

  test('takes a file that is not there as empty', async () => {
    const { log, warnings } = recorder();
    expect(await readPassfile(join(directory, 'missing'), log)).toEqual([]);
    expect(warnings).toEqual([]);
  });
});
