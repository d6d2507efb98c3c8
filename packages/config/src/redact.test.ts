import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { redactPasswords } from './redact.ts';

test.each([
  ['host=pg user=barman', 'host=pg user=barman'],
  ['host=pg password=sesame user=barman', 'host=pg password=*REDACTED* user=barman'],
  ['PASSWORD = sesame', 'PASSWORD = *REDACTED*'],
  ["password='open sesame' host=pg", 'password=*REDACTED* host=pg'],
  ["password = 'it\\'s sesame' host=pg", 'password = *REDACTED* host=pg'],
  ["password='open sesame host=pg", 'password=*REDACTED*'],
  ['password=open\\ sesame host=pg', 'password=*REDACTED* host=pg'],
  ['sslpassword=sesame host=pg', 'sslpassword=*REDACTED* host=pg'],
  ['oauth_client_secret=sesame host=pg', 'oauth_client_secret=*REDACTED* host=pg'],
  ['postgresql://barman:sesame@pg/postgres', 'postgresql://barman:*REDACTED*@pg/postgres'],
  ['postgres://barman:se@me/s@pg:5432/postgres', 'postgres://barman:*REDACTED*@pg:5432/postgres'],
  ['postgresql://barman@pg/d?password=sesame&sslmode=require', 'postgresql://barman@pg/d?password=*REDACTED*&sslmode=require'],
  ['postgresql://barman@pg:5432/postgres', 'postgresql://barman@pg:5432/postgres'],
  ['host=pg passfile=/etc/pass', 'host=pg passfile=/etc/pass'],
])('%s', (text, expected) => {
  expect(redactPasswords(text)).toBe(expected);
});

test('no password gets through, however it is quoted', () => {
  const password = fc.string({ unit: fc.constantFrom(...Array.from('abXY09\'"\\ @:/&=%')), minLength: 6, maxLength: 12 });
  fc.assert(
    fc.property(password, (text) => {
      const quoted = text.replaceAll('\\', '\\\\').replaceAll("'", "\\'");
      expect(redactPasswords(`host=pg password='${quoted}' user=u`)).toBe('host=pg password=*REDACTED* user=u');
      const encoded = encodeURIComponent(text);
      expect(redactPasswords(`postgresql://u:${encoded}@pg/d`)).toBe('postgresql://u:*REDACTED*@pg/d');
    }),
  );
});
