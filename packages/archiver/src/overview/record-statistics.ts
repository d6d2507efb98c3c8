/** What the WAL of a timeline consists of, by the catalogue: records by resource manager. */
import type { Lsn, RmgrStatistics, TimelineId } from '@walvault/wal';
import { CatalogTotals } from '../catalog/catalog-totals.ts';
import { Catalog } from '../catalog/catalog.ts';
import { FinderError } from '../finding/errors.ts';
import { rangeOf } from '../finding/findable-wal.ts';
import { TimelineChain } from '../finding/timeline-chain.ts';
import { WalMap } from '../finding/wal-map.ts';
import type { WalReadOptions } from '../restoring/open-wal.ts';
import { Timelines } from '../wal-files/timelines.ts';

/** Counts over some WAL. */
export interface RecordStatistics {
  readonly timelineId: TimelineId;
  /** Where the first record begins and the last one ends. */
  readonly first: Lsn;
  readonly end: Lsn;
  readonly rmgrs: readonly RmgrStatistics[];
  /** The magic of the pages, which tells how records are called. */
  readonly magic: number | undefined;
}

/**
 * Adds up what the catalogue knows of the WAL that a recovery to a timeline replays: the newest one unless given.
 * @returns undefined when it knows nothing of it
 * @throws {CatalogError}; @throws {FinderError} `ERR_TIMELINE_UNKNOWN`; @throws {FileSystemError}
 */
export async function recordStatistics(
  reading: WalReadOptions,
  catalogPath: string,
  timelineId?: TimelineId,
): Promise<RecordStatistics | undefined> {
  using catalog = Catalog.open(catalogPath, { readOnly: true });
  const map = await WalMap.read(reading);
  const chosen = timelineId ?? map?.timelineIds.at(-1);
  if (map === undefined || chosen === undefined) return undefined;
  if (!map.timelineIds.includes(chosen)) throw new FinderError('ERR_TIMELINE_UNKNOWN', chosen, map.timelineIds);
  const chain = new TimelineChain(chosen, await Timelines.read(reading.directories), map.walSegmentSize);
  const totals = new CatalogTotals(catalog);
  const ranges = chain.pieces.map(rangeOf);
  const between = totals.recordsBetween(ranges);
  if (between === undefined) return undefined;
  return { timelineId: chosen, ...between, rmgrs: totals.byRmgr(ranges), magic: totals.latestMagic() };
}
