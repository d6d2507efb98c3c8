import { expect, test } from 'vitest';
import { withoutSecret } from './without-secrets.ts';

test.each([
  ['conninfo', "host=a password='s e c' user=b", 'host=a password=*REDACTED* user=b'],
  ['streaming_conninfo', 'postgresql://u:secret@h/db', 'postgresql://u:*REDACTED*@h/db'],
  ['post_archive_script', '/usr/bin/notify', '/usr/bin/notify'],
  ['post_archive_script', "/usr/bin/curl -H 'Bearer secret'", '/usr/bin/curl *REDACTED*'],
  ['pre_wal_delete_retry_script', 'TOKEN=secret notify', '*REDACTED*'],
  ['archive_command', 'PGPASSWORD=secret cp %p /x', '*REDACTED*'],
  ['custom_compression_filter', 'gzip -1', 'gzip *REDACTED*'],
  ['encryption_passphrase_command', 'secret', '*REDACTED*'],
  ['encryption_passphrase_command', '', ''],
  ['description', 'plain', 'plain'],
])('%s = %j is shown as %j', (name, value, shown) => {
  expect(withoutSecret(name, value)).toBe(shown);
});

test('what is no text stays as it is', () => {
  expect([null, 3, true].map((value) => withoutSecret('post_archive_script', value))).toEqual([null, 3, true]);
});
