import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Positions } from '@walvault/receiver';
import { firstTimelineId, type Logger, parseLsn, parseWalSegmentSize, silentLogger, toTimelineId } from '@walvault/wal';
import { expect, test } from 'vitest';
import { type Configured, configured } from './configured.test-support.ts';
import { CoreError } from './errors.ts';
import { HoleRecord } from './holes.ts';
import { LiveServerConfig } from './live-server-config.ts';
import { readReceiverState, type ReceiverState } from './receiver-state.ts';
import { reportError, StatePublisher } from './state-publisher.ts';

const facts = {
  systemIdentifier: 2n ** 64n - 1n,
  serverVersion: 180_004,
  timelineId: firstTimelineId,
  walSegmentSize: parseWalSegmentSize('16MB'),
};

async function publisherIn(
  { home, pg }: Configured,
  path = join(home, 'receive-wal.json'),
  log: Logger = silentLogger,
  before?: ReceiverState,
): Promise<StatePublisher> {
  const holes = await HoleRecord.open(join(home, 'holes.json'));
  return new StatePublisher({ path, server: new LiveServerConfig(pg), holes, logFile: '/log', before, log });
}

function positionsAt(lsn: string): Positions {
  return new Positions({ timelineId: firstTimelineId, lsn: parseLsn(lsn) });
}

test('publishes how far the stream is, and how it ended', async () => {
  await using fixture = await configured();
  const path = join(fixture.home, 'receive-wal.json');
  {
    await using publisher = await publisherIn(fixture);
    publisher.starting();
    await expect.poll(() => readReceiverState(path)).toMatchObject({ phase: 'starting', writtenLsn: null, partialName: null });
    const positions = positionsAt('0/3000000');
    publisher.streaming(facts, positions);
    positions.heard(parseLsn('0/5000000'), Date.parse('2026-01-02T03:04:05Z'));
    positions.wroteTo(parseLsn('0/4000100'));
    positions.flushedTo(parseLsn('0/4000000'));
    publisher.segmentCompleted();
    publisher.flushed(1.5);
    publisher.flushed(2.5);
    await expect
      .poll(() => readReceiverState(path))
      .toMatchObject({
        phase: 'streaming',
        pid: process.pid,
        systemIdentifier: '18446744073709551615',
        startLsn: '0/3000000',
        writtenLsn: '0/4000100',
        flushedLsn: '0/4000000',
        serverLsn: '0/5000000',
        partialName: '000000010000000000000004.partial',
        receivedBytes: 0x1000100,
        lastMessageAt: '2026-01-02T03:04:05.000Z',
        caughtUpAt: null,
        segmentsCompleted: 1,
        flushLatency: { count: 2, p50Ms: 1.5, maxMs: expect.closeTo(2.5, 1) },
      });
    publisher.ended();
  }
  expect(await readReceiverState(path)).toMatchObject({ phase: 'stopped', lastError: null, nextAttemptAt: null });
});

test('what an earlier process made durable stays known until the next stream', async () => {
  await using fixture = await configured();
  const path = join(fixture.home, 'receive-wal.json');
  {
    await using publisher = await publisherIn(fixture);
    const positions = positionsAt('0/3000000');
    publisher.streaming(facts, positions);
    positions.heard(parseLsn('0/5000000'), Date.parse('2026-01-02T03:04:05Z'));
    positions.wroteTo(parseLsn('0/4000100'));
    positions.flushedTo(parseLsn('0/4000000'));
    publisher.ended();
  }
  await using publisher = await publisherIn(fixture, path, silentLogger, await readReceiverState(path));
  publisher.starting();
  await expect
    .poll(() => readReceiverState(path))
    .toMatchObject({
      phase: 'starting',
      timelineId: 1,
      startLsn: null,
      writtenLsn: '0/4000100',
      flushedLsn: '0/4000000',
      lastMessageAt: '2026-01-02T03:04:05.000Z',
      serverLsn: null,
      partialName: null,
      receivedBytes: 0,
    });
  publisher.streaming(facts, positionsAt('0/4000000'));
  await expect
    .poll(() => readReceiverState(path))
    .toMatchObject({ phase: 'streaming', writtenLsn: '0/4000000', lastMessageAt: null });
});

test('counts what was received over all streams of its life, and tells the last trouble until it is over', async () => {
  await using fixture = await configured();
  const path = join(fixture.home, 'receive-wal.json');
  {
    await using publisher = await publisherIn(fixture);
    const first = positionsAt('0/3000000');
    publisher.streaming(facts, first);
    first.wroteTo(parseLsn('0/3000500'));
    const next = new Date('2026-01-02T03:04:05Z');
    const error = new CoreError('ERR_SERVER_SHUT_DOWN', 'the server shut down', { hint: 'Wait.' });
    publisher.waitingFor({ error, attempts: 1, nextAttemptAt: next });
    await expect
      .poll(() => readReceiverState(path))
      .toMatchObject({
        phase: 'waiting',
        nextAttemptAt: next.toISOString(),
        failedAttempts: 1,
        troubleSince: expect.any(String),
        reconnects: 1,
        lastError: { code: 'ERR_SERVER_SHUT_DOWN', message: 'the server shut down', hint: 'Wait.' },
      });
    const second = positionsAt('0/3000000');
    publisher.starting();
    publisher.streaming(facts, second);
    second.wroteTo(parseLsn('0/3000600'));
    await expect
      .poll(() => readReceiverState(path))
      .toMatchObject({ phase: 'streaming', receivedBytes: 0xb00, nextAttemptAt: null, troubleSince: null });
    publisher.ended(new TypeError('x is undefined'));
  }
  expect(await readReceiverState(path)).toMatchObject({
    phase: 'failed',
    lastError: { code: 'ERR_UNEXPECTED', message: 'x is undefined' },
  });
});

test('writes nothing while nothing changes', async () => {
  await using fixture = await configured();
  const path = join(fixture.home, 'receive-wal.json');
  await using publisher = await publisherIn(fixture);
  publisher.starting();
  await expect.poll(() => readReceiverState(path)).toBeDefined();
  const before = await stat(path);
  await sleep(800); // three looks
  expect((await stat(path)).ino).toBe(before.ino);
});

test('a state that cannot be written is a warning, and never stands in the way of the WAL', async () => {
  await using fixture = await configured();
  await writeFile(join(fixture.home, 'file'), '');
  const warnings: string[] = [];
  const log: Logger = { ...silentLogger, warn: (_: object, message: string) => void warnings.push(message) };
  {
    await using publisher = await publisherIn(fixture, join(fixture.home, 'file/receive-wal.json'), log);
    publisher.starting();
    publisher.ended();
  }
  expect(warnings).toContain('could not publish the state');
});

test('an error is reported with its code and hint, and one of somebody else by its message', () => {
  expect(reportError(new CoreError('ERR_NOT_RUNNING', 'nobody', { hint: 'Start.' }))).toMatchObject({
    code: 'ERR_NOT_RUNNING',
    message: 'nobody',
    hint: 'Start.',
  });
  expect(reportError('text')).toMatchObject({ code: 'ERR_UNEXPECTED', message: 'text', hint: null });
});

test('tells since when something can be missing, over restarts, and not by a timeline that the server has left', async () => {
  await using fixture = await configured();
  const path = join(fixture.home, 'receive-wal.json');
  const catchUp = async (serverTimeline: number, at: string, before?: ReceiverState): Promise<ReceiverState | undefined> => {
    const holes = await HoleRecord.open(join(fixture.home, 'holes.json'));
    const server = new LiveServerConfig(fixture.pg);
    {
      await using publisher = new StatePublisher({ path, server, holes, logFile: undefined, before, log: silentLogger });
      const positions = positionsAt('0/3000000');
      publisher.streaming({ ...facts, timelineId: toTimelineId(serverTimeline) }, positions);
      positions.heard(parseLsn('0/3000000'), Date.parse(at));
    }
    return readReceiverState(path);
  };
  expect(await catchUp(2, '2026-01-01T00:00:00.000Z')).toMatchObject({ caughtUpAt: null });
  const state = await catchUp(1, '2026-01-02T00:00:00.000Z');
  expect(state).toMatchObject({ caughtUpAt: '2026-01-02T00:00:00.000Z' });
  expect(await catchUp(2, '2026-01-03T00:00:00.000Z', state)).toMatchObject({ caughtUpAt: '2026-01-02T00:00:00.000Z' });
});
