import { describe, expect, test } from 'vitest';
import { retryAdviceOf, ServerError } from './server-error.ts';
import { majorVersionOf, parseServerVersion } from './server-version.ts';

describe('an error of the server', () => {
  test('keeps every field that was sent', () => {
    const fields = {
      S: 'FEHLER',
      V: 'ERROR',
      C: '58P01',
      M: 'weg',
      D: 'detail',
      H: 'hint',
      P: '7',
      W: 'where',
      s: 'schema',
      t: 'table',
      c: 'column',
      d: 'type',
      n: 'constraint',
      F: 'walsender.c',
      L: '3098',
      R: 'WalSndSegmentOpen',
    };
    expect(new ServerError(new Map(Object.entries(fields)))).toMatchObject({
      code: 'ERR_SERVER',
      retry: 'fatal',
      message: 'weg',
      severity: 'ERROR',
      sqlState: '58P01',
      detail: 'detail',
      serverHint: 'hint',
      position: '7',
      where: 'where',
      schema: 'schema',
      table: 'table',
      column: 'column',
      dataType: 'type',
      constraint: 'constraint',
      file: 'walsender.c',
      line: '3098',
      routine: 'WalSndSegmentOpen',
    });
  });

  test('has one line however many the server wrote', () => {
    expect(new ServerError(new Map([['M', 'first\n  second\r\nthird']])).message).toBe('first second third');
  });

  test('does without fields that an old or odd server leaves out', () => {
    expect(new ServerError(new Map([['S', 'FATAL']]))).toMatchObject({ sqlState: 'XX000', severity: 'FATAL', isTerminal: true });
  });

  test.each([
    ['ERROR', false],
    ['FATAL', true],
    ['PANIC', true],
  ])('of severity %s ends the connection: %s', (severity, isTerminal) => {
    expect(new ServerError(new Map([['V', severity]])).isTerminal).toBe(isTerminal);
  });

  test.each([
    ...['53300', '57P03', '57P01', '57P02', '57014', '08006', '55006', '55000', 'XX000', '40001'].map((state) => [
      state,
      'retry',
    ]),
    ...['28P01', '28000', '42501', '42704', '42710', '42602', '53400', '58P01', '08P01', '0A000', '3D000', 'XX001', ''].map(
      (state) => [state, 'fatal'],
    ),
  ])('SQLSTATE %s: %s', (sqlState, advice) => {
    expect(retryAdviceOf(sqlState ?? '')).toBe(advice);
  });
});

describe('a server version', () => {
  test.each([
    ['18.4', 180_004],
    ['14.23 (Debian 14.23-1.pgdg12+1)', 140_023],
    ['19beta1', 190_000],
    ['20devel', 200_000],
    ['10', 100_000],
    ['9.6.24', 90_624],
    ['9.4', 90_400],
    ['', undefined],
    ['PostgreSQL 18', undefined],
  ])('"%s" is %s', (text, version) => {
    expect(parseServerVersion(text)).toBe(version);
  });

  test('has its major version in front', () => {
    expect(majorVersionOf(180_004)).toBe(18);
  });
});
