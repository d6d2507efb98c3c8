/** What the archive of a server holds: as a whole, one segment of it, and its records by kind. */
import {
  type ArchiveSurvey,
  recordStatistics,
  type RecordStatistics,
  type SegmentView,
  surveyArchive,
  viewSegment,
} from '@walvault/archiver';
import type { ServerConfig } from '@walvault/config';
import type { TimelineId } from '@walvault/wal';
import { catalogPath } from './server-paths.ts';
import { readOptions } from './server-wal.ts';

/** Looks at the whole archive; see `surveyArchive`. */
export async function surveyServerArchive(server: ServerConfig, days: number): Promise<ArchiveSurvey> {
  return surveyArchive({ reading: await readOptions(server), catalogPath: catalogPath(server), days });
}

/** Looks at one segment; see `viewSegment`. */
export async function viewServerSegment(
  server: ServerConfig,
  name: string,
  signal: AbortSignal,
): Promise<SegmentView | undefined> {
  return viewSegment(await readOptions(server), catalogPath(server), name, signal);
}

/** Adds up the records on the way to a timeline; see `recordStatistics`. */
export async function serverRecordStatistics(
  server: ServerConfig,
  timelineId?: TimelineId,
): Promise<RecordStatistics | undefined> {
  return recordStatistics(await readOptions(server), catalogPath(server), timelineId);
}
