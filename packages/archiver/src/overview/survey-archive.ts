/** What the archive of a server holds and what is known of it: the files by their names, everything else by the catalogue. */
import { setImmediate as turn } from 'node:timers/promises';
import { CatalogTotals, type CompressionTotals, type DayTotals, type TimelineTotals } from '../catalog/catalog-totals.ts';
import type { Heal, SegmentCheck, VerifyRun } from '../catalog/catalog-records.ts';
import { Catalog } from '../catalog/catalog.ts';
import { CatalogError } from '../catalog/errors.ts';
import type { Lsn, TimelineId } from '@walvault/wal';
import { WalMap } from '../finding/wal-map.ts';
import type { WalReadOptions } from '../restoring/open-wal.ts';
import { type ArchiveListing, listArchive, type TimelineListing } from '../wal-files/list-archive.ts';
import { Timelines } from '../wal-files/timelines.ts';

/** What to look at. */
export interface SurveyOptions {
  readonly reading: WalReadOptions;
  readonly catalogPath: string;
  /** How many days of the past to tell about, at most. */
  readonly days: number;
}

/** A timeline, and where it comes from. */
export interface SurveyedTimeline extends TimelineListing {
  /** Undefined for the first one, and when no history file tells. */
  readonly parentId: TimelineId | undefined;
  /** Where it left its parent. */
  readonly beginLsn: Lsn | undefined;
  /** Complete segments that wait to be archived. */
  readonly waiting: number;
  /** Sums over what the catalogue knows; undefined without one, and when it knows no segment of the timeline. */
  readonly totals: TimelineTotals | undefined;
}

/** What is known by the catalogue only. */
export interface CatalogSurvey {
  readonly days: readonly DayTotals[];
  readonly compressions: readonly CompressionTotals[];
  readonly restorePoints: number;
  readonly lastVerify: VerifyRun | undefined;
  /** Checks that found something wrong and were not followed by a better one. */
  readonly badChecks: readonly SegmentCheck[];
  /** The latest first. */
  readonly heals: readonly Heal[];
  /** How many archived segments it does not know, and how many it knows that are not there. */
  readonly unknownSegments: number;
  readonly goneSegments: number;
}

/** The whole picture. */
export interface ArchiveSurvey {
  readonly listing: ArchiveListing;
  /** In order of timeline. */
  readonly timelines: readonly SurveyedTimeline[];
  readonly catalog: CatalogSurvey | CatalogError;
}

/**
 * Looks at an archive.
 * @throws {FileSystemError} when a directory cannot be read
 * @throws {WalFileError} when a history file, or the segment that tells the segment size, is damaged
 */
export async function surveyArchive({ reading, catalogPath, days }: SurveyOptions): Promise<ArchiveSurvey> {
  const listing = await listArchive(reading);
  const history = await Timelines.read(reading.directories);
  const map = await WalMap.read(reading);
  await turn();
  const archived = (map?.timelineIds ?? []).flatMap((id) => map?.segmentsOfTimeline(id) ?? []);
  const names = new Set(archived.filter((file) => file.location === 'archive').map((file) => file.name));
  const { totals, catalog } = surveyCatalog(catalogPath, names, days);
  const timelines = listing.timelines.map((timeline) => ({
    ...timeline,
    parentId: history.ancestorsOf(timeline.timelineId).at(-1)?.timelineId,
    beginLsn: history.beginOf(timeline.timelineId),
    waiting: archived.filter((file) => file.timelineId === timeline.timelineId && file.location !== 'archive').length,
    totals: totals.find((one) => one.timelineId === timeline.timelineId),
  }));
  return { listing, timelines, catalog };
}

function surveyCatalog(
  path: string,
  archived: ReadonlySet<string>,
  days: number,
): { readonly totals: readonly TimelineTotals[]; readonly catalog: CatalogSurvey | CatalogError } {
  try {
    using catalog = Catalog.open(path, { readOnly: true });
    const totals = new CatalogTotals(catalog);
    return { totals: totals.byTimeline(), catalog: catalogSurvey(catalog, totals, { archived, days }) };
  } catch (error) {
    if (error instanceof CatalogError) return { totals: [], catalog: error };
    throw error;
  }
}

function catalogSurvey(
  catalog: Catalog,
  totals: CatalogTotals,
  { archived, days }: { readonly archived: ReadonlySet<string>; readonly days: number },
): CatalogSurvey {
  const known = catalog.names().filter((name) => !name.endsWith('.partial'));
  const there = known.filter((name) => archived.has(name)).length;
  const { records } = catalog;
  return {
    days: totals.byDay(days),
    compressions: totals.byCompression(),
    restorePoints: totals.restorePoints(),
    lastVerify: records.lastVerify(),
    badChecks: records.badChecks(),
    heals: records.heals(),
    unknownSegments: archived.size - there,
    goneSegments: known.length - there,
  };
}
