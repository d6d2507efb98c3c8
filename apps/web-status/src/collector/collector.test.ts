import { type AddressInfo, createServer, type Socket } from 'node:net';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { unreachable } from '../api/silent-app.test-support.ts';
import { Collector } from './collector.ts';
import { configured } from './configured.test-support.ts';
import type { ServerSnapshot } from './server-snapshot.ts';
import { summarize } from './summarize.ts';
import { judge } from './verdict.ts';

const quickly = { liveMs: 20, inspectionMs: 100, archiveMs: 100 };

function whole(snapshot: ServerSnapshot | undefined): boolean {
  return snapshot?.live !== undefined && snapshot.inspection !== undefined && snapshot.archive !== undefined;
}

test('what was looked at long ago counts for nothing, and nobody is told that all is well by it', async () => {
  await using fixture = await configured({ pg: { ...unreachable, active: 'true' } });
  using collector = new Collector(fixture.servers, quickly);
  await expect.poll(() => whole(collector.snapshot('pg'))).toBe(true);
  const snapshot = collector.snapshot('pg')!;
  expect(judge(snapshot, Date.now()).verdict).toBe('danger');
  expect(judge(snapshot, Date.now() + 20_000)).toEqual({
    verdict: 'unknown',
    reason: expect.stringMatching(/^the state of the receiver was read 20 seconds ago/) as string,
  });
  const freshLive = { ...snapshot, live: { ...snapshot.live!, at: Date.now() + 100_000 } };
  expect(judge(freshLive, Date.now() + 100_000)).toMatchObject({
    verdict: 'unknown',
    reason: expect.stringContaining('was checked') as string,
  });
  expect(Object.isFrozen(snapshot)).toBe(true);
});

test('servers that accept and never answer do not keep the others waiting', async () => {
  const sockets = new Set<Socket>();
  const silent = createServer((socket) => sockets.add(socket));
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  const hanging = {
    ...unreachable,
    conninfo: `host=127.0.0.1 port=${port} user=x`,
    streaming_conninfo: `host=127.0.0.1 port=${port} user=x`,
  };
  const names = Array.from({ length: 15 }, (_, index) => `a${index}`);
  await using fixture = await configured({ ...Object.fromEntries(names.map((name) => [name, hanging])), quick: unreachable });
  using collector = new Collector(fixture.servers, quickly);
  const seen: (number | undefined)[] = [];
  using _ = collector.listen((name, snapshot) => {
    if (name === 'quick' && snapshot?.inspection?.at !== seen.at(-1)) seen.push(snapshot?.inspection?.at);
  });
  await expect.poll(() => seen.length).toBeGreaterThan(5);
  expect(collector.snapshot('a0')?.inspection).toBeUndefined();
  for (const name of names) expect(collector.snapshot(name)?.live).toBeDefined();
  for (const socket of sockets) socket.destroy();
  silent.close();
});

test('files that are not what they should be are trouble of their server alone, and are told', async () => {
  await using fixture = await configured({ bad: unreachable, good: unreachable });
  await mkdir(fixture.path('bad', 'wals', '0000000100000000'), { recursive: true });
  await mkdir(fixture.path('bad', 'streaming'), { recursive: true });
  for (const name of ['receive-wal.json', 'holes.json', 'run.json', 'walvault.sqlite', 'identity.json', 'last-verification.json'])
    await writeFile(fixture.path('bad', name), '{"version": 1, "holes": [{"fromLsn": 17}], "phase": ');
  await writeFile(fixture.path('bad', 'wals', '0000000100000000', '000000010000000000000001'), 'no WAL at all');
  using collector = new Collector(fixture.servers, quickly);
  await expect.poll(() => whole(collector.snapshot('bad')) && whole(collector.snapshot('good'))).toBe(true);
  const bad = summarize(collector.snapshot('bad')!);
  expect(bad).toMatchObject({ verdict: 'danger', holes: null, badSegments: null, lsn: { server: null, flushed: null } });
  expect(summarize(collector.snapshot('good')!)).toMatchObject({ holes: 0, reason: 'no receiver has ever run' });
});

test('another configuration lets go of what is gone, and keeps what is known of what has not changed', async () => {
  await using before = await configured({ gone: unreachable, other: unreachable, same: unreachable });
  using collector = new Collector(before.servers, quickly);
  await expect.poll(() => collector.snapshots.every(whole)).toBe(true);
  const told: string[] = [];
  using _ = collector.listen((name, snapshot) => {
    if (snapshot === undefined) told.push(name);
  });
  const [, other, same] = before.servers;
  collector.configure([
    { ...other!, rpoLimitMs: 17 },
    { ...same!, settings: new Map() },
  ]);
  expect(told).toEqual(['gone']);
  expect(collector.snapshot('gone')).toBeUndefined();
  expect(collector.snapshot('other')).toMatchObject({ server: { rpoLimitMs: 17 }, inspection: undefined });
  expect(whole(collector.snapshot('same'))).toBe(true);
  await expect.poll(() => collector.snapshots.every(whole)).toBe(true);
});
