import { expect, test } from 'vitest';
import { quoteHba, quoteIdentifier, quoteLiteral } from './quoting.ts';

test.each([
  ['barman', 'barman'],
  ['streaming_barman2', 'streaming_barman2'],
  ['user', '"user"'],
  ['Barman', '"Barman"'],
  ['bar man', '"bar man"'],
  ['a"b', '"a""b"'],
  ['', '""'],
])('the name %j is %s in SQL', (name, text) => {
  expect(quoteIdentifier(name)).toBe(text);
});

test.each([
  ['plain', `'plain'`],
  [`it's`, `'it''s'`],
  [String.raw`back\slash`, String.raw` E'back\\slash'`],
])('the value %j is %s in SQL', (value, text) => {
  expect(quoteLiteral(value)).toBe(text);
});

test.each([
  ['Barman', 'Barman'],
  ['replication', '"replication"'],
  ['all', '"all"'],
  ['+group', '"+group"'],
  ['a"b', '"a""b"'],
])('the name %j is %s in pg_hba.conf', (name, text) => {
  expect(quoteHba(name)).toBe(text);
});
