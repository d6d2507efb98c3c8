import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseServiceFile, readService, type ServiceLookup } from './service-file.ts';

const parsed = (text: string): Record<string, string> | undefined => {
  const values = parseServiceFile(text, 'pg', '/etc/services.conf');
  return values && Object.fromEntries(values);
};

describe('the text of a service file', () => {
  test.each<[string, string, Record<string, string> | undefined]>([
    ['a section', '[pg]\nhost=a\nport=5433\n', { host: 'a', port: '5433' }],
    ['only its own section', '[x]\nhost=x\n[pg]\nhost=a\n[y]\nhost=y', { host: 'a' }],
    ['the first of two sections of a name', '[pg]\nhost=a\n[pg]\nport=1', { host: 'a' }],
    ['the first of two lines of a name', '[pg]\nhost=a\nhost=b', { host: 'a' }],
    ['past comments, blank lines, indents and line ends of Windows', '\n# c\r\n  [pg]\r\n\t# d\r\n  host=a  \r\n', { host: 'a' }],
    ['values as they stand', "[pg]\npassword='it\\'s = #1'", { password: "'it\\'s = #1'" }],
    ['empty sections', '[pg]', {}],
    ['nothing where the service is not defined', '[pgx]\nhost=a', undefined],
    ['past mistakes of other sections', '[x]\nnonsense\n[pg]\nhost=a', { host: 'a' }],
  ])('gives %s', (_name, text, expected) => {
    expect(parsed(text)).toEqual(expected);
  });

  test.each([
    ['[pg]\nnonsense', 'syntax error in service file "/etc/services.conf", line 2', 'keyword=value'],
    ['[pg]\nhost=a\n\nhots=b', 'unknown connection parameter in service file "/etc/services.conf", line 4', '"host="'],
    ['[pg]\nhost = a', 'unknown connection parameter in service file "/etc/services.conf", line 2', 'no blanks'],
    [
      '[pg]\nservice=x',
      'nested "service" specifications are not supported in service file "/etc/services.conf", line 2',
      'Remove',
    ],
  ])('refuses %j', (text, message, hint) => {
    expect(() => parsed(text)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_SERVICE_FILE', message, hint: expect.stringContaining(hint) }),
    );
  });
});

describe('looking a service up', () => {
  let directory: string;
  let lookup: ServiceLookup;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'walvault-service-'));
    await mkdir(join(directory, 'system'));
    lookup = { service: 'pg', file: undefined, homeDirectory: directory, systemDirectory: join(directory, 'system') };
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  const write = (name: string, text: string): Promise<void> => writeFile(join(directory, name), text);

  test('takes the file of the user before that of the system', async () => {
    await write('.pg_service.conf', '[pg]\nhost=mine\n');
    await write('system/pg_service.conf', '[pg]\nhost=all\n');
    expect(await readService(lookup)).toEqual(new Map([['host', 'mine']]));
  });

  test('goes on to the file of the system where the user has no such service', async () => {
    await write('.pg_service.conf', '[other]\nhost=mine\n');
    await write('system/pg_service.conf', '[pg]\nhost=all\n');
    expect(await readService(lookup)).toEqual(new Map([['host', 'all']]));
  });

  test('takes a file that is named on purpose in place of that of the user', async () => {
    await write('.pg_service.conf', '[pg]\nhost=mine\n');
    await write('named.conf', '[pg]\nhost=named\n');
    expect(await readService({ ...lookup, file: join(directory, 'named.conf') })).toEqual(new Map([['host', 'named']]));
  });

  test('says where it looked when the service is nowhere', async () => {
    await expect(readService(lookup)).rejects.toMatchObject({
      code: 'ERR_INVALID_SERVICE_FILE',
      message: 'definition of service "pg" not found',
      hint: expect.stringContaining(join(directory, '.pg_service.conf')),
    });
  });

  test('does not pass over a named file that is missing', async () => {
    const file = join(directory, 'missing.conf');
    await write('system/pg_service.conf', '[pg]\nhost=all\n');
    await expect(readService({ ...lookup, file })).rejects.toMatchObject({ message: `service file "${file}" not found` });
  });

  test('says so when a file cannot be read', async () => {
    await mkdir(join(directory, '.pg_service.conf'));
    await expect(readService(lookup)).rejects.toMatchObject({
      message: `service file "${join(directory, '.pg_service.conf')}" cannot be read: EISDIR`,
    });
  });
});
