/** Files that a crash, a full disk or somebody has spoilt: trouble of their server, and of nobody and nothing else. */
import { mkdir, writeFile } from 'node:fs/promises';
import { parseLsn, toTimelineId } from '@walvault/wal';
import * as fc from 'fast-check';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { buildApp } from '../api/build-app.ts';
import { unreachable } from '../api/silent-app.test-support.ts';
import { History } from '../history/history.ts';
import { baselineOf } from '../history/event-baseline.ts';
import { eventsBetween } from '../history/events-between.ts';
import { sampleFigures } from '../history/sample-figures.ts';
import { serverMetrics } from '../metrics/metric-registry.ts';
import { viewServer } from '../metrics/server-metric.ts';
import { holeList } from '../schema/coverage.ts';
import { serverDetail } from '../schema/server-detail.ts';
import { serverList } from '../schema/server-summary.ts';
import { holesView } from '../views/hole-view.ts';
import { serverDetailView } from '../views/server-detail-view.ts';
import { Collector } from './collector.ts';
import { configured } from './configured.test-support.ts';
import { liveSample } from './live-sample.ts';
import type { ServerSnapshot } from './server-snapshot.ts';
import { publishedState } from './receiver-state.test-support.ts';

const quickly = { liveMs: 10, inspectionMs: 200, archiveMs: 200 };
const hole = {
  timelineId: 1,
  fromLsn: '0/1',
  toTimelineId: 1,
  toLsn: '0/2',
  reason: 'walRemoved',
  foundAt: '2026-01-02T03:04:05Z',
};
const duty = { phase: 'idle', since: '2026-01-02T03:04:05Z', restarts: 0, lastError: null, nextStartAt: null };
const runState = { version: 1, server: 'bad', pid: 1, startedAt: '2026-01-02T03:04:05Z', updatedAt: '2026-01-02T03:04:05Z' };

/** Beside each what it is about. */
const spoilt = {
  'receive-wal.json': [
    ['garbage', 'no JSON at all'],
    ['half of it', JSON.stringify(publishedState).slice(0, 700)],
    ['members are missing', '{"version":1,"phase":"streaming"}'],
    ['an LSN that is none', JSON.stringify({ ...publishedState, flushedLsn: '0/XYZ' })],
    ['a timeline that is none', JSON.stringify({ ...publishedState, timelineId: 0 })],
    ['counts that are none', JSON.stringify({ ...publishedState, flushLatency: { buckets: [null] } })],
  ],
  'holes.json': [
    ['garbage', '\0'],
    ['half of it', '{"version":1,"holes":[{"timelineId":'],
    ['an LSN that is none', JSON.stringify({ version: 1, holes: [{ ...hole, toLsn: 'here' }] })],
    ['a time that is none', JSON.stringify({ version: 1, holes: [{ ...hole, foundAt: 17 }] })],
  ],
  'run.json': [
    ['garbage', '[]'],
    ['half of it', JSON.stringify(runState).slice(0, 40)],
    ['a duty that is none', JSON.stringify({ ...runState, receiver: 'works', archiver: duty, deletion: duty, healing: duty })],
  ],
} as const;

async function twoServers() {
  const stack = new AsyncDisposableStack();
  const fixture = stack.use(await configured({ bad: unreachable, good: unreachable }));
  const collector = stack.use(new Collector(fixture.servers, quickly));
  const complaints: unknown[] = [];
  const history = stack.use(new History(':memory:', collector, (error) => complaints.push(error)));
  const app = await buildApp({ collector, history, log: pino({ level: 'silent' }), safety: { requestsPerMinute: 1_000_000 } });
  stack.defer(async () => app.close());
  await mkdir(fixture.path('bad'), { recursive: true });
  const write = async (file: string, text: string): Promise<void> => writeFile(fixture.path('bad', file), text);
  const spoil = async (file: string, text: string): Promise<void> => {
    await write(file, text);
    // The first look that ends after that may have begun before.
    for (let look = 0, since = Date.now(); look < 2; look += 1, since = collector.snapshot('bad')?.live?.at ?? 0)
      await expect.poll(() => collector.snapshot('bad')?.live?.at ?? 0, { interval: 5 }).toBeGreaterThan(since);
  };
  const ask = async (url: string) => app.inject(url);
  return { collector, complaints, write, spoil, ask, [Symbol.asyncDispose]: async () => stack.disposeAsync() };
}

test.for(Object.entries(spoilt))(
  '%s: what is wrong is named in the API and in a metric, and all are answered for',
  async ([file, texts]) => {
    await using all = await twoServers();
    await expect.poll(() => all.collector.snapshots.every(({ live, inspection }) => live && inspection)).toBe(true);
    for (const [what, text] of texts) {
      await all.spoil(file, text);
      const list = await all.ask('/api/v1/servers');
      expect(list.statusCode, what).toBe(200);
      const [bad, good] = serverList.parse(list.json()).servers;
      expect(bad?.unreadableFiles, what).toMatchObject([{ file, error: { message: expect.stringContaining(file) as string } }]);
      expect(good?.unreadableFiles, what).toEqual([]);
      const detail = await all.ask('/api/v1/servers/bad');
      expect(serverDetail.parse(detail.json()).summary.name).toBe('bad');
      const { statusCode, body } = await all.ask('/metrics');
      expect(statusCode, what).toBe(200);
      expect(body).toContain(`walvault_state_file_readable{server="bad",file="${file}"} 0`);
      expect(body).toContain(`walvault_state_file_readable{server="good",file="${file}"} 1`);
    }
    expect(all.complaints).toEqual([]);
  },
);

test('a receiver of which nothing can be read is not said to have never run, nor to stream', async () => {
  await using all = await twoServers();
  await all.spoil('receive-wal.json', '{"version":1,');
  await expect.poll(() => all.collector.snapshot('bad')?.inspection).toBeDefined();
  const [bad] = serverList.parse((await all.ask('/api/v1/servers')).json()).servers;
  expect(bad).toMatchObject({ phase: 'unknown', verdict: 'danger', error: { code: 'ERR_RECEIVER_STATE' } });
});

test('whatever stands in the place of any member, there is a view of it', async () => {
  await using all = await twoServers();
  await expect.poll(() => all.collector.snapshot('bad')?.inspection?.value.facts).toBeDefined();
  const snapshot = withAnswerOfServer(all.collector.snapshot('bad')!);
  const odd = fc.constantFrom('', '0/0', 'FFFFFFFF/FFFFFFFF', '2026', -1, 1e300, 2 ** 32, [], {}, [null], { reason: 1 });
  const change = fc.tuple(fc.constantFrom(...Object.keys(publishedState)), fc.oneof(odd, fc.jsonValue()));
  const look = async ([name, value]: readonly [string, unknown]): Promise<void> => {
    await all.write('receive-wal.json', JSON.stringify({ ...publishedState, pid: process.pid, [name]: value }));
    const live = { at: Date.now(), value: await liveSample(snapshot.server) };
    // One that runs, and one that does not.
    for (const pid of [undefined, process.pid]) {
      const receiver = { ...live.value.receiver, pid };
      const seen: ServerSnapshot = { ...snapshot, live: { ...live, value: { ...live.value, receiver } } };
      const nowMs = Date.now();
      expect(serverDetail.safeParse(serverDetailView(seen, nowMs)).error).toBeUndefined();
      expect(holeList.safeParse(holesView(seen, nowMs)).error).toBeUndefined();
      const metrics = Object.values(serverMetrics).flat();
      for (const { value: read } of metrics.flatMap((metric) => metric.read(viewServer(seen, nowMs)))) expect(read).not.toBeNaN();
      sampleFigures(seen, nowMs);
      eventsBetween(baselineOf(seen, {}), baselineOf(seen, baselineOf(snapshot, {})), nowMs);
    }
  };
  await fc.assert(fc.asyncProperty(change, look), { numRuns: 100 });
});

/** As if the server had answered, so that what the receiver says is compared with it. */
function withAnswerOfServer(snapshot: ServerSnapshot): ServerSnapshot {
  const { at, value } = snapshot.inspection!;
  const facts = value.facts!;
  const streaming = {
    version: '18.4',
    versionNumber: 180_004,
    systemIdentifier: BigInt(publishedState.systemIdentifier!),
    timelineId: toTimelineId(1),
    flushLsn: parseLsn('0/3000200'),
    isInRecovery: false,
    slot: undefined,
  };
  const observation = { ...facts.observation, streaming };
  return { ...snapshot, inspection: { at, value: { ...value, facts: { ...facts, observation } } } };
}
