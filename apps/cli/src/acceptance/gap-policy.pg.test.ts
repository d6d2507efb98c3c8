import { readdirSync } from 'node:fs';
import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Cluster, createStandby, fillSegments, startCluster } from '@walvault/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  dropAndRecreateSlot,
  expectSameFrom,
  forgetfulCluster,
  forgetWal,
  holesOf,
  keptAside,
  letSlotsLose,
  partialSegment,
  stoppedVault,
} from './holes.test-support.ts';
import { caughtUp, sectionFor, type Vault } from './vault.test-support.ts';

const stack = new AsyncDisposableStack();
let pg: Cluster;
let old: Cluster;

beforeAll(async () => {
  [pg, old] = await Promise.all([forgetfulCluster(), forgetfulCluster(13)]);
  stack.use(pg);
  stack.use(old);
});

afterAll(() => stack[Symbol.asyncDispose]());

afterEach(async () => {
  for (const server of [pg, old]) {
    await server.waitFor('select count(*) = 0 from pg_stat_replication');
    await server.query('select pg_drop_replication_slot(slot_name) from pg_replication_slots');
    await letSlotsLose(server, 'nothing');
  }
});

describe('gap_policy = stop', () => {
  test('WAL that was removed is missed at once: the start fails with what to do, and the hole is on record', async () => {
    await using vault = await stoppedVault(pg);
    const partial = partialSegment(vault);
    const before = await readFile(vault.path('streaming', `${partial}.partial`));
    const { flushedLsn } = await vault.state();
    await dropAndRecreateSlot(pg, vault);
    const { code, stdout, stderr } = await vault.run('receive-wal', 'pg');
    expect({ code, stdout }).toEqual({ code: 1, stdout: 'Starting receive-wal for server pg\n' });
    const [hole, ...others] = await holesOf(vault);
    expect(others).toEqual([]);
    expect(hole).toEqual({
      timelineId: 1,
      fromLsn: flushedLsn,
      toTimelineId: 1,
      toLsn: expect.any(String),
      reason: 'walRemoved',
      foundAt: expect.any(String),
      resolvedBy: null,
      resolvedAt: null,
    });
    expect(stderr).toMatch(
      `ERROR: ArchiverFailure:the server no longer has the WAL from ${flushedLsn} on timeline 1 on, the first that it has is at ${hole!.toLsn}\n` +
        `HINT: Either bring ${partial} to `,
    );
    expect(await pg.value(`select pg_walfile_name('${hole!.toLsn}'::pg_lsn + 1)`)).toBe((await pg.walFiles())[0]);
    expect(await readFile(vault.path('streaming', `${partial}.partial`))).toEqual(before);
  });

  test('in the background it waits, says so once and aloud, and goes on by itself when the WAL is back', async () => {
    await using vault = await stoppedVault(pg);
    await dropAndRecreateSlot(pg, vault);

    await using receiver = await vault.start('receive-wal', '--foreground', '--wait', 'pg');
    const { blockingHole, holes, gapPolicy, failedAttempts } = await vault.reaches({
      phase: 'waiting',
      lastError: { code: 'ERR_WAL_REMOVED' },
    });
    expect({ holes, gapPolicy }).toEqual({ holes: [blockingHole], gapPolicy: 'stop' });
    expect(failedAttempts).toBeGreaterThan(0);
    // It tries again now and then.
    await expect
      .poll(() => vault.succeed('status', 'pg'))
      .toMatch(/\tReceiver: waiting \(pid \d+\)\n\tNext attempt: in \d+ s \(\d+ without success; trouble began \d+ s ago\)\n/);
    const status = await vault.succeed('status', 'pg');
    expect(status).toMatch(
      /\tLast error: ERR_WAL_REMOVED: the server no longer has the WAL from .+\n\tWhat to do: Either bring /,
    );
    expect(status).toMatch(
      new RegExp(`\tHoles on record: from ${blockingHole!.fromLsn} on timeline 1 to .+ \\(the receiver waits there, found `),
    );

    await pg.stop();
    const aside = readdirSync(keptAside(pg)).filter((name) => name >= partialSegment(vault));
    for (const name of aside) await copyFile(join(keptAside(pg), name), join(pg.walDirectory, name));
    await pg.start();
    await expect.poll(() => vault.state()).toMatchObject({ phase: 'streaming', blockingHole: null });
    expect((await vault.state()).holes).toMatchObject([{ resolvedBy: 'filled', fromLsn: blockingHole!.fromLsn }]);
    expect(receiver.stderr.match(/WAL is missing: the server no longer has what comes next/g)).toHaveLength(1);
    await caughtUp(pg);
  });
});

describe('gap_policy = continue', () => {
  test('streaming goes on where the new slot keeps WAL, with the hole on record, and nothing before it is touched', async () => {
    await using vault = await stoppedVault(pg, { gap_policy: 'continue' });
    const partial = partialSegment(vault);
    const before = await readFile(vault.path('streaming', `${partial}.partial`));
    const { flushedLsn } = await vault.state();
    await dropAndRecreateSlot(pg, vault);
    const kept = await pg.value('select pg_walfile_name(restart_lsn + 1) from pg_replication_slots');

    await vault.startReceiver();
    await fillSegments(pg, 2);
    await caughtUp(pg);
    const { startLsn } = await vault.state();
    expect(await holesOf(vault)).toMatchObject([
      { timelineId: 1, fromLsn: flushedLsn, toTimelineId: 1, toLsn: startLsn, reason: 'walRemoved', resolvedBy: 'continued' },
    ]);
    expect(await pg.value(`select pg_walfile_name('${startLsn}'::pg_lsn + 1)`)).toBe(kept);
    expect((await expectSameFrom(pg, vault, partial))[0]).toBe(kept);
    expect(await readFile(vault.path('streaming', `${partial}.partial`))).toEqual(before);
    expect(await vault.log()).toContain('"msg":"gap_policy = continue: going on behind the hole"');

    // The next start goes on behind the hole, and does not come back to it.
    await vault.succeed('receive-wal', '--stop', 'pg');
    await pg.waitFor('select not active from pg_replication_slots');
    await vault.startReceiver();
    expect(await holesOf(vault)).toHaveLength(1);
    expect(await vault.succeed('status', 'pg')).toMatch(
      new RegExp(
        `\tHoles on record: from ${flushedLsn} on timeline 1 to ${startLsn} on timeline 1 \\(continued, found \\d+ s ago\\)\n`,
      ),
    );
    await vault.succeed('receive-wal', '--stop', 'pg');
  });

  test('a segment in the hole is no end of the archive: restore-wal stops the recovery', async () => {
    await using vault = await stoppedVault(pg, { gap_policy: 'continue' });
    const partial = partialSegment(vault);
    await dropAndRecreateSlot(pg, vault);
    await vault.startReceiver();
    await caughtUp(pg);
    const restore = (name: string, ...more: readonly string[]) =>
      vault.run('restore-wal', ...more, 'pg', name, join(vault.home, 'RECOVERYXLOG'));
    const inside = nameBehind(partial);
    // Before anything behind the hole is complete, and after all of it is archived.
    for (let round = 0; round < 2; round += 1) {
      for (const name of [partial, inside]) {
        expect(await restore(name)).toMatchObject({ code: 255, stderr: expect.stringContaining(name) });
      }
      expect(await restore(inside, '--partial')).toMatchObject({ code: 255 });
      await fillSegments(pg, 2);
      await caughtUp(pg);
      await vault.succeed('archive-wal', 'pg');
    }
    // Recovery would end inside of it and promote, although there is more behind the hole.
    expect(await restore(partial, '--partial')).toMatchObject({ code: 255, stderr: expect.stringContaining(partial) });
    await vault.succeed('receive-wal', '--stop', 'pg');
  });

  test('without a slot it goes on from the first segment that is left', async () => {
    await using vault = await stoppedVault(pg, { gap_policy: 'continue', slot_name: '', archiver: 'on' });
    const partial = partialSegment(vault);
    await forgetWal(pg, partial);
    await vault.startReceiver();
    const [left] = (await pg.walFiles()).filter((name) => name > partial);
    const { startLsn } = await vault.state();
    expect(await pg.value(`select pg_walfile_name('${startLsn}'::pg_lsn + 1)`)).toBe(left);
    expect(await holesOf(vault)).toMatchObject([{ toLsn: startLsn, resolvedBy: 'continued' }]);
    await fillSegments(pg, 1);
    await caughtUp(pg);
    await expectSameFrom(pg, vault, left!);
    await vault.succeed('receive-wal', '--stop', 'pg');
  });
});

/** The segment behind one of 1 MiB, far from the end of a log id. */
function nameBehind(name: string): string {
  return name.slice(0, 16) + (Number.parseInt(name.slice(16), 16) + 1).toString(16).toUpperCase().padStart(8, '0');
}

describe.each([13, 18] as const)('a slot of PostgreSQL %i that has lost its WAL', (major) => {
  const server = (): Cluster => (major === 13 ? old : pg);

  async function lostSlot(more: Readonly<Record<string, string>>): Promise<Vault> {
    const vault = await stoppedVault(server(), more);
    await letSlotsLose(server(), 'WAL');
    await forgetWal(server(), partialSegment(vault));
    await server().waitFor(`select wal_status = 'lost' from pg_replication_slots`);
    await letSlotsLose(server(), 'nothing');
    return vault;
  }

  test('stops at the hole, and keeps the slot as it is', async () => {
    await using vault = await lostSlot({ create_slot: 'auto' });
    const { flushedLsn } = await vault.state();
    const { code, stderr } = await vault.run('receive-wal', 'pg');
    expect(code).toBe(1);
    expect(stderr).toMatch(
      `ERROR: ArchiverFailure:the server no longer has the WAL from ${flushedLsn} on timeline 1 on, the first that it has is at `,
    );
    expect(stderr).toMatch(` (replication slot 'barman' has lost the WAL that it kept (wal_removed))\nHINT: `);
    expect(await holesOf(vault)).toMatchObject([{ fromLsn: flushedLsn, reason: 'slotLost', resolvedBy: null }]);
    expect(await server().value('select wal_status from pg_replication_slots')).toBe('lost');
  });

  test('is made anew with gap_policy = continue and create_slot = auto, and streaming goes on', async () => {
    await using vault = await lostSlot({ create_slot: 'auto', gap_policy: 'continue' });
    const partial = partialSegment(vault);
    await vault.startReceiver();
    await fillSegments(server(), 1);
    await caughtUp(server());
    expect(await server().value('select wal_status from pg_replication_slots')).not.toBe('lost');
    expect(await holesOf(vault)).toMatchObject([{ reason: 'slotLost', resolvedBy: 'continued' }]);
    await expectSameFrom(server(), vault, partial);
    await vault.succeed('receive-wal', '--stop', 'pg');
  });

  test('is for the operator to make anew with create_slot = manual', async () => {
    await using vault = await lostSlot({ gap_policy: 'continue' });
    const { code, stderr } = await vault.run('receive-wal', 'pg');
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^ERROR: ArchiverFailure:replication slot 'barman' has lost the WAL that it kept \(wal_removed\)\nHINT: Drop it, create it anew, .+\n$/,
    );
    expect(await holesOf(vault)).toMatchObject([{ reason: 'slotLost', resolvedBy: null }]);
    await vault.succeed('receive-wal', '--drop-slot', 'pg');
    await vault.startReceiving();
    expect(await holesOf(vault)).toMatchObject([{ reason: 'slotLost', resolvedBy: 'continued' }]);
    await vault.succeed('receive-wal', '--stop', 'pg');
  });
});

test('a slot that is not there, as on a new primary, and WAL that went with it: both are told, and the hole is on record', async () => {
  await using vault = await stoppedVault(pg);
  const { flushedLsn } = await vault.state();
  await vault.succeed('receive-wal', '--drop-slot', 'pg');
  await forgetWal(pg, partialSegment(vault));
  const { code, stderr } = await vault.run('receive-wal', 'pg');
  expect(code).toBe(1);
  expect(stderr).toMatch(`ERROR: ArchiverFailure:the server no longer has the WAL from ${flushedLsn} on timeline 1 on, `);
  expect(stderr).toMatch(
    ` (replication slot 'barman' doesn't exist. Please execute 'walvault receive-wal --create-slot pg')\nHINT: `,
  );
  expect(await holesOf(vault)).toMatchObject([{ fromLsn: flushedLsn, reason: 'slotMissing', resolvedBy: null }]);
});

test('a slot that was dropped is made anew with create_slot = auto: without a hole as long as the WAL is there', async () => {
  await using vault = await stoppedVault(pg, { create_slot: 'auto' });
  const { flushedLsn } = await vault.state();
  await vault.succeed('receive-wal', '--drop-slot', 'pg');
  await vault.startReceiver();
  await caughtUp(pg);
  expect(await vault.state()).toMatchObject({ startLsn: flushedLsn, holes: [] });
  await vault.succeed('receive-wal', '--stop', 'pg');
});

test('a new primary that has removed the end of the old timeline: the hole leads from one timeline to the next', async () => {
  await using primary = await startCluster({ segmentSizeMb: 1 });
  await using vault = await stoppedVault(primary, { gap_policy: 'continue', create_slot: 'auto' });
  const partial = partialSegment(vault);
  const { flushedLsn } = await vault.state();
  await using standby = await createStandby(primary, { settings: { wal_keep_size: 0 } });
  await fillSegments(primary, 1);
  const lsn = await primary.currentLsn();
  await standby.waitFor(`select pg_last_wal_replay_lsn() >= '${lsn}'`);
  await standby.promote();
  await primary.stop();
  for (const name of ['max_wal_size', 'min_wal_size']) await standby.query(`alter system set ${name} = '2MB'`);
  await standby.reload();
  // Behind the segment in which the timelines part.
  await forgetWal(standby, `00000002${(await standby.value('select pg_walfile_name(pg_current_wal_lsn() + 1)'))!.slice(8)}`);

  await vault.configure({ pg: sectionFor(standby, { gap_policy: 'continue', create_slot: 'auto' }) });
  await vault.startReceiver();
  const [full] = await fillSegments(standby, 1);
  await caughtUp(standby);
  const { startLsn, timelineId } = await vault.state();
  expect(timelineId).toBe(2);
  expect(await holesOf(vault)).toMatchObject([
    { timelineId: 1, fromLsn: flushedLsn, toTimelineId: 2, toLsn: startLsn, reason: 'walRemoved', resolvedBy: 'continued' },
  ]);
  expect(vault.names('streaming')).toEqual(expect.arrayContaining([`${partial}.partial`, '00000002.history', full]));
  const inside = nameBehind(partial);
  const result = await vault.run('restore-wal', 'pg', inside, join(vault.home, 'RECOVERYXLOG'));
  expect(result).toMatchObject({ code: 255, stderr: expect.stringContaining(inside) });
  await vault.succeed('receive-wal', '--stop', 'pg');
});
