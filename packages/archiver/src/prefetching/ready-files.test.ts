import { rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory } from '@walvault/testkit';
import { expect, test } from 'vitest';
import { segmentName } from '../../testing.ts';
import { ReadyFiles } from './ready-files.ts';
import { Spool } from './spool.ts';

const [one, two] = [segmentName(1, 1), segmentName(1, 2)];

test('what is put there while somebody looks what was taken is not taken; what was taken is told once', async () => {
  await using home = await temporaryDirectory('ready');
  await using ready = await ReadyFiles.publish(await Spool.open(join(home.path, 'spools', 'key')));
  const source = { path: home.path, stats: await stat(home.path, { bigint: true }) };
  await writeFile(ready.pathOf(one), '');
  ready.add(one, source);
  const taken = ready.taken();
  ready.add(two, source);
  expect(await taken).toEqual([]);
  await writeFile(ready.pathOf(two), '');
  expect(await ready.taken()).toEqual([]);
  expect([ready.has(one), ready.has(two)]).toEqual([true, true]);
  await rm(ready.pathOf(one));
  expect(await ready.taken()).toEqual([one]);
  expect(await ready.taken()).toEqual([]);
});
