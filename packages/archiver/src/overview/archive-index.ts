/**
 * The WAL of a server as it was when it was looked at, kept to be asked about: which segments there are in a row, the restore points, where
 * a recovery target lies. Questions read the catalogue and no file of the archive.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { Lsn, SegmentNumber, TimelineId } from '@walvault/wal';
import { CatalogTotals } from '../catalog/catalog-totals.ts';
import { Catalog } from '../catalog/catalog.ts';
import { CatalogError } from '../catalog/errors.ts';
import type { FoundRestorePoint } from '../catalog/catalog-search.ts';
import type { BaseBackup } from '../backups/base-backup.ts';
import { FinderError } from '../finding/errors.ts';
import type { FindRequest } from '../finding/find-target.ts';
import { FindableWal } from '../finding/findable-wal.ts';
import { type ChainExtent, extentOf, type LocatedTarget, locateTarget } from '../finding/locate-target.ts';
import { judgeReachability, type Reachability } from '../finding/reachability.ts';
import type { TimelineChain } from '../finding/timeline-chain.ts';
import { runsOf } from '../wal-files/segment-runs.ts';
import { type ArchiveSurvey, surveyArchive, type SurveyOptions } from './survey-archive.ts';

/** Complete segments in a row, and the commits in them as far as the catalogue knows. Times are microseconds since 1970. */
export interface SegmentSpan {
  readonly first: string;
  readonly last: string;
  readonly count: number;
  readonly firstCommitTime: bigint | undefined;
  readonly lastCommitTime: bigint | undefined;
}

/** The segments of a timeline. */
export interface TimelineSpans {
  readonly timelineId: TimelineId;
  /** In order. A long row is cut into several, so that there are some hundred times along it. */
  readonly spans: readonly SegmentSpan[];
}

/** What to look at. */
export interface ArchiveIndexOptions extends SurveyOptions {
  /** As they are listed, of whatever state. */
  readonly backups: readonly BaseBackup[];
  readonly signal: AbortSignal;
}

/** A target, and whether it can be reached. */
export interface JudgedTarget {
  readonly located: LocatedTarget;
  /** Undefined when it was not found. */
  readonly reachability: Reachability | undefined;
}

/** So many spans of a timeline at least, where there are as many segments. */
const spansPerTimeline = 256;

interface IndexParts {
  readonly survey: ArchiveSurvey;
  readonly wal: FindableWal | undefined;
  readonly timelines: readonly TimelineSpans[];
  readonly magic: number | undefined;
}

/** What was found; dispose of it when it is not asked any more. */
export class ArchiveIndex implements Disposable {
  readonly survey: ArchiveSurvey;
  readonly timelines: readonly TimelineSpans[];
  /** In order of LSN; those of the segments that the catalogue knows. */
  readonly restorePoints: readonly FoundRestorePoint[];
  /** Magic of the pages that were archived last; undefined when it is not known. */
  readonly latestMagic: number | undefined;
  readonly #wal: FindableWal | undefined;
  readonly #backups: readonly BaseBackup[];
  readonly #extents = new Map<TimelineId, ChainExtent>();

  private constructor(parts: IndexParts, backups: readonly BaseBackup[]) {
    this.survey = parts.survey;
    this.#wal = parts.wal;
    this.#backups = backups;
    this.latestMagic = parts.magic;
    this.timelines = parts.timelines;
    this.restorePoints = parts.wal === undefined ? [] : ownRestorePoints(parts.wal);
  }

  /** Looks. @throws what {@link surveyArchive} throws */
  static async open(options: ArchiveIndexOptions): Promise<ArchiveIndex> {
    const survey = await surveyArchive(options);
    // Of a large archive each step takes a while, and whoever shares the thread is to have a turn between.
    await turn();
    const wal = await FindableWal.open(options);
    try {
      await turn();
      const timelines = wal === undefined ? [] : await allSpans(wal);
      return new ArchiveIndex({ survey, wal, timelines, magic: latestMagic(options.catalogPath) }, options.backups);
    } catch (error) {
      wal?.[Symbol.dispose]();
      throw error;
    }
  }

  /**
   * Finds a target by the catalogue, and judges whether a base backup leads to it.
   * @param receivedLsn up to where WAL is received, as far as it is known
   * @returns undefined when there is no segment at all
   * @throws {FinderError} `ERR_TIMELINE_UNKNOWN`; @throws {CatalogError}
   */
  find(request: FindRequest, receivedLsn: Lsn | undefined): JudgedTarget | undefined {
    const wal = this.#wal;
    if (wal === undefined) return undefined;
    const { timelineId } = request;
    if (timelineId !== undefined && !wal.map.timelineIds.includes(timelineId))
      throw new FinderError('ERR_TIMELINE_UNKNOWN', timelineId, wal.map.timelineIds);
    const chain = wal.chain(timelineId ?? wal.newestTimeline);
    const located = locateTarget(wal, chain, this.#extentOf(wal, chain), { request, receivedLsn });
    const { place } = located;
    return { located, reachability: place === undefined ? undefined : judgeReachability(wal, place, this.#backups) };
  }

  #extentOf(wal: FindableWal, chain: TimelineChain): ChainExtent {
    const known = this.#extents.get(chain.timelineId);
    if (known !== undefined) return known;
    const extent = extentOf(wal, chain);
    this.#extents.set(chain.timelineId, extent);
    return extent;
  }

  [Symbol.dispose](): void {
    this.#wal?.[Symbol.dispose]();
  }
}

async function allSpans(wal: FindableWal): Promise<readonly TimelineSpans[]> {
  const timelines: TimelineSpans[] = [];
  for (const timelineId of wal.map.timelineIds) {
    timelines.push({ timelineId, spans: spansOf(wal, timelineId) });
    await turn();
  }
  return timelines;
}

function spansOf(wal: FindableWal, timelineId: TimelineId): readonly SegmentSpan[] {
  const segments = wal.map.segmentsOfTimeline(timelineId).map(({ segment }) => segment);
  const length = BigInt(Math.max(1, Math.ceil(segments.length / spansPerTimeline)));
  return runsOf(segments).flatMap(({ first, last }) => {
    const spans: SegmentSpan[] = [];
    for (let from = first as bigint; from <= last; from += length) {
      const end = from + length <= last + 1n ? from + length : last + 1n;
      spans.push(spanOf(wal, { timelineId, first: from as SegmentNumber, end: end as SegmentNumber }));
    }
    return spans;
  });
}

function spanOf(wal: FindableWal, range: { timelineId: TimelineId; first: SegmentNumber; end: SegmentNumber }): SegmentSpan {
  const { timelineId, first, end } = range;
  const times = wal.index.commitTimes(range);
  return {
    first: wal.nameOf(timelineId, first),
    last: wal.nameOf(timelineId, (end - 1n) as SegmentNumber),
    count: Number(end - first),
    firstCommitTime: times?.first,
    lastCommitTime: times?.last,
  };
}

/** One in front of a switchpoint is in two files, and belongs to the older timeline. */
function ownRestorePoints(wal: FindableWal): readonly FoundRestorePoint[] {
  const found = new Map<string, FoundRestorePoint>();
  for (const point of wal.index.restorePoints()) {
    const { timelineId } = wal.chain(point.timelineId).pieceAt(point.lsn);
    found.set(`${timelineId} ${point.lsn}`, { ...point, timelineId });
  }
  return [...found.values()];
}

function latestMagic(path: string): number | undefined {
  try {
    using catalog = Catalog.open(path, { readOnly: true });
    return new CatalogTotals(catalog).latestMagic();
  } catch (error) {
    if (error instanceof CatalogError) return undefined;
    throw error;
  }
}
