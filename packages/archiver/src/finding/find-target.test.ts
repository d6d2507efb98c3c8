import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { toLsn, toTimelineId, type Lsn } from '@walvault/wal';
import { expect, test } from 'vitest';
import { history, segmentName } from '../../testing.ts';
import {
  type FindRequest,
  findTarget,
  judgeReachability,
  recoverySettings,
  type RecoveryTarget,
  type TargetFinding,
} from '../index.ts';
import {
  abort,
  backup,
  commit,
  endOfSegment,
  filler,
  fillerUpTo,
  FindableServer,
  microseconds,
  restorePoint,
} from './findable.test-support.ts';

const at = (seconds: number): RecoveryTarget => ({ kind: 'time', time: microseconds(seconds) });

async function find(server: FindableServer, target: RecoveryTarget, more: Partial<FindRequest> = {}): Promise<TargetFinding> {
  using wal = await server.open();
  return await findTarget(wal, { target, inclusive: true, ...more });
}

function lsn(segment: number, offset = 40): Lsn {
  return toLsn(segment * 1024 * 1024 + offset);
}

test('where the clock was set back, the later place counts, and both are told', async () => {
  await using server = await FindableServer.create();
  await server.write([
    commit(100, 701),
    endOfSegment,
    commit(200, 702),
    endOfSegment,
    commit(150, 703),
    endOfSegment,
    commit(300, 704),
    endOfSegment,
  ]);
  await server.catalogue();
  const { place, others, clockSteps } = await find(server, at(160));
  expect(place).toMatchObject({ event: { xid: 704 }, lastCommit: { xid: 703 } });
  expect(others).toMatchObject([{ event: { xid: 702 }, lastCommit: { xid: 701 } }]);
  expect(clockSteps).toMatchObject([{ segmentName: segmentName(1, 3), time: microseconds(150) }]);
});

test('one commit of a clock that was far ahead does not hide all that came later', async () => {
  await using server = await FindableServer.create();
  await server.write([commit(9000, 701), endOfSegment, commit(100, 702), endOfSegment, commit(200, 703), endOfSegment]);
  await server.catalogue();
  expect((await find(server, at(150))).place).toMatchObject({ event: { xid: 703 }, lastCommit: { xid: 702 } });
  expect((await find(server, at(500))).finding).toEqual({ kind: 'beyond' });
});

test('commits that ran at the same time are no step of the clock', async () => {
  await using server = await FindableServer.create();
  await server.write([commit(100, 701), commit(100.2, 703), endOfSegment, commit(100.1, 702), commit(101, 704), endOfSegment]);
  await server.catalogue();
  const { place, others, clockSteps } = await find(server, at(100.15));
  // As PostgreSQL does, which stops before the first one that is later.
  expect([place?.event?.xid, others, clockSteps]).toEqual([703, [], []]);
});

test('a transaction that was rolled back stops recovery as well', async () => {
  await using server = await FindableServer.create();
  await server.write([
    commit(100, 701),
    endOfSegment,
    filler(100),
    endOfSegment,
    abort(150, 702),
    endOfSegment,
    commit(200, 703),
    endOfSegment,
  ]);
  await server.catalogue();
  expect((await find(server, at(120))).place).toMatchObject({ event: { kind: 'abort', xid: 702 }, lastCommit: { xid: 701 } });
});

test('a record over the end of a segment is found where it begins, and needs the next segment', async () => {
  await using server = await FindableServer.create();
  await server.write([commit(100, 701), fillerUpTo([commit(100, 701)], 16), commit(200, 702), commit(300, 703), endOfSegment]);
  const { startLsn, endLsn } = server.records[2]!;
  expect([startLsn, endLsn > lsn(2)]).toEqual([lsn(2, -16), true]);
  await server.catalogue();
  const { place } = await find(server, { kind: 'xid', xid: 702 });
  expect(place).toMatchObject({ lsn: startLsn, endLsn, segmentName: segmentName(1, 1), lastSegment: 2n });
  rmSync(server.catalogPath);
  expect((await find(server, { kind: 'xid', xid: 702 })).place).toEqual(place);
  expect((await find(server, { kind: 'lsn', lsn: startLsn })).place).toMatchObject({ lsn: startLsn, endLsn });
});

test('the segment that is being received is searched as well, and then given out by the restore_command', async () => {
  await using server = await FindableServer.create();
  await server.write([commit(100, 701), endOfSegment, commit(200, 702), restorePoint(210, 'late'), commit(300, 703)]);
  await server.catalogue();
  const { place, reach } = await find(server, at(250));
  expect(place).toMatchObject({ event: { xid: 703 }, isInPartial: true, lastCommit: { xid: 702 } });
  expect((await find(server, { kind: 'name', name: 'late' })).place).toMatchObject({ isInPartial: true });
  expect((await find(server, { kind: 'xid', xid: 702 })).place).toMatchObject({ isInPartial: true });
  expect(reach).toMatchObject({
    last: segmentName(1, 1),
    lastCommitTime: microseconds(100),
    partial: {
      name: `${segmentName(1, 2)}.partial`,
      lastCommitTime: microseconds(300),
      verifiedLsn: server.records.at(-1)!.endLsn,
    },
  });
  expect((await find(server, at(300))).finding).toEqual({ kind: 'beyond' });
});

test('damage in the segment with the target is told, not stepped over', async () => {
  await using server = await FindableServer.create();
  await server.write([commit(100, 701), endOfSegment, commit(200, 702), filler(50_000), commit(300, 703), endOfSegment]);
  await server.catalogue();
  const path = server.server.archived(segmentName(1, 2));
  const content = readFileSync(path);
  content[30_000]! ^= 1;
  writeFileSync(path, content);
  expect((await find(server, at(250))).finding).toMatchObject({
    kind: 'damaged',
    segmentName: segmentName(1, 2),
    fault: { kind: 'record' },
  });
  expect((await find(server, { kind: 'lsn', lsn: lsn(2, 60_000) })).finding).toMatchObject({ kind: 'damaged' });
});

test('of two restore points of a name the later one is written down by its LSN, if the backup is before both', async () => {
  await using server = await FindableServer.create();
  await server.write([
    commit(100, 701),
    endOfSegment,
    restorePoint(110, 'x'),
    commit(120, 702),
    endOfSegment,
    restorePoint(130, 'x'),
    commit(140, 703),
    endOfSegment,
  ]);
  await server.catalogue();
  using wal = await server.open();
  const request: FindRequest = { target: { kind: 'name', name: 'x' }, inclusive: true };
  const { place, others } = await findTarget(wal, request);
  const options = {
    request,
    place: place!,
    others,
    major: 18,
    restoreCommandLine: "restore_command = 'x'",
    action: 'pause' as const,
  };
  const early = backup('1', lsn(1), lsn(1, 200));
  const late = backup('2', lsn(2, 200), lsn(2, 300));
  expect(judgeReachability(wal, place!, [early]).backup?.id).toBe('1');
  expect(recoverySettings({ ...options, backup: judgeReachability(wal, place!, [early]).backup }).lines).toEqual([
    "restore_command = 'x'",
    "recovery_target_lsn = '0/300028'",
    "recovery_target_inclusive = 'on'",
    "recovery_target_timeline = '1'",
    "recovery_target_action = 'pause'",
  ]);
  const { backup: chosen } = judgeReachability(wal, place!, [early, late]);
  expect(chosen?.id).toBe('2');
  expect(recoverySettings({ ...options, backup: chosen }).lines[1]).toBe("recovery_target_name = 'x'");
});

test('writes recovery.conf for PostgreSQL 11, and quotes what needs it', async () => {
  await using server = await FindableServer.create();
  const name = `it's \\ here`;
  await server.write([commit(100, 701), restorePoint(110, name), commit(120, 702), endOfSegment]);
  await server.catalogue();
  using wal = await server.open();
  const request: FindRequest = { target: { kind: 'name', name }, inclusive: true };
  const { place, others } = await findTarget(wal, request);
  const options = { request, place: place!, others, backup: undefined, restoreCommandLine: '', action: 'promote' as const };
  expect(recoverySettings({ ...options, major: 11 })).toMatchObject({ file: 'recovery.conf', signalFile: undefined });
  expect(recoverySettings({ ...options, major: 12 })).toMatchObject({ file: 'postgresql.conf', signalFile: 'recovery.signal' });
  expect(recoverySettings({ ...options, major: undefined }).lines).toContain(String.raw`recovery_target_name = 'it''s \\ here'`);
});

test('a backup must end before the place, lie on its timeline, and be of this cluster; without any nothing is claimed', async () => {
  await using server = await FindableServer.create();
  await server.write([commit(100, 701), endOfSegment, commit(200, 702), endOfSegment, commit(300, 703), endOfSegment]);
  await server.write([commit(150, 702), endOfSegment, commit(400, 704), endOfSegment], { timelineId: 2, segment: 2 });
  await server.server.write(server.server.archived('00000002.history'), history([1, '0/200028']));
  await server.catalogue();
  using wal = await server.open();
  const { place } = await findTarget(wal, { target: { kind: 'xid', xid: 704 }, inclusive: true });
  expect(place).toMatchObject({ chainTimelineId: 2 });
  const judge = (...backups: readonly ReturnType<typeof backup>[]) => judgeReachability(wal, place!, backups);
  expect(judge()).toMatchObject({ verdict: 'unknown', wholeFrom: segmentName(1, 1) });
  expect(judge(backup('on the parent', lsn(1), lsn(1, 100)))).toMatchObject({ verdict: 'reachable' });
  expect(judge(backup('left behind', lsn(2, 100), lsn(2, 200)))).toMatchObject({ verdict: 'noBackup' });
  expect(judge(backup('too late', lsn(1), lsn(4, 0), 2))).toMatchObject({ verdict: 'noBackup' });
  expect(judge({ ...backup('foreign', lsn(1), lsn(1, 100)), systemIdentifier: 5n })).toMatchObject({ verdict: 'unknown' });
  expect(judge({ ...backup('failed', lsn(1), lsn(1, 100)), status: 'FAILED' })).toMatchObject({ verdict: 'unknown' });
});

test('a segment between that is known to be bad, or not to follow, breaks the way', async () => {
  await using server = await FindableServer.create();
  await server.write([commit(100, 701), endOfSegment, commit(200, 702), endOfSegment, commit(300, 703), endOfSegment]);
  await server.catalogue();
  const judge = async () => {
    using wal = await server.open();
    const { place } = await findTarget(wal, { target: { kind: 'xid', xid: 703 }, inclusive: true });
    return judgeReachability(wal, place!, [backup('1', lsn(1), lsn(1, 100))]);
  };
  expect(await judge()).toMatchObject({ verdict: 'reachable', faulty: [] });
  server.change(segmentName(1, 2), { link: 'broken' });
  expect(await judge()).toMatchObject({ verdict: 'broken', faulty: [segmentName(1, 2)], wholeFrom: segmentName(1, 3) });
});

test('a timeline that is asked for and not there is refused with those that are', async () => {
  await using server = await FindableServer.create();
  await server.write([commit(100, 701), endOfSegment]);
  await expect(find(server, at(100), { timelineId: toTimelineId(3) })).rejects.toMatchObject({
    code: 'ERR_TIMELINE_UNKNOWN',
    hint: 'There is WAL of timeline 1.',
  });
});

test.each([4096, 8192, 32_768])('finds records that begin on a page of %d bytes, behind its header', async (walPageSize) => {
  await using server = await FindableServer.create();
  // Ends with a page, so that the next record begins behind the header of the next one.
  const first = [commit(100, 701), filler(walPageSize - 40 - 40 - 29)];
  await server.write([...first, commit(200, 702), filler(60_000), commit(300, 703), endOfSegment], { walPageSize });
  const { startLsn, endLsn } = server.records[2]!;
  expect(startLsn).toBe(lsn(1, walPageSize + 24));
  await server.catalogue();
  const boundary = lsn(1, walPageSize);
  for (const asked of [boundary, startLsn, toLsn(boundary - 8n)])
    expect((await find(server, { kind: 'lsn', lsn: asked })).place).toMatchObject({ lsn: startLsn, endLsn, event: { xid: 702 } });
});
