import { Writable } from 'node:stream';
import { expect, onTestFinished, test, vi } from 'vitest';
import { unreachable } from '../api/silent-app.test-support.ts';
import { Collector } from '../collector/collector.ts';
import { configured } from '../collector/configured.test-support.ts';
import { LiveStream } from './live-stream.ts';

test('a verdict that nothing but time has changed is told, too', async () => {
  await using fixture = await configured({ pg: unreachable });
  // Looks once: as when the files of a server lie on a disk that has stopped to answer.
  const never = 3_600_000;
  using collector = new Collector(fixture.servers, { liveMs: never, inspectionMs: never, archiveMs: never });
  await expect.poll(() => collector.snapshot('pg')?.archive).toBeDefined();
  using live = new LiveStream(collector);
  const heard: string[] = [];
  live.add(
    new Writable({
      write: (chunk: Buffer, _, done) => {
        heard.push(chunk.toString());
        done();
      },
    }),
  );
  await expect.poll(() => heard.join('')).toContain('"verdict":"danger"');
  onTestFinished(() => void vi.useRealTimers());
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 20_000 });
  await expect
    .poll(() => heard.join(''))
    .toMatch(/"verdict":"unknown","reason":"the state of the receiver was read \d+ seconds ago/);
});

test('who takes nothing more is not written to, and gets everything anew when it does', async () => {
  await using fixture = await configured({ pg: unreachable });
  using collector = new Collector(fixture.servers, { liveMs: 20, inspectionMs: 100, archiveMs: 100 });
  using live = new LiveStream(collector);
  const taken: string[] = [];
  let takeMore: (() => void) | undefined;
  const slow = new Writable({
    highWaterMark: 1,
    write: (chunk: Buffer, _, done) => {
      taken.push(chunk.toString());
      takeMore = done;
    },
  });
  const quick: string[] = [];
  // Whatever it gets is more than it holds, and is taken at once.
  const narrow: string[] = [];
  live.add(
    new Writable({
      highWaterMark: 1,
      write: (chunk: Buffer, _, done) => {
        narrow.push(chunk.toString());
        setImmediate(done);
      },
    }),
  );
  live.add(slow);
  live.add(
    new Writable({
      write: (chunk: Buffer, _, done) => {
        quick.push(chunk.toString());
        done();
      },
    }),
  );
  expect(live.size).toBe(3);
  await expect.poll(() => quick.join('')).toContain('"verdict":"danger"');
  await expect.poll(() => quick.join('')).toContain('event: heartbeat');
  // It has missed something when it was full for a moment, which is at the start alone; else it gets what all get.
  expect(narrow.join('').match(/^event: servers$/gm)?.length).toBeLessThan(6);
  await expect.poll(() => narrow.join('')).toContain('event: heartbeat');
  expect(taken).toHaveLength(1);
  expect(slow.writableLength).toBe(Buffer.byteLength(taken[0] ?? ''));
  takeMore?.();
  await expect.poll(() => taken.length).toBe(2);
  expect(taken[1]).toMatch(/^event: servers\nid: \d+\ndata: .*"verdict":"danger".*\n\n$/);
  slow.destroy();
  await expect.poll(() => live.size).toBe(2);
});
