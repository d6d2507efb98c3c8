import { expect, test } from 'vitest';
import { allOptions } from './option-names.ts';
import { formatOptionReference } from './option-reference.ts';

const page = formatOptionReference();

test('has a row of five cells for every option, once', () => {
  for (const name of allOptions.keys()) {
    const rows = page.split('\n').filter((line) => line.startsWith(`| \`${name}\` |`));
    expect(rows).toHaveLength(1);
    expect(rows[0]?.split(/(?<!\\)\|/)).toHaveLength(7);
  }
});

test('shows scope, values, default and meaning', () => {
  expect(page).toContain(
    '| `slot_name` | server, [barman] | lower-case letters, digits and underscores, up to 63 |  | Physical replication slot',
  );
  expect(page).toContain(
    '| `streaming_wals_directory` | server | an absolute path, starting with "/" | `%(backup_directory)s/streaming` |',
  );
});

test('keeps our own options apart from those of Barman', () => {
  const own = page.slice(page.indexOf('## Options that Barman does not have'), page.indexOf('## Options about base backups'));
  expect([...own.matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name)).toEqual([
    'archive_delay_limit',
    'archive_when_complete',
    'archive_workers',
    'flush',
    'free_space_hours',
    'gap_policy',
    'heal_conninfo',
    'hook_timeout',
    'receive_lag_limit',
    'rpo_limit',
    'slot_policy',
    'slot_retained_limit',
    'status_interval',
    'verify_interval',
    'verify_stream',
  ]);
});

test('every option is explained by whole sentences', () => {
  for (const [name, { doc }] of allOptions) expect(`${name}: ${doc}`).toMatch(/^\w+: [A-Za-z].*\.$/);
});
