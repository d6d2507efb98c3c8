/** An archive as it was when it was looked at: plain values, which a thread has sent, and a way to ask that thread. */
import type {
  ArchiveSurvey,
  CatalogSurvey,
  FoundRestorePoint,
  FoundServerTarget,
  IndexedFindOptions,
  ReportedError,
  TimelineSpans,
} from '@walvault/core/surveying';

/** The whole picture. What stood in the way of the catalogue stands in its place. */
export interface Survey extends Omit<ArchiveSurvey, 'catalog'> {
  readonly catalog: CatalogSurvey | ReportedError;
}

/** What a thread sends of an archive. */
export interface SurveyResult {
  readonly survey: Survey;
  readonly timelines: readonly TimelineSpans[];
  /** In order of LSN; those that the catalogue knows. */
  readonly restorePoints: readonly FoundRestorePoint[];
}

/** Frozen. Dispose of it when it is not asked any more. */
export interface SurveyedArchive extends SurveyResult, Disposable {
  /**
   * Finds a recovery target, to the segment, by the catalogue.
   * @returns undefined when there is no segment
   * @throws {WalvaultError} as the thread says, `ERR_TIMELINE_UNKNOWN` among others; `ERR_SURVEY` when the thread is gone or does not answer
   */
  find(options: IndexedFindOptions): Promise<FoundServerTarget | undefined>;
}
