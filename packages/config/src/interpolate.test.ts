import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { interpolate } from './interpolate.ts';

const known: Readonly<Record<string, string>> = { home: '/srv', name: 'pg', odd: '%(home)s%%' };

function lookup(name: string) {
  const text = known[name];
  return text === undefined ? { problem: `no ${name}` } : { text };
}

test.each([
  ['', ''],
  ['plain', 'plain'],
  ['%(home)s/%(name)s', '/srv/pg'],
  ['%(HOME)s', '/srv'],
  ['100%%', '100%'],
  ['%%(home)s', '%(home)s'],
  ['%%%(name)s%%', '%pg%'],
  ['%(odd)s', '%(home)s%%'],
])('%j becomes %j', (text, expected) => {
  expect(interpolate(text, lookup)).toEqual({ text: expected });
});

test.each(['%', '50%', '%d', '%(home)', '%(home)d', '%()s', '%(home', '% %'])('%j is a mistake', (text) => {
  expect(interpolate(text, lookup).problem).toBe('holds a "%" that is neither "%%" nor "%(option)s"');
});

test('gives the first problem of a lookup', () => {
  expect(interpolate('%(home)s %(nothing)s %(neither)s', lookup)).toEqual({ problem: 'no nothing' });
});

test('any text survives when its percent signs are doubled', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('%', '(', ')', 's', 'a') }), (text) => {
      expect(interpolate(text.replaceAll('%', '%%'), lookup)).toEqual({ text });
    }),
  );
});
