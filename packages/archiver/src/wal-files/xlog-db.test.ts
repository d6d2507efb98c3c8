import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { TestServer } from '../../testing.ts';
import { readXlogDb, xlogDbPath } from '../index.ts';
import { formatXlogDbLine, tryParseXlogDbLine } from './xlog-db-line.ts';

test('reads the lines that the versions of Barman write: three, four and five columns', async () => {
  await using server = await TestServer.create();
  await writeFile(
    server.xlogDb,
    '000000010000000000000001\t16777216\t1795364256.6810377\n' +
      '000000010000000000000002\t16777216\t1795364257.0\tNone\n' +
      '000000010000000000000003\t4711\t1795364258.5\txz\tNone\n' +
      '000000010000000000000004\t4711\t1795364258.5\tgzip\tgpg\n',
  );
  const entries = await readXlogDb(server.xlogDb);
  expect(entries.map((entry) => [entry.size, entry.modifiedAt, entry.compression, entry.encryption])).toEqual([
    [16_777_216, 1_795_364_256.6810377, undefined, undefined],
    [16_777_216, 1_795_364_257, undefined, undefined],
    [4711, 1_795_364_258.5, 'xz', undefined],
    [4711, 1_795_364_258.5, 'gzip', 'gpg'],
  ]);
});

test('what is written reads back as it was', () => {
  const entry = fc.record({
    name: fc.constantFrom('000000010000000000000001', '00000002.history', '000000010000000000000001.partial'),
    size: fc.nat(),
    modifiedAt: fc.double({ min: 1, max: 4e9, noNaN: true }),
    compression: fc.constantFrom(undefined, 'gzip', 'zstd'),
  });
  fc.assert(
    fc.property(entry, (given) => {
      const line = formatXlogDbLine(given);
      expect(line).toMatch(/^\S+\t\d+\t\d+\.\d+\t\S+\n$/);
      expect(tryParseXlogDbLine(line)).toEqual({ ...given, encryption: undefined });
    }),
  );
});

test.each(['', 'one', 'name 1', 'name x 1.0 None', 'name 1 x None', 'a 1 1.0 b c d'])('"%s" is no line', (line) => {
  expect(tryParseXlogDbLine(line)).toBeUndefined();
});

test('says which line it cannot read', async () => {
  await using server = await TestServer.create();
  await writeFile(server.xlogDb, 'nonsense\n');
  await expect(readXlogDb(server.xlogDb)).rejects.toMatchObject({ code: 'ERR_XLOGDB_INVALID' });
  await expect(readXlogDb(server.xlogDb)).rejects.toThrow('"nonsense"');
  expect(await readXlogDb(join(server.wals, 'not-there'))).toEqual([]);
});

test('is looked for under the name of each Barman', async () => {
  await using server = await TestServer.create();
  const choice = { serverName: 'pg', walsDirectory: server.wals };
  expect(await xlogDbPath(choice)).toBe(join(server.wals, 'xlog.db'));
  expect(await xlogDbPath({ ...choice, xlogDbDirectory: '/elsewhere' })).toBe('/elsewhere/pg-xlog.db');
  await writeFile(join(server.wals, 'pg-xlog.db'), '');
  expect(await xlogDbPath(choice)).toBe(join(server.wals, 'pg-xlog.db'));
  expect(await readFile(join(server.wals, 'pg-xlog.db'), 'utf8')).toBe('');
});
