import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseLsn, toTimelineId } from '@walvault/wal';
import { expect, test } from 'vitest';
import { configured } from './configured.test-support.ts';
import { HoleRecord, markHealed, readHoles, type WalPosition } from './holes.ts';

function at(lsn: string, timelineId = 1): WalPosition {
  return { timelineId: toTimelineId(timelineId), lsn: parseLsn(lsn) };
}

test('a hole is on record, survives, and is closed by the stream that goes on behind it', async () => {
  await using fixture = await configured();
  const path = join(fixture.home, 'holes.json');
  expect(await readHoles(path)).toEqual([]);
  await (await HoleRecord.open(path)).found({ from: at('0/3000100'), to: at('0/5000000', 2), reason: 'slotLost' });
  const record = await HoleRecord.open(path);
  expect(record.open).toMatchObject({
    timelineId: 1,
    fromLsn: '0/3000100',
    toTimelineId: 2,
    toLsn: '0/5000000',
    reason: 'slotLost',
    resolvedBy: null,
    resolvedAt: null,
  });
  await record.startedAt(at('0/6000000', 2));
  expect(record.open).toBeUndefined();
  expect(await readHoles(path)).toMatchObject([{ fromLsn: '0/3000100', toLsn: '0/6000000', resolvedBy: 'continued' }]);
});

test('a stream that begins at the hole closes it: the WAL is back', async () => {
  await using fixture = await configured();
  const record = await HoleRecord.open(join(fixture.home, 'holes.json'));
  await record.startedAt(at('0/1'));
  await record.found({ from: at('0/3000100'), to: undefined, reason: 'walRemoved' });
  await record.startedAt(at('0/3000000'));
  expect(record.holes).toMatchObject([{ toLsn: null, resolvedBy: 'filled', resolvedAt: expect.any(String) }]);
});

test('one hole is one entry, however often it is found, also by a process that ended before it was past it', async () => {
  await using fixture = await configured();
  const path = join(fixture.home, 'holes.json');
  const record = await HoleRecord.open(path);
  const first = await record.found({ from: at('0/3000000'), to: at('0/5000000'), reason: 'slotLost' });
  const again = await record.found({ from: at('0/3000000'), to: at('0/7000000'), reason: 'walRemoved' });
  expect(again).toEqual({ ...first, toLsn: '0/7000000' });
  await record.startedAt(at('0/7000000'));
  const next = await HoleRecord.open(path);
  await next.found({ from: at('0/3000000'), to: at('0/8000000'), reason: 'walRemoved' });
  expect(next.holes).toMatchObject([{ fromLsn: '0/3000000', toLsn: '0/8000000', resolvedBy: null }]);
  await next.startedAt(at('0/8000000'));
  await next.found({ from: at('0/9000000'), to: undefined, reason: 'walRemoved' });
  expect(next.holes.map((hole) => hole.fromLsn)).toEqual(['0/3000000', '0/9000000']);
});

test('a hole that streaming has passed can be healed, and the receiver that has it in mind keeps it so', async () => {
  await using fixture = await configured();
  const path = join(fixture.home, 'holes.json');
  expect(await markHealed(path, () => true)).toEqual([]);
  const record = await HoleRecord.open(path);
  await record.found({ from: at('0/3000000'), to: undefined, reason: 'walRemoved' });
  expect(await markHealed(path, () => true)).toEqual([]);
  await record.startedAt(at('0/5000000'));
  const asked: WalPosition[] = [];
  expect(await markHealed(path, (from, to) => asked.push(from, to) === 0)).toEqual([]);
  expect(asked).toEqual([at('0/3000000'), at('0/5000000')]);
  expect(await markHealed(path, () => true)).toMatchObject([{ fromLsn: '0/3000000', resolvedBy: 'continued' }]);
  await record.found({ from: at('0/9000000'), to: undefined, reason: 'slotLost' });
  expect(record.holes).toMatchObject([
    { fromLsn: '0/3000000', resolvedBy: 'healed' },
    { fromLsn: '0/9000000', resolvedBy: null },
  ]);
  expect(await readHoles(path)).toEqual(record.holes);
  expect(await markHealed(path, () => true)).toEqual([]);
});

test('a hole is announced once', async () => {
  await using fixture = await configured();
  const record = await HoleRecord.open(join(fixture.home, 'holes.json'));
  const hole = await record.found({ from: at('0/3000000'), to: undefined, reason: 'walRemoved' });
  expect([record.announces(hole), record.announces(hole)]).toEqual([true, false]);
});

test.each(['', '{', '[]', '{"version":2,"holes":[]}', '{"version":1}', '{"version":1,"holes":[{"timelineId":0}]}'])(
  'something else than a record is not taken for an empty one, nor written over: %s',
  async (text) => {
    await using fixture = await configured();
    const path = join(fixture.home, 'holes.json');
    await writeFile(path, text);
    await expect(HoleRecord.open(path)).rejects.toMatchObject({ code: 'ERR_HOLES_FILE', message: expect.stringContaining(path) });
    expect(await readFile(path, 'utf8')).toBe(text);
  },
);
