import { mkdir, writeFile } from 'node:fs/promises';
import { toTimelineId, parseLsn } from '@walvault/wal';
import { expect, test } from 'vitest';
import { type Configured, configured } from './configured.test-support.ts';
import { observeFiles } from './observing/observe-files.ts';
import type { ServerObservation, StreamingFacts } from './observing/server-observation.ts';
import type { ReportedError } from './receiver-state.ts';
import { type Rpo, rpo } from './rpo.ts';
import { statePath } from './server-paths.ts';

const down: ReportedError = { code: 'ERR_CONNECT', message: 'connection refused', hint: null, at: '' };

function serverAt(lsn: string, timeline = 1): ServerObservation {
  const streaming = {
    version: '18.4',
    versionNumber: 180_004,
    systemIdentifier: 1n,
    timelineId: toTimelineId(timeline),
    flushLsn: parseLsn(lsn),
    isInRecovery: false,
    slot: undefined,
  };
  return { streaming, sql: down };
}

async function rpoOf({ pg }: Configured, published: object | undefined, observation: ServerObservation): Promise<Rpo> {
  await mkdir(pg.directories.backup, { recursive: true });
  const state = { version: 1, phase: 'streaming', timelineId: 1, caughtUpAt: null, ...published };
  if (published !== undefined) await writeFile(statePath(pg), JSON.stringify(state));
  return rpo(pg, { observation, files: await observeFiles(pg) });
}

const aMinuteAgo = new Date(Date.now() - 60_000).toISOString();

test('nothing is missing when all that the server has is durable here', async () => {
  await using fixture = await configured();
  const { durable } = await rpoOf(fixture, { flushedLsn: '0/3000100' }, serverAt('0/3000100'));
  expect(durable).toEqual({ bytes: 0, seconds: 0, since: undefined, reason: undefined });
});

test('what is missing is as old as the moment when nothing was, at most', async () => {
  await using fixture = await configured();
  const { durable } = await rpoOf(fixture, { flushedLsn: '0/3000100', caughtUpAt: aMinuteAgo }, serverAt('0/3000180'));
  expect(durable).toMatchObject({ bytes: 0x80, since: aMinuteAgo, reason: undefined });
  expect(durable.seconds).toBeGreaterThanOrEqual(60);
  expect(durable.seconds).toBeLessThan(120);
});

test('what was received of another cluster says nothing of this one, however far it goes', async () => {
  await using fixture = await configured();
  const published = { flushedLsn: '0/3000100', systemIdentifier: '2', walSegmentSize: 16_777_216, caughtUpAt: aMinuteAgo };
  const { backup, streaming, wals } = fixture.pg.directories;
  await Promise.all([streaming, wals].map((directory) => mkdir(directory, { recursive: true })));
  await writeFile(`${backup}/identity.json`, '{"systemid": "2", "version": "18"}');
  await writeFile(`${streaming}/000000010000000000000003.partial`, '');
  const { lag, durable, archived } = await rpoOf(fixture, published, serverAt('0/1000100'));
  const unknown = { bytes: undefined, reason: 'the server is of cluster 1, and what is here is of cluster 2' };
  expect([lag, durable, archived]).toMatchObject([unknown, unknown, unknown]);
});

test.each<[string, object | undefined, ServerObservation, object]>([
  [
    'nothing was ever received',
    undefined,
    serverAt('0/3000100'),
    { bytes: undefined, seconds: undefined, reason: 'nothing was received by streaming yet' },
  ],
  [
    'the server cannot be asked and was never caught up with',
    { flushedLsn: '0/3000100' },
    { streaming: down, sql: down },
    { bytes: undefined, seconds: undefined, reason: 'the server cannot be asked' },
  ],
  [
    'the server went on on another timeline, though its position is not ahead',
    { flushedLsn: '0/3000100' },
    serverAt('0/3000100', 2),
    { bytes: undefined, seconds: undefined, reason: 'the server is on timeline 2, and what is here is of timeline 1' },
  ],
  [
    'it was never caught up with',
    { flushedLsn: '0/3000100' },
    serverAt('0/3000180'),
    { bytes: 0x80, seconds: undefined, reason: 'the server was never caught up with' },
  ],
])('what is not known has a reason and is never 0: %s', async (_name, published, observation, expected) => {
  await using fixture = await configured();
  expect((await rpoOf(fixture, published, observation)).durable).toMatchObject(expected);
});

test('a server that is gone leaves an age and no amount', async () => {
  await using fixture = await configured();
  const state = { flushedLsn: '0/3000100', caughtUpAt: aMinuteAgo };
  const { durable, archived } = await rpoOf(fixture, state, { streaming: down, sql: down });
  expect(durable).toMatchObject({ bytes: undefined, since: aMinuteAgo, seconds: expect.any(Number) });
  expect(archived).toMatchObject({ bytes: undefined, seconds: undefined, reason: 'nothing is archived yet' });
});

test('having all of a standby is not having all of its primary', async () => {
  await using fixture = await configured();
  const { streaming } = serverAt('0/3000100') as { streaming: StreamingFacts };
  const standby = { streaming: { ...streaming, isInRecovery: true }, sql: down };
  const { lag, durable } = await rpoOf(fixture, { flushedLsn: '0/3000100', caughtUpAt: aMinuteAgo }, standby);
  expect(lag).toMatchObject({ bytes: 0, seconds: 0 });
  const reason = 'WAL comes from a standby; set primary_conninfo to know what its primary has';
  expect(durable).toEqual({ bytes: undefined, seconds: undefined, since: undefined, reason });
});
