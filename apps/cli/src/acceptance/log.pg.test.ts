/** The log of a receiver: rotated by somebody else, of the level that was asked for, with the codes of errors. */
import { existsSync, readFileSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Cluster, fillSegments, startCluster } from '@walvault/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sectionFor, Vault } from './vault.test-support.ts';

const stack = new AsyncDisposableStack();
let pg: Cluster;
let vault: Vault;

beforeAll(async () => {
  pg = stack.use(await startCluster({ segmentSizeMb: 1 }));
  vault = stack.use(await Vault.create({ pg: sectionFor(pg) }));
});

afterAll(() => stack[Symbol.asyncDispose]());

interface Line {
  readonly level: number;
  readonly msg: string;
  readonly code?: string;
  readonly segment?: string;
}

function linesOf(path: string): readonly Line[] {
  if (!existsSync(path)) return [];
  const text = readFileSync(path, 'utf8').trim();
  return text === '' ? [] : text.split('\n').map((line) => JSON.parse(line) as Line);
}

/** Waits until the log tells of a segment. */
async function finished(path: string, segment: string): Promise<void> {
  for (const deadline = performance.now() + 20_000; performance.now() < deadline; await sleep(20))
    if (linesOf(path).some((line) => line.segment === segment)) return;
  throw new Error(`${path} does not tell of ${segment}`);
}

test('a log that is renamed goes on under its name by itself; no line is lost, and none is written twice', async () => {
  await vault.startReceiving();
  const path = vault.path('receive-wal.log');
  const [first = ''] = await fillSegments(pg, 1);
  await finished(path, first);
  await rename(path, `${path}.1`);
  const [second = ''] = await fillSegments(pg, 1);
  await finished(path, second);
  expect(linesOf(`${path}.1`).map((line) => line.segment)).toContain(first);
  expect(linesOf(`${path}.1`).map((line) => line.segment)).not.toContain(second);
  expect(linesOf(path).map((line) => line.segment)).not.toContain(first);
  await vault.stopReceiver(pg);
});

test('--log-level reaches a receiver in the background, whatever log_level says', async () => {
  const path = vault.path('receive-wal.log');
  const before = linesOf(path).length;
  await vault.succeed('--log-level', 'error', 'receive-wal', '--wait', 'pg');
  const [segment = ''] = await fillSegments(pg, 1);
  await pg.waitFor(`select flush_lsn >= pg_current_wal_lsn() from pg_stat_replication`);
  await vault.stopReceiver(pg);
  expect(vault.segments().has(segment)).toBe(true);
  expect(linesOf(path).slice(before)).toEqual([]);
});

test('an error is logged with its code, and told with it', async () => {
  await vault.succeed('receive-wal', '--drop-slot', 'pg');
  const { code, stderr } = await vault.run('receive-wal', '--foreground', 'pg');
  expect(code).toBe(1);
  const line = stderr.split('\n').find((text) => text.startsWith('{') && text.includes('ArchiverFailure')) ?? '';
  expect(JSON.parse(line)).toMatchObject({ level: 50, code: 'ERR_SLOT_UNUSABLE', hint: expect.any(String) });
  const background = await vault.run('-f', 'json', 'receive-wal', 'pg');
  expect(JSON.parse(background.stdout)).toMatchObject({ _ERROR_CODE: ['ERR_SLOT_UNUSABLE'] });
  const debug = await vault.run('-d', 'receive-wal', 'pg');
  expect(debug.stderr).toContain('HINT: walvault explain ERR_SLOT_UNUSABLE\n');
});
