import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { configured } from './configured.test-support.ts';
import { readReceiverState, readWholeReceiverState, type ReceiverState, writeReceiverState } from './receiver-state.ts';
import { statePath } from './server-paths.ts';

const state: ReceiverState = {
  version: 1,
  server: 'pg',
  pid: 4711,
  phase: 'waiting',
  phaseSince: '2026-01-02T03:04:05.006Z',
  startedAt: '2026-01-02T03:04:05.006Z',
  updatedAt: '2026-01-02T03:04:06.007Z',
  systemIdentifier: '18446744073709551615',
  serverVersion: 180_004,
  walSegmentSize: 16_777_216,
  slotName: null,
  syncState: 'quorum',
  timelineId: 4_294_967_295,
  startLsn: '0/3000000',
  writtenLsn: 'FFFFFFFF/FFFFFFFF',
  verifiedLsn: '0/3000200',
  flushedLsn: '0/3000148',
  acknowledgedLsn: '0/3000148',
  serverLsn: null,
  partialName: '000000010000000000000003.partial',
  receivedBytes: 9_007_199_254_740_991,
  bytesPerSecond: 0,
  lastMessageAt: null,
  caughtUpAt: null,
  segmentsCompleted: 12,
  reconnects: 3,
  flushLatency: { count: 2, sumMs: 12.9, p50Ms: 0.4, p99Ms: 12.5, maxMs: 12.5, buckets: [{ upToMs: 1, count: 1 }] },
  lastError: { code: 'ERR_CONNECT', message: 'a "quoted" word\nand a line', hint: null, at: '2026-01-02T03:04:06.007Z' },
  troubleSince: '2026-01-02T03:04:05.006Z',
  failedAttempts: 1,
  nextAttemptAt: '2026-01-02T03:04:07.000Z',
  gapPolicy: 'stop',
  slotSafety: { level: 'warning', retainedBytes: 52_428_800, safeBytes: null, reason: 'keeps 50MB of WAL' },
  holes: [],
  blockingHole: null,
  divergence: { timelineId: 1, fromLsn: '0/3000148', toLsn: '0/5000000' },
  logFile: null,
};

test('what was published is what is read', async () => {
  await using fixture = await configured();
  const path = join(fixture.home, 'receive-wal.json');
  await writeReceiverState(path, state);
  expect(await readReceiverState(path)).toEqual(state);
});

test('nothing is known where nothing was published, or something else stands there', async () => {
  await using fixture = await configured();
  const path = statePath(fixture.pg);
  expect(await readReceiverState(path)).toBeUndefined();
  await mkdir(dirname(path));
  for (const text of ['', '{', 'null', '[]', '{"version":2,"phase":"streaming"}', '{"version":1}']) {
    await writeFile(path, text);
    expect(await readReceiverState(path), text).toBeUndefined();
  }
});

test('a state of which a member is not what it should be is none, and whoever needs all members is told which', async () => {
  await using fixture = await configured();
  const path = statePath(fixture.pg);
  await mkdir(dirname(path));
  const { flushLatency: _, logFile: __, ...lacking } = state;
  for (const [text, fault] of [
    [JSON.stringify({ ...state, flushedLsn: '0/XYZ' }), 'its "flushedLsn" is not what it should be'],
    [JSON.stringify({ ...state, holes: [{ fromLsn: '0/1' }] }), 'its "holes" is not what it should be'],
    [JSON.stringify(state).slice(0, 200), 'it is no JSON, or only a part of it'],
    ['', 'it is empty'],
    ['[]', 'it is no object'],
  ] as const) {
    await writeFile(path, text);
    expect(await readReceiverState(path), text).toBeUndefined();
    const message = `"${path}" does not hold the state of a receiver: ${fault}`;
    await expect(readWholeReceiverState(path)).rejects.toMatchObject({ code: 'ERR_RECEIVER_STATE', message });
  }
  await writeFile(path, JSON.stringify(lacking));
  expect(await readReceiverState(path)).toEqual({ ...lacking, logFile: null });
  await expect(readWholeReceiverState(path)).rejects.toThrow('its "flushLatency" is missing');
  await writeFile(path, JSON.stringify({ ...lacking, flushLatency: state.flushLatency, later: 17 }));
  expect(await readWholeReceiverState(path)).toEqual({ ...state, logFile: null, later: 17 });
});

test('a state that cannot be read is an error and not nothing', async () => {
  await using fixture = await configured();
  await expect(readReceiverState(fixture.home)).rejects.toMatchObject({ code: 'ERR_FILE_SYSTEM', path: fixture.home });
});

test('a reader never sees half a state, and no temporary file stays', async () => {
  await using fixture = await configured();
  const path = join(fixture.home, 'receive-wal.json');
  await writeReceiverState(path, { ...state, segmentsCompleted: 0 });
  const written = new AbortController();
  const seen: number[] = [];
  const reader = (async () => {
    while (!written.signal.aborted) seen.push((await readReceiverState(path))?.segmentsCompleted ?? Number.NaN);
  })();
  for (let count = 1; count <= 300; count += 1) {
    // Of very different lengths, so that a mixture would not parse.
    await writeReceiverState(path, { ...state, segmentsCompleted: count, logFile: 'x'.repeat((count % 7) * 5000) });
  }
  written.abort();
  await reader;
  expect(seen.length).toBeGreaterThan(10);
  expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  expect((await readdir(fixture.home)).toSorted()).toEqual(['receive-wal.json', 'walvault.conf']);
});
