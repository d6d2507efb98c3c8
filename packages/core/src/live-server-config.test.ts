import { expect, test } from 'vitest';
import { configured } from './configured.test-support.ts';
import { LiveServerConfig } from './live-server-config.ts';

test('nothing is different, nothing happens', async () => {
  await using fixture = await configured();
  const live = new LiveServerConfig(fixture.pg);
  const { streamEnd, change } = live;
  expect(live.apply({ ...fixture.pg })).toEqual({ atOnce: [], newStream: [], restart: [] });
  expect([streamEnd.aborted, change.aborted]).toEqual([false, false]);
});

test('what is only looked up counts at once and wakes up who waits, but leaves the stream alone', async () => {
  await using fixture = await configured();
  const live = new LiveServerConfig(fixture.pg);
  const { streamEnd, change } = live;
  expect(live.apply({ ...fixture.pg, gapPolicy: 'continue', createSlot: 'auto' })).toEqual({
    atOnce: ['gap_policy', 'create_slot'],
    newStream: [],
    restart: [],
  });
  expect([streamEnd.aborted, change.aborted, live.change.aborted]).toEqual([false, true, false]);
  expect(live.current).toMatchObject({ gapPolicy: 'continue', createSlot: 'auto' });
});

test('what a stream is made with needs a new one', async () => {
  await using fixture = await configured();
  const live = new LiveServerConfig(fixture.pg);
  const { streamEnd, change } = live;
  const next = { ...fixture.pg, slotName: 'other', flush: 'segment', streamingArchiverName: 'x', statusIntervalMs: 1 } as const;
  expect(live.apply(next).newStream).toEqual(['streaming_archiver_name', 'slot_name', 'flush', 'status_interval']);
  expect([streamEnd.aborted, change.aborted, live.streamEnd.aborted]).toEqual([true, true, false]);
  expect(live.apply({ ...next, walStreamingConninfo: 'host=elsewhere' }).newStream).toEqual(['streaming_conninfo']);
});

test('directories stay as they are', async () => {
  await using fixture = await configured();
  const live = new LiveServerConfig(fixture.pg);
  const directories = { ...fixture.pg.directories, streaming: '/elsewhere' };
  expect(live.apply({ ...fixture.pg, directories, logFile: '/log' })).toEqual({
    atOnce: [],
    newStream: [],
    restart: ['streaming_wals_directory', 'log_file'],
  });
  expect(live.current.directories).toEqual(fixture.pg.directories);
});
