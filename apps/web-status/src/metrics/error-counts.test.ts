import { mkdir, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { Collector } from '../collector/collector.ts';
import { configured } from '../collector/configured.test-support.ts';
import { publishedState } from '../collector/receiver-state.test-support.ts';
import { unreachable } from '../api/silent-app.test-support.ts';
import { ErrorCounts } from './error-counts.ts';

test('an error counts once, and what is no code, or one too many, is counted as other', async () => {
  await using fixture = await configured({ pg: unreachable });
  await mkdir(fixture.path('pg'), { recursive: true });
  let second = 0;
  const publish = async (code: string): Promise<void> => {
    second += 1;
    const at = new Date(second * 1000).toISOString();
    const state = { ...publishedState, phase: 'waiting', lastError: { code, message: 'm', hint: null, at } };
    await writeFile(fixture.path('pg', 'receive-wal.json'), JSON.stringify(state));
  };
  await publish('ERR_OLD');
  using collector = new Collector(fixture.servers, { liveMs: 5, inspectionMs: 60_000, archiveMs: 60_000 });
  using counts = new ErrorCounts(collector);
  const seen = () => collector.snapshot('pg')?.live?.value.receiver.state?.lastError?.at;
  const show = async (code: string): Promise<void> => {
    await publish(code);
    await expect.poll(seen, { interval: 5 }).toBe(new Date(second * 1000).toISOString());
  };
  await expect.poll(seen, { interval: 5 }).toBeDefined();
  expect([...counts.of('pg')]).toEqual([]);
  await show('ERR_CONNECTION_LOST');
  await show('ERR_CONNECTION_LOST');
  await show('password=s3cret');
  expect([...counts.of('pg')]).toEqual([
    ['ERR_CONNECTION_LOST', 2],
    ['other', 1],
  ]);
  for (let number = 0; number < 60; number += 1) await show(`ERR_${number}`);
  expect(counts.of('pg').size).toBe(50);
  expect(counts.of('pg').get('other')).toBe(13);
  collector.configure([]);
  expect(counts.of('pg').size).toBe(0);
});
