import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { EventStreamReader } from './event-stream.ts';

const line = fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll(/[\r\n]/g, ' '));

test('events are the same wherever the network cuts the stream', () => {
  const events = fc.array(fc.record({ name: fc.constantFrom('server', 'servers', 'heartbeat'), data: line }));
  fc.assert(
    fc.property(events, fc.array(fc.nat()), (sent, cuts) => {
      const text = sent.map(({ name, data }, index) => `event: ${name}\nid: ${index}\ndata: ${data}\n\n`).join('');
      const places = cuts.map((cut) => cut % (text.length + 1)).toSorted((a, b) => a - b);
      const parts = [0, ...places].map((from, index) => text.slice(from, places[index] ?? text.length));
      const reader = new EventStreamReader();
      expect(parts.flatMap((part) => reader.read(part))).toEqual(sent);
    }),
  );
});

test('what is no event is left out: retry, comments, and what has no end yet', () => {
  const reader = new EventStreamReader();
  expect(reader.read('retry: 2000\n\n: hello\n\nevent: server\r\ndata: 1\r\n\r\nevent: server\ndata: 2\n')).toEqual([
    { name: 'server', data: '1' },
  ]);
  expect(reader.read('\n')).toEqual([{ name: 'server', data: '2' }]);
});
