import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { HostAddress } from './connection-parameters.ts';
import { formatConninfo } from './conninfo.ts';
import { describeConnection, redactConninfo } from './describe-connection.ts';

const place = (given: Partial<HostAddress>): HostAddress => ({
  host: 'pg',
  hostAddress: undefined,
  port: 5432,
  isUnixSocket: false,
  password: 's3cret',
  ...given,
});

describe('describeConnection', () => {
  test('tells where and as whom, without the password', () => {
    expect(describeConnection({ hosts: [place({})], user: 'barman', database: 'postgres' })).toBe(
      'host=pg port=5432 user=barman dbname=postgres',
    );
  });

  test('lists several hosts, and ports only where they differ', () => {
    const hosts = [place({ host: 'a' }), place({ host: 'b' })];
    expect(describeConnection({ hosts, user: 'u', database: 'd' })).toBe('host=a,b port=5432 user=u dbname=d');
    hosts.push(place({ host: 'c', port: 6000 }));
    expect(describeConnection({ hosts, user: 'u', database: 'd' })).toBe('host=a,b,c port=5432,5432,6000 user=u dbname=d');
  });

  test('names the address that is dialled instead of the host', () => {
    const hosts = [place({ hostAddress: '10.0.0.7' }), place({ host: '::1', hostAddress: '::1' })];
    expect(describeConnection({ hosts, user: 'u', database: 'd' })).toBe(
      'host=pg,::1 hostaddr=10.0.0.7, port=5432 user=u dbname=d',
    );
  });

  test('quotes what needs it', () => {
    expect(describeConnection({ hosts: [place({})], user: "o'neil", database: 'my db' })).toBe(
      String.raw`host=pg port=5432 user='o\'neil' dbname='my db'`,
    );
  });
});

describe('redactConninfo', () => {
  test.each([
    ['', ''],
    ['host=pg user=barman', 'host=pg user=barman'],
    ['host=pg password=s3cret user=barman', 'host=pg password=*** user=barman'],
    ["sslpassword = 'a s3cret' host=pg", 'sslpassword=*** host=pg'],
    ['oauth_client_secret=s3cret scram_client_key=s3cret', 'oauth_client_secret=*** scram_client_key=***'],
    ['host=pg password=a s3cret', 'host=pg password=*** ***'],
    ['host=pg password=a s3cret=1 port=1', 'host=pg password=*** ***'],
    ["host=pg password='a s3cret", 'host=pg ***'],
    ['pasword=s3cret', '***'],
    ['s3cret', '***'],
    ['postgresql://pg/db', 'postgresql://pg/db'],
    ['postgresql://u@pg/db', 'postgresql://u@pg/db'],
    ['postgresql://u:s3cret@pg:5432/db?sslmode=require', 'postgresql://u:***@pg:5432/db?sslmode=require'],
    ['postgresql://u:s3cret?s3cret@pg', 'postgresql://u:***@pg'],
    ['postgresql://a?b:s3cret@pg?ssl=true', 'postgresql://a?b:***@pg?ssl=true'],
    ['postgresql://u@pg?p%61ssword=s3cret&sslpassword=s3cret&', 'postgresql://u@pg?p%61ssword=***&sslpassword=***&'],
    ['postgresql://u:s3cret/s3cret@pg', 'postgresql://***'],
    ['postgresql://u:s3@cret@pg', 'postgresql://***'],
    ['postgresql://u:s3cret', 'postgresql://***'],
    ['postgresql://u@pg?password=a&s3cret', 'postgresql://***'],
    ['POSTGRESQL://u:s3cret@pg', '***'],
  ])('makes of %j %j', (text, redacted) => {
    expect(redactConninfo(text)).toBe(redacted);
  });

  test('never lets a password through, whatever letters it has and however it is written', () => {
    const letters = `abc '\\=@:/?&%,;[]"#\n`.split('');
    const secret = fc.string({ unit: fc.constantFrom(...letters), minLength: 8 }).map((noise) => `${noise}s3cret${noise}`);
    fc.assert(
      fc.property(secret, (password) => {
        const texts = [
          formatConninfo([
            ['host', 'pg'],
            ['password', password],
            ['user', 'u'],
          ]),
          `host=pg password=${password} user=u`,
          `host=pg password='${password}' user=u`,
          `postgresql://u:${password}@pg/db`,
          `postgresql://u:${encodeURIComponent(password)}@pg/db?password=${encodeURIComponent(password)}`,
        ];
        for (const text of texts) expect(redactConninfo(text)).not.toContain('s3cret');
      }),
      { numRuns: 1000 },
    );
  });
});
