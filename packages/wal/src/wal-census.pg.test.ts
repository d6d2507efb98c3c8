import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bulkLoad, type Cluster, findProgram, runAsServerUser, startCluster } from '@walvault/testkit';
import { expect, test } from 'vitest';
import { countSlowly, pieces } from '../testing/index.ts';
import { formatLsn, type Lsn, parseLsn } from './lsn.ts';
import { pageMagicOfMajor } from './page-header.ts';
import { recordTypeName, rmgrName } from './rmgr-names.ts';
import { toWalSegmentSize } from './segment.ts';
import { toTimelineId } from './timeline.ts';
import { WalCensus } from './wal-census.ts';
import { WalChecker } from './wal-checker.ts';
import type { WalEvent } from './wal-event.ts';
import { parseWalFileName, startLsnOfName } from './wal-file-name.ts';
import type { WalStatistics } from './wal-statistics.ts';

/** All that lies in pg_wal up to the end of the WAL, counted. */
interface Counted {
  readonly bytes: Buffer;
  readonly options: { readonly startLsn: Lsn; readonly walSegmentSize: ReturnType<typeof toWalSegmentSize> };
  readonly statistics: WalStatistics;
  readonly events: readonly WalEvent[];
}

/** Restore points by name, and where the server says they end. */
type Points = ReadonlyMap<string, Lsn>;

/** Transactions of all kinds, indexes of all kinds, images of pages, restore points, switches and a crash. */
async function live(cluster: Cluster): Promise<Points> {
  await cluster.query('create table t (id int primary key, data text); create sequence s; create index on t using hash (id)');
  await cluster.query(`create index on t using gin (string_to_array(data, ' ')); create index on t using brin (id)`);
  await cluster.query(`insert into t select n, repeat('x ', n % 700) || n from generate_series(1, 2000) n`);
  await cluster.query('checkpoint');
  await cluster.query(`update t set data = data || 'y' where id % 7 = 0; delete from t where id % 11 = 0; select nextval('s')`);
  const points = new Map<string, Lsn>();
  for (const name of ['before the switch', 'ünd noch einer']) {
    points.set(name, parseLsn((await cluster.value(`select pg_create_restore_point('${name}')`)) ?? ''));
    await cluster.switchWal();
  }
  const insert = `insert into t select nextval('s') + 100000, 'p'; savepoint a; insert into t select nextval('s') + 100000, 'q'`;
  for (const [name, end] of [
    ['one', 'commit'],
    ['two', 'rollback'],
  ] as const) {
    await cluster.query(`begin; ${insert}; prepare transaction '${name}'`);
    await cluster.query(`${end} prepared '${name}'`);
  }
  await cluster.query('begin; truncate t; rollback');
  await bulkLoad(cluster, 1.5);
  await cluster.stop('immediate');
  await cluster.start();
  await cluster.query('vacuum freeze t');
  await cluster.query('checkpoint');
  await cluster.switchWal();
  return points;
}

async function count(cluster: Cluster): Promise<Counted> {
  const walSegmentSize = toWalSegmentSize(cluster.segmentSizeMb * 1024 * 1024);
  const current = await cluster.value('select pg_walfile_name(pg_current_wal_insert_lsn())');
  const names = (await cluster.walFiles()).filter((name) => name < (current ?? ''));
  const bytes = Buffer.concat(await Promise.all(names.map((name) => readFile(join(cluster.walDirectory, name)))));
  const file = parseWalFileName(names[0] ?? '');
  if (file.kind !== 'segment') throw new Error(`${file.name} is no segment`);
  const startLsn = startLsnOfName(file, walSegmentSize);
  const events: WalEvent[] = [];
  const census = new WalCensus({ onEvent: (event) => events.push(event) });
  const options = { startLsn, walSegmentSize, timelineId: toTimelineId(1) };
  const checker = new WalChecker({ ...options, census });
  for (const piece of pieces(bytes, 3, 300_000)) expect(checker.check(piece)).toBeUndefined();
  return { bytes, options, statistics: census.statistics(), events };
}

/** A line for each kind of record, as the programs of PostgreSQL give it. */
function lines(statistics: WalStatistics, major: number): string[] {
  const magic = pageMagicOfMajor(major);
  return statistics.rmgrs
    .map(({ rmgr, info, ...kind }) =>
      [`${rmgrName(rmgr)}/${recordTypeName(rmgr, info, magic)}`, kind.count, kind.recordBytes, kind.fpiBytes].join(' '),
    )
    .toSorted();
}

function endOf({ statistics }: Counted): string {
  return formatLsn(statistics.endLsn ?? statistics.firstRecordLsn!);
}

/** What the server itself counts. */
async function inspected(cluster: Cluster, counted: Counted): Promise<string[]> {
  await cluster.query('create extension pg_walinspect');
  const rows = await cluster.query<{ name: string; count: string; record: string; fpi: string }>(
    `select "resource_manager/record_type" as name, count, record_size as record, fpi_size as fpi
     from pg_get_wal_stats('${formatLsn(counted.statistics.firstRecordLsn!)}', '${endOf(counted)}', true) where count > 0`,
  );
  return rows.map(({ name, count, record, fpi }) => [name, count, record, fpi].join(' ')).toSorted();
}

/** Every commit has the time that the server has for it, and restore points are where it said. */
async function expectEvents(cluster: Cluster, { events, statistics }: Counted, points: Points): Promise<void> {
  const commits = events.filter(({ kind }) => kind === 'commit' || kind === 'commitPrepared');
  expect(commits.length).toBe(statistics.commits);
  const found = new Map(commits.map(({ xid, time }) => [String(xid), time]));
  const rows = await cluster.query<{ xid: string; time: string }>(
    // The seconds and their parts one by one: as one number they were rounded before 14.
    `select xid::text, (extract(epoch from date_trunc('second', time))::bigint * 1000000
       + extract(microseconds from time)::bigint % 1000000)::text as time
     from (select xid, pg_xact_commit_timestamp(xid::text::xid) as time
     from unnest(array[${[...found.keys()].filter((xid) => Number(xid) > 2).join(', ')}]) xid
     ) commits where time is not null`,
  );
  expect(rows.length).toBeGreaterThan(10);
  for (const { xid, time } of rows) expect([xid, found.get(xid)]).toEqual([xid, BigInt(time)]);
  for (const kind of ['abort', 'commitPrepared', 'abortPrepared', 'checkpoint'] as const)
    expect(events.some((event) => event.kind === kind && event.time !== undefined)).toBe(true);
  expect(new Map(statistics.restorePoints.map(({ name, endLsn }) => [name, endLsn]))).toEqual(points);
  const checkpoint = events.findLast(({ kind }) => kind === 'checkpoint')!;
  const [lsn, seconds] = (
    (await cluster.value(
      `select checkpoint_lsn || ' ' || extract(epoch from checkpoint_time)::bigint from pg_control_checkpoint()`,
    )) ?? ''
  ).split(' ');
  expect([formatLsn(checkpoint.lsn), checkpoint.time]).toEqual([lsn, BigInt(seconds!) * 1_000_000n]);
}

const settings = { wal_compression: 'on', track_commit_timestamp: 'on', max_prepared_transactions: '5', wal_log_hints: 'on' };

test.each([
  [15, 'pglz'],
  [15, 'off'],
  [16, 'pglz'],
  [17, 'pglz'],
  [18, 'pglz'],
] as const)(
  'the WAL of PostgreSQL %i with images compressed by %s is counted as the server itself counts it',
  async (major, compression) => {
    const options = { ...settings, wal_compression: compression };
    await using cluster = await startCluster({ major, segmentSizeMb: 1, settings: options });
    const points = await live(cluster);
    const counted = await count(cluster);
    expect(counted.statistics.records).toBeGreaterThan(3000);
    expect(lines(counted.statistics, major)).toEqual(await inspected(cluster, counted));
    expect(counted.statistics.rmgrs).toEqual(
      countSlowly(counted.bytes, { ...counted.options, ...(await facts(cluster)) }, false),
    );
    await expectEvents(cluster, counted, points);
    if (major === 15) expect(lines(counted.statistics, major)).toEqual(await dumped(cluster, counted));
  },
);

test.each([10, 12, 14] as const)('the WAL of PostgreSQL %i is counted to the last byte', async (major) => {
  const segments = major === 10 ? {} : { segmentSizeMb: 1 };
  await using cluster = await startCluster({ major, ...segments, settings });
  const points = await live(cluster);
  const counted = await count(cluster);
  expect(counted.statistics.records).toBeGreaterThan(3000);
  expect(counted.statistics.rmgrs).toEqual(countSlowly(counted.bytes, { ...counted.options, ...(await facts(cluster)) }, true));
  expect(lines(counted.statistics, major).filter((line) => line.includes('UNKNOWN'))).toEqual([]);
  await expectEvents(cluster, counted, points);
});

async function facts(
  cluster: Cluster,
): Promise<{ readonly timelineId: ReturnType<typeof toTimelineId>; readonly systemIdentifier: bigint }> {
  const systemIdentifier = BigInt((await cluster.value('select system_identifier from pg_control_system()')) ?? 0);
  return { timelineId: toTimelineId(1), systemIdentifier };
}

/** What pg_waldump counts. */
async function dumped(cluster: Cluster, counted: Counted): Promise<string[]> {
  const { path, env } = findProgram('pg_waldump');
  const range = ['--start', formatLsn(counted.statistics.firstRecordLsn!), '--end', endOf(counted)];
  const { stdout } = await runAsServerUser([path, '--stats=record', '--path', cluster.walDirectory, ...range], { env });
  const rows = stdout.matchAll(/^(\S+\/[^ ].*?) +(\d+) \( *[\d.]+\) +(\d+) \( *[\d.]+\) +(\d+) \(/gm);
  return [...rows]
    .filter(([, , count]) => count !== '0')
    .map((row) => row.slice(1, 5).join(' '))
    .toSorted();
}
