import { readFile, rename, writeFile } from 'node:fs/promises';
import { type Cluster, fillSegments, startCluster } from '@walvault/testkit';
import { afterAll, afterEach, beforeEach, beforeAll, expect, test } from 'vitest';
import { dropAndRecreateSlot, forgetfulCluster, holesOf, stoppedVault } from './holes.test-support.ts';
import { caughtUp, commandLine, type Section, sectionFor, Vault } from './vault.test-support.ts';

const stack = new AsyncDisposableStack();
let pg: Cluster;
let vault: Vault;
let pid: number;

beforeAll(async () => {
  pg = stack.use(await startCluster({ segmentSizeMb: 1 }));
});

afterAll(() => stack[Symbol.asyncDispose]());

beforeEach(async () => {
  vault = await Vault.create({ pg: sectionFor(pg) });
  pid = await vault.startReceiving();
});

afterEach(async () => {
  await vault[Symbol.asyncDispose]();
  await pg.waitFor('select count(*) = 0 from pg_stat_replication');
  await pg.query('select pg_drop_replication_slot(slot_name) from pg_replication_slots');
});

/** Writes the configuration anew and tells the receiver; waits until its log says what came of it. */
async function reload(section: Section, said: string, globals: Section = {}): Promise<void> {
  await vault.configure({ pg: section }, globals);
  process.kill(pid, 'SIGHUP');
  await expect.poll(() => vault.log()).toContain(said);
}

async function expectStreamingOn(): Promise<void> {
  await expect.poll(() => vault.state()).toMatchObject({ phase: 'streaming', pid });
  await pg.query(`select pg_logical_emit_message(true, 'test', 'on')`);
  await caughtUp(pg);
}

test('the log is opened anew after it was rotated away', async () => {
  const rotated = vault.path('receive-wal.log.1');
  await rename(vault.path('receive-wal.log'), rotated);
  const before = await readFile(rotated, 'utf8');
  process.kill(pid, 'SIGHUP');
  await expect.poll(() => vault.log().catch(() => '')).toContain('SIGHUP: configuration read again, nothing is different');
  expect(await readFile(rotated, 'utf8')).toBe(before);
  const { startLsn, reconnects } = await vault.state();
  await expectStreamingOn();
  expect(await vault.state()).toMatchObject({ startLsn, reconnects });
});

/** How often the log has this text. */
async function linesOf(text: string): Promise<number> {
  return (await vault.log()).split(text).length - 1;
}

test('the log level counts at once', async () => {
  const changed = '"options":"log_level","msg":"SIGHUP: changed, and counts from now on"';
  for (const [round, level] of ['ERROR', 'INFO'].entries()) {
    await vault.configure({ pg: sectionFor(pg) }, { log_level: level });
    process.kill(pid, 'SIGHUP');
    await expect.poll(() => linesOf(changed)).toBe(round + 1);
    const [full] = await fillSegments(pg, 1);
    await caughtUp(pg);
    await expect.poll(() => [...vault.segments().keys()]).toContain(full);
    if (level === 'INFO') await expect.poll(() => linesOf(`"segment":"${full}","msg":"finished segment"`)).toBe(1);
    else expect(await linesOf(`"segment":"${full}"`)).toBe(0);
  }
});

test('another application name and another slot are streamed with by a new stream of the same process, without a hole', async () => {
  await pg.query(`select pg_create_physical_replication_slot('other', true)`);
  const section = sectionFor(pg, { slot_name: 'other', streaming_archiver_name: 'renamed' });
  await reload(section, '"options":"streaming_archiver_name, slot_name","msg":"SIGHUP: changed, going on with a new stream"');
  await pg.waitFor(`select count(*) = 1 from pg_stat_replication where application_name = 'renamed'`);
  await pg.waitFor(`select active from pg_replication_slots where slot_name = 'other'`);
  await pg.waitFor(`select not active from pg_replication_slots where slot_name = 'barman'`);
  await expectStreamingOn();
  expect(await vault.state()).toMatchObject({ slotName: 'other', holes: [], lastError: null });
});

test('how it flushes and checks changes with a new stream', async () => {
  await reload(
    sectionFor(pg, { flush: 'segment', verify_stream: 'off', status_interval: '1' }),
    'flush, verify_stream, status_interval',
  );
  await expect.poll(() => vault.state()).toMatchObject({ phase: 'streaming', pid });
});

test('directories stay until the receiver is started anew', async () => {
  const section = sectionFor(pg, { streaming_wals_directory: '/nowhere/streaming' });
  await reload(
    section,
    '"options":"streaming_wals_directory","msg":"SIGHUP: changed, but counts only when the receiver is stopped',
  );
  await expectStreamingOn();
});

test('a broken configuration changes nothing, and each problem is in the log', async () => {
  await reload(
    sectionFor(pg, { flush: 'sometimes', create_slot: 'yes' }),
    'SIGHUP: the configuration cannot be used, the old one still counts: ',
  );
  const log = await vault.log();
  expect(log).toMatch(/old one still counts: \S+walvault\.conf:\d+: \[pg\] flush: \\"sometimes\\" is not allowed/);
  expect(log).toMatch(/old one still counts: \S+walvault\.conf:\d+: \[pg\] create_slot: \\"yes\\" is not allowed/);
  await expectStreamingOn();
  await reload(
    sectionFor(pg, { streaming_conninfo: `${pg.conninfo()} sslmode=sometimes` }),
    'the configuration cannot be used, the old one still counts: invalid value \\"sometimes\\" for connection parameter sslmode',
  );
  await expectStreamingOn();
  await writeFile(vault.configFile, `[barman]\nbarman_home = ${vault.home}\n`);
  process.kill(pid, 'SIGHUP');
  await expect.poll(() => vault.log()).toContain('the configuration has no section [pg] any more; the old one still counts');
  await expectStreamingOn();
});

test('turned off, it ends in good order', async () => {
  await reload(sectionFor(pg, { streaming_archiver: 'off', archiver: 'on' }), 'SIGHUP: streaming_archiver = off: ending');
  await expect.poll(() => commandLine(pid)).toEqual([]);
  expect(await vault.state()).toMatchObject({ phase: 'stopped', lastError: null });
});

test('a receiver that waits at a hole goes on at once when gap_policy says so', async () => {
  await using forgetful = await forgetfulCluster();
  await using holed = await stoppedVault(forgetful);
  await dropAndRecreateSlot(forgetful, holed);
  await using receiver = await holed.start('receive-wal', '--foreground', '--wait', 'pg');
  await expect.poll(() => holed.state()).toMatchObject({ phase: 'waiting', lastError: { code: 'ERR_WAL_REMOVED' } });
  // Whatever changes may be what was needed, so that it tries again, in vain; the waits grow.
  for (const round of [2, 3, 4]) {
    await holed.configure({ pg: sectionFor(forgetful, { status_interval: String(round) }) });
    receiver.signal('SIGHUP');
    await expect.poll(async () => (await holed.state()).failedAttempts).toBeGreaterThanOrEqual(round);
  }
  const { nextAttemptAt } = await holed.reaches({ phase: 'waiting' });
  await holed.configure({ pg: sectionFor(forgetful, { gap_policy: 'continue' }) });
  receiver.signal('SIGHUP');
  const { phaseSince } = await holed.reaches({ phase: 'streaming', gapPolicy: 'continue', blockingHole: null });
  // The wait would have been twenty seconds or more.
  expect(Date.parse(phaseSince)).toBeLessThan(Date.parse(nextAttemptAt!));
  expect(await holesOf(holed)).toMatchObject([{ resolvedBy: 'continued' }]);
  await caughtUp(forgetful);
  expect(await receiver.kill('SIGTERM')).toMatchObject({ code: 0 });
});
