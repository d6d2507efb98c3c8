import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { conninfoKeywords } from './conninfo-keywords.ts';
import { ConninfoError, type ConninfoKeyword, formatConninfo, parseConninfo } from './conninfo.ts';

const parsed = (text: string): Record<string, string> => Object.fromEntries(parseConninfo(text));

const errorOf = (text: string): ConninfoError => {
  try {
    parseConninfo(text);
  } catch (error) {
    if (error instanceof ConninfoError) return error;
    throw error;
  }
  throw new Error(`"${text}" was read without an error`);
};

const odd = " '\\=@:/?&%,\t\n[]".split('');

// What a C string can hold: no zero byte, and no half of a surrogate pair.
const text = fc
  .string({
    unit: fc.oneof(fc.constantFrom(...odd), fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 })),
  })
  .filter((value) => !value.includes('\0') && value.isWellFormed());
const values = fc.uniqueArray(fc.tuple(fc.constantFrom(...conninfoKeywords), text), { selector: ([keyword]) => keyword });

describe('keyword/value form', () => {
  test.each<[string, Record<string, string>]>([
    ['', {}],
    ['   ', {}],
    ['host=pg user=barman dbname=postgres', { host: 'pg', user: 'barman', dbname: 'postgres' }],
    ['host = pg  user= barman\n\tdbname =postgres ', { host: 'pg', user: 'barman', dbname: 'postgres' }],
    [String.raw`password='it\'s a \\ secret'`, { password: String.raw`it's a \ secret` }],
    [String.raw`password=a\ b\'c\\d`, { password: String.raw`a b'c\d` }],
    ["password='' host=pg", { password: '', host: 'pg' }],
    ["user='a'host='b'", { user: 'a', host: 'b' }],
    ['password= host=pg', { password: 'host=pg' }],
    ["password=it's", { password: "it's" }],
    ['port=1 port=2', { port: '2' }],
    ['application_name=a=b', { application_name: 'a=b' }],
    ['host=pg\\', { host: 'pg' }],
    ['requiressl=1', { sslmode: 'require' }],
    ['requiressl=0', { sslmode: 'prefer' }],
    ["dbname='host=other'", { dbname: 'host=other' }],
  ])('reads %j as libpq does', (text, expected) => {
    expect(parsed(text)).toEqual(expected);
  });

  test('reads back whatever it wrote', () => {
    fc.assert(
      fc.property(values, (pairs) => {
        expect([...parseConninfo(formatConninfo(pairs))]).toEqual(pairs);
      }),
    );
  });

  test.each([
    ['host', 'missing "=" after the word at column 1 of the connection string'],
    ['host=pg port', 'missing "=" after the word at column 9 of the connection string'],
    ["host=pg password='abc", 'unterminated quoted value of password, which starts at column 18 of the connection string'],
    [String.raw`password='abc\'`, 'unterminated quoted value of password, which starts at column 10 of the connection string'],
    ['host=pg =x', 'unknown connection parameter at column 9 of the connection string'],
    ['host=pg\0', 'the connection string holds a zero byte'],
  ])('refuses %j', (text, message) => {
    expect(errorOf(text)).toMatchObject({ code: 'ERR_INVALID_CONNINFO', retry: 'fatal', message });
  });

  test.each<[string, ConninfoKeyword]>([
    ['sslmod', 'sslmode'],
    ['usr', 'user'],
    ['applicaton_name', 'application_name'],
    ['HOST', 'host'],
    ['prot', 'port'],
  ])('names the parameter that is nearest to %s', (name, nearest) => {
    expect(errorOf(`${name}=x`)).toMatchObject({
      message: `unknown connection parameter "${name}" at column 1 of the connection string`,
      hint: `Perhaps you meant "${nearest}".`,
    });
  });

  test('suggests no parameter for a name that is like none', () => {
    expect(errorOf('quux_zork=1').hint).not.toContain('Perhaps');
  });

  test.each(['password=my s3cret', 'password=my s3cret=1', "password='my s3cret", "password=x sslpassword=my s3cret=1 host='"])(
    'shows no piece of the password of %j',
    (text) => {
      const error = errorOf(text);
      expect(`${error.message} ${error.hint}`).not.toContain('s3cret');
    },
  );
});

describe('URI form', () => {
  test.each<[string, Record<string, string>]>([
    ['postgresql://', {}],
    ['postgres://pg', { host: 'pg' }],
    ['postgresql://pg:5433', { host: 'pg', port: '5433' }],
    ['postgresql://pg/postgres', { host: 'pg', dbname: 'postgres' }],
    ['postgresql://pg/', { host: 'pg' }],
    ['postgresql://barman@pg', { user: 'barman', host: 'pg' }],
    ['postgresql://barman:s%40cret%2F@pg', { user: 'barman', password: 's@cret/', host: 'pg' }],
    ['postgresql://barman:a:b?c@pg', { user: 'barman', password: 'a:b?c', host: 'pg' }],
    ['postgresql://:secret@pg', { password: 'secret', host: 'pg' }],
    ['postgresql://barman:@pg', { user: 'barman', host: 'pg' }],
    ['postgresql://a:1,b:2,c/db?sslmode=require', { host: 'a,b,c', port: '1,2,', dbname: 'db', sslmode: 'require' }],
    ['postgresql://a,b', { host: 'a,b', port: ',' }],
    ['postgresql://[2001:db8::1]:5433/db', { host: '2001:db8::1', port: '5433', dbname: 'db' }],
    ['postgresql://[::1],[::2]:7', { host: '::1,::2', port: ',7' }],
    ['postgresql://%2Fvar%2Frun%2Fpostgresql/db', { host: '/var/run/postgresql', dbname: 'db' }],
    ['postgresql:///db?host=/tmp&port=6000', { dbname: 'db', host: '/tmp', port: '6000' }],
    ['postgresql://?user=barman&password=x', { user: 'barman', password: 'x' }],
    ['postgresql://pg?ssl=true', { host: 'pg', sslmode: 'require' }],
    ['postgresql://pg?application%5Fname=a%20b%3D%26&', { host: 'pg', application_name: 'a b=&' }],
    ['postgresql://pg?options=-c%20a%3Db&options=', { host: 'pg', options: '' }],
    ['postgresql:// pg /db ', { host: 'pg', dbname: 'db' }],
    ['postgresql://%C3%BCser@pg', { user: 'üser', host: 'pg' }],
  ])('reads %j as libpq does', (text, expected) => {
    expect(parsed(text)).toEqual(expected);
  });

  test('reads back what is percent-encoded, in the query', () => {
    fc.assert(
      fc.property(values, (pairs) => {
        const query = pairs.map((pair) => pair.map(encodeURIComponent).join('=')).join('&');
        expect([...parseConninfo(`postgresql://?${query}`)]).toEqual(pairs);
      }),
    );
  });

  test('reads back what is percent-encoded, in its places', () => {
    const given = text.filter((value) => value !== '');
    const port = fc.integer({ min: 1, max: 65_535 }).map(String);
    fc.assert(
      fc.property(given, given, fc.array(fc.tuple(given, port), { minLength: 2 }), given, (user, password, places, dbname) => {
        const [u, p, d] = [user, password, dbname].map(encodeURIComponent);
        const list = places.map((place) => place.map(encodeURIComponent).join(':')).join(',');
        expect(parsed(`postgresql://${u}:${p}@${list}/${d}`)).toEqual({
          user,
          password,
          host: places.map(([host]) => host).join(','),
          port: places.map(([, number]) => number).join(','),
          dbname,
        });
      }),
    );
  });

  test.each([
    ['postgresql://[::1', 'missing "]" of the IPv6 address at column 14 of the connection URI'],
    ['postgresql://[]', 'empty IPv6 address at column 14 of the connection URI'],
    ['postgresql://[::1]x', 'unexpected character at column 19 of the connection URI, expected ":", ",", "/" or "?"'],
    ['postgresql://pg/a%zz', 'invalid percent-encoding at column 18 of the connection URI'],
    ['postgresql://pg/a%00', 'invalid percent-encoding at column 18 of the connection URI'],
    ['postgresql://pg/a%FF', 'the text at column 17 of the connection URI is not UTF-8 when decoded'],
    ['postgresql://pg/a b', 'invalid blank at column 18 of the connection URI'],
    ['postgresql://pg?sslmode', 'missing "=" in the query parameter at column 17 of the connection URI'],
    ['postgresql://pg?sslmode=a=b', 'a second "=" in the query parameter at column 17 of the connection URI'],
    ['postgresql://pg?sslmod=a', 'unknown connection parameter "sslmod" at column 17 of the connection URI'],
    ['postgresql://pg?user=a&ssl=false', 'unknown connection parameter "ssl" at column 24 of the connection URI'],
  ])('refuses %j', (text, message) => {
    expect(errorOf(text)).toMatchObject({ code: 'ERR_INVALID_CONNINFO', retry: 'fatal', message });
  });

  test.each([
    'postgresql://u:pa/s3cret@h/db',
    'postgresql://u:12/s3cret@h/db',
    'postgresql://u:p@s3cret@h/db',
    'postgresql://u:s3cret',
    'postgresql://u:%zzs3cret@h',
    'postgresql://h?password=a&s3cret=b',
    'postgresql://h?password=a&s3cret',
    'postgresql://h?password=s3cret=a',
  ])('refuses %j and shows no piece of its password', (text) => {
    const error = errorOf(text);
    expect(`${error.message} ${error.hint}`).not.toContain('s3cret');
  });
});
