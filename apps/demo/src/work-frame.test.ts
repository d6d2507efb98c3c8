import type { ReceiverState } from '@walvault/core';
import { expect, test } from 'vitest';
import { workFrame } from './work-frame.ts';

const plain = (_style: unknown, text: string) => text;
const state = {
  writtenLsn: '0/3000100',
  flushedLsn: '0/3000000',
  serverLsn: '0/3000400',
  bytesPerSecond: 3 * 1024 * 1024,
  partialName: '000000010000000000000003.partial',
  flushLatency: { count: 9, p50Ms: 0.4, p99Ms: 1, maxMs: 2 },
} as ReceiverState;

test('shows what the clients know, what was received, what is on disk and how far that is behind the server', () => {
  const { block, line } = workFrame({ elapsedMs: 2000, totalMs: 8000, state, commits: 500, segments: 1 }, plain);
  expect(line).toBe(
    '     2.0 s  500 commits acknowledged (250/s)  received 0/3000100 (3.0 MiB/s)  on disk 0/3000000 (lag 1.0 KiB)  1 segment archived',
  );
  const text = block.join('\n');
  expect(text).toContain('━━━━━━────');
  for (const word of ['500 commits', '250/s', '0/3000100', '3.0 MiB/s', '0/3000000', 'lag 1.0 KiB', '1 segment ', '03.partial'])
    expect(text).toContain(word);
});

test('has something to show before the receiver has published anything', () => {
  const { line } = workFrame({ elapsedMs: 0, totalMs: 8000, state: undefined, commits: 0, segments: 0 }, plain);
  expect(line).toContain('0 commits acknowledged (0/s)  received - (0 B/s)  on disk - (lag 0 B)  0 segments archived');
});
