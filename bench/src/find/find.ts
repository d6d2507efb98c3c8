/** `bench find`: a recovery target found by time in an archive of very many segments. */
import { Catalog, CatalogSearch, FindableWal, findTarget, type SegmentRange } from '@walvault/archiver';
import { firstTimelineId, type SegmentNumber } from '@walvault/wal';
import { temporaryDirectory } from '@walvault/testkit';
import { BenchFailure } from '../failure.ts';
import { describeMachine, formatMachine } from '../machine.ts';
import { type OptionValues, wholeNumberOption } from '../options.ts';
import { scenario, type Voice } from '../scenario.ts';
import { spread } from '../statistics.ts';
import { alignColumns } from '../table.ts';
import { formatTarget } from '../target.ts';
import { makeSyntheticArchive, type SyntheticArchive } from './synthetic-archive.ts';

const options = {
  segments: wholeNumberOption({ help: 'segments in the archive', fallback: 100_000, least: 100, most: 1_000_000 }),
  rounds: wholeNumberOption({ help: 'targets to find', fallback: 20, least: 1, most: 10_000 }),
  seed: wholeNumberOption({ help: 'chooses the targets', fallback: 1, least: 0, most: 1_000_000 }),
};

type FindOptions = OptionValues<typeof options>;

/** What one search took, in milliseconds. */
export interface FindTimes {
  /** Opening the catalogue and all queries. */
  readonly query: number;
  /** Listing all files of the archive, and opening the catalogue. */
  readonly list: number;
  /** Queries, reading the segments with the target, and how far the WAL reaches. */
  readonly find: number;
}

const queryTargetMs = 50;

export const find = scenario({
  name: 'find',
  summary: 'Finds recovery targets by time in an archive of very many segments.',
  options,
  measure: measureFind,
});

/** Measures and reports; gives what it measured. */
export async function measureFind({ segments, rounds, seed }: FindOptions, voice: Voice): Promise<readonly FindTimes[]> {
  await using directory = await temporaryDirectory('find');
  voice.progress(`making an archive of ${segments} segments`);
  const archive = await makeSyntheticArchive(directory.path, segments);
  const all: FindTimes[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const time = archive.from + ((BigInt(seed + round) * 7_919_000_017n) % (archive.to - archive.from));
    all.push({ query: query(archive, time), ...(await search(archive, time)) });
  }
  const machine = formatMachine(await describeMachine(directory.path));
  voice.report([machine, '', formatFind(all, segments)].join('\n'));
  return all;
}

/** The table, and whether the target is met. */
export function formatFind(all: readonly FindTimes[], segments: number): string {
  const row = (title: string, key: keyof FindTimes): readonly string[] => {
    const { median, min, max } = spread(all.map((times) => times[key]));
    return [title, ...[median, min, max].map((value) => value.toFixed(1))];
  };
  const rows = [
    ['step', 'median ms', 'least', 'greatest'],
    row('catalogue opened and asked', 'query'),
    row('archive listed by names', 'list'),
    row('target found, segments read', 'find'),
  ];
  const value = spread(all.map((times) => times.query)).median;
  const target = { what: 'query ms', bound: { atMost: queryTargetMs }, value, taken: 'median', digits: 1 };
  return [`${all.length} times in ${segments} segments`, '', alignColumns(rows), '', formatTarget(target)].join('\n');
}

function range(first: bigint, end: bigint): SegmentRange {
  return { timelineId: firstTimelineId, first: first as SegmentNumber, end: end as SegmentNumber };
}

/** What find-target asks of the catalogue for a time, by a connection of its own. */
function query({ catalogPath }: SyntheticArchive, time: bigint): number {
  const startedAtMs = performance.now();
  using catalog = Catalog.open(catalogPath, { readOnly: true });
  const wal = new CatalogSearch(catalog);
  const everything = 1n << 62n;
  const after = wal.firstCommittedAfter(range(0n, everything), time) ?? 0n;
  const before = wal.lastCommitted(range(0n, after)) ?? 0n;
  const candidates = wal.withEndsOfTransactions(range(before, after + 1n));
  wal.firstCommittedBefore(range(after + 1n, everything), time);
  wal.commitTimes(range(0n, everything));
  if (candidates.length === 0) throw new BenchFailure(`the catalogue knows no segment with the time ${time}`);
  return performance.now() - startedAtMs;
}

async function search({ reading, catalogPath }: SyntheticArchive, time: bigint): Promise<Pick<FindTimes, 'list' | 'find'>> {
  const startedAtMs = performance.now();
  using wal = await FindableWal.open({ reading, catalogPath, signal: new AbortController().signal });
  if (wal === undefined) throw new BenchFailure('the archive is empty');
  const listedAtMs = performance.now();
  const { place } = await findTarget(wal, { target: { kind: 'time', time }, inclusive: true });
  const isRight = place?.lastCommit?.time !== undefined && place.lastCommit.time <= time && (place.event?.time ?? 0n) > time;
  if (!isRight) throw new BenchFailure(`found the wrong place for the time ${time}`);
  return { list: listedAtMs - startedAtMs, find: performance.now() - listedAtMs };
}
