import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { bulkLoad, type Cluster, createStandby, startCluster, startWorkload } from '@walvault/testkit';
import { describe, expect, test } from 'vitest';
import { pieces } from '../testing/index.ts';
import { addToLsn, formatLsn, type Lsn, lsnDistance, parseLsn } from './lsn.ts';
import { defaultWalPageSize, pageFlags, readPageHeader } from './page-header.ts';
import { toWalSegmentSize, type WalSegmentSize } from './segment.ts';
import { type TimelineId, toTimelineId } from './timeline.ts';
import { WalChecker, type WalFault } from './wal-checker.ts';
import { parseWalFileName, startLsnOfName } from './wal-file-name.ts';

/** The WAL of a server as it lies in pg_wal, from the oldest segment there to whatever stands behind the last record. */
interface ServerWal {
  readonly bytes: Buffer;
  readonly startLsn: Lsn;
  readonly walSegmentSize: WalSegmentSize;
  readonly systemIdentifier: bigint;
  readonly timelineId: TimelineId;
  /** The server's own word for where its WAL ended, before and after it was read. */
  readonly ends: readonly [Lsn, Lsn];
}

/** Reads pg_wal; of segments that are there on several timelines the last one. */
async function walOf(cluster: Cluster, timelines: readonly number[] = [1]): Promise<ServerWal> {
  const walSegmentSize = toWalSegmentSize(cluster.segmentSizeMb * 1024 * 1024);
  const systemIdentifier = BigInt((await cluster.value('select system_identifier from pg_control_system()')) ?? 0);
  const before = await endOf(cluster);
  const newest = new Map<Lsn, string>();
  for (const name of await cluster.walFiles()) {
    const file = parseWalFileName(name);
    if (file.kind === 'segment' && timelines.includes(file.timelineId)) newest.set(startLsnOfName(file, walSegmentSize), name);
  }
  const starts = [...newest.keys()].toSorted((a, b) => (a < b ? -1 : 1));
  const files = await Promise.all(starts.map((start) => readFile(join(cluster.walDirectory, newest.get(start)!))));
  const timelineId = toTimelineId(Math.max(...timelines));
  const ends = [before, await endOf(cluster)] as const;
  return { bytes: Buffer.concat(files), startLsn: starts[0]!, walSegmentSize, systemIdentifier, timelineId, ends };
}

async function endOf(cluster: Cluster): Promise<Lsn> {
  return parseLsn((await cluster.value('select pg_current_wal_flush_lsn()')) ?? '');
}

/** What is said about WAL that comes in pieces. */
function check(wal: ServerWal): { readonly fault: WalFault | undefined; readonly verifiedLsn: Lsn } {
  const checker = new WalChecker(wal);
  let fault: WalFault | undefined;
  for (const piece of pieces(wal.bytes, 1, 150_000)) fault = checker.check(piece);
  return { fault, verifiedLsn: checker.verifiedLsn };
}

/** That all is right up to where the server says that its WAL ends, and nothing behind it. */
function expectRight(wal: ServerWal): void {
  const { fault, verifiedLsn } = check(wal);
  expect(verifiedLsn, fault?.problem).toBeGreaterThanOrEqual(wal.ends[0]);
  expect(verifiedLsn, fault?.problem).toBeLessThanOrEqual(wal.ends[1]);
}

/** Where whole records end: every position that `verifiedLsn` takes when each call brings less than a record. */
function recordEnds(wal: ServerWal): Lsn[] {
  const checker = new WalChecker(wal);
  const passed = new Set<Lsn>();
  for (let at = 0; at < wal.bytes.length && checker.check(wal.bytes.subarray(at, at + 8)) === undefined; at += 8) {
    if (checker.verifiedLsn <= wal.ends[0]) passed.add(checker.verifiedLsn);
  }
  // The first is the start, the second the end of what began before it, if anything did; a record that was cut off has no end.
  const head = readPageHeader(wal.bytes).remainingLength > 0 ? 1 : 0;
  const cutOff = new Set(overwritingPages(wal));
  return [...passed].slice(1 + head).filter((lsn) => !cutOff.has(lsn));
}

/** Small and large transactions, full pages, records of megabytes, segment switches and a crash. */
async function live(cluster: Cluster): Promise<void> {
  await using workload = await startWorkload(cluster, { clients: 2, rowBytes: 60 });
  await bulkLoad(cluster, 2);
  await cluster.query('checkpoint');
  await cluster.query(`select pg_logical_emit_message(false, 'wal', repeat('x', 3000000))`);
  await cluster.switchWal();
  await cluster.query('create table more as select * from generate_series(1, 20000) n; create index on more (n)');
  await workload.stop();
  await cluster.stop('immediate');
  await cluster.start();
  await cluster.query('create table again as select * from generate_series(1, 2000) n');
}

describe.each([10, 13, 14, 15, 16, 17, 18] as const)('the WAL of PostgreSQL %i', (major) => {
  test('is right up to its last record, over a crash and a record that the crash cut off', async () => {
    await using cluster = await startCluster({ major, ...smallSegments(major) });
    await live(cluster);
    const wal = await walOf(cluster);
    expectRight(wal);
    if (major >= 15) await expectSameRecords(cluster, wal);
    await cutOffRecord(cluster);
    const later = await walOf(cluster);
    expect(overwritingPages(later).length).toBeGreaterThan(0);
    expectRight(later);
  });
});

test.each([10, 14, 18] as const)('the WAL of PostgreSQL %i is one chain over a promotion', async (major) => {
  await using primary = await startCluster({ major, ...smallSegments(major) });
  await using standby = await createStandby(primary);
  await bulkLoad(primary, 1.4);
  const target = await primary.currentLsn();
  await standby.waitFor(`select pg_last_wal_replay_lsn() >= '${target}'`);
  await standby.promote();
  await bulkLoad(standby, 1.2);
  expectRight(await walOf(standby, [1, 2]));
  expectRight(await walOf(standby, [2]));
});

/** PostgreSQL 10 has no choice. */
function smallSegments(major: number): { readonly segmentSizeMb?: number } {
  return major === 10 ? {} : { segmentSizeMb: 1 };
}

/** That the server itself (pg_walinspect, from 15 on) finds the same records. */
async function expectSameRecords(cluster: Cluster, wal: ServerWal): Promise<void> {
  await cluster.query('create extension pg_walinspect');
  const [start, end] = [wal.startLsn, wal.ends[0]].map(formatLsn);
  const rows = await cluster.query<{ end: string }>(
    `select end_lsn::text as end from pg_get_wal_records_info('${start}', '${end}') order by start_lsn`,
  );
  expect(rows.length).toBeGreaterThan(1000);
  expect(recordEnds(wal)).toEqual(rows.map((row) => parseLsn(row.end)));
}

/** What a crash does when the server has written the beginning of a record, but not the segment that has its rest. */
async function cutOffRecord(cluster: Cluster): Promise<void> {
  await cluster.switchWal();
  const size = cluster.segmentSizeMb * 1024 * 1024;
  const room = `(${size} - pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0') % ${size})::int`;
  await cluster.query(`select pg_logical_emit_message(false, 'wal', repeat('y', ${room} - 30000))`);
  await cluster.query(`select pg_logical_emit_message(true, 'wal', repeat('z', 100000))`);
  const name = (await cluster.value('select pg_walfile_name(pg_current_wal_insert_lsn())')) ?? '';
  await cluster.stop('immediate');
  await rm(join(cluster.walDirectory, name));
  await cluster.start();
  await cluster.query('create table after as select * from generate_series(1, 2000) n');
}

function overwritingPages(wal: ServerWal): Lsn[] {
  const pages = Array.from({ length: wal.bytes.length / defaultWalPageSize }, (_, index) => index * defaultWalPageSize);
  return pages
    .filter((offset) => lsnDistance(wal.startLsn, wal.ends[0]) > offset)
    .filter((offset) => pageFlags(readPageHeader(wal.bytes, offset)).firstIsOverwriteContinuation)
    .map((offset) => addToLsn(wal.startLsn, offset));
}
