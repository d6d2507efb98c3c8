import { expect, test } from 'vitest';
import { shownValue } from './shown-value.ts';

test.each([
  ['active', 'Yes', true],
  ['archiver', 'off', false],
  ['archive_workers', '4', 4],
  ['check_timeout', '30', 30],
  ['minimum_redundancy', '2', 2],
  ['network_compression', 'false', false],
  ['compression_level', 'low', 'low'],
  ['slot_name', '42', '42'],
  ['description', 'on', 'on'],
  ['parallel_jobs', 'many', 'many'],
  ['slot_name', undefined, null],
  ['no_such_option', '1', '1'],
])('%s = %j is %j', (name, text, value) => {
  expect(shownValue(name, text)).toBe(value);
});
