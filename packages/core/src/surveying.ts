/** @walvault/core/surveying: the part of @walvault/core that looks at a whole archive at once, for a thread that does nothing else. */
export { openServerArchiveIndex } from './open-server-archive-index.ts';
export type { FoundServerTarget, IndexedFindOptions, ServerArchiveIndex } from './open-server-archive-index.ts';
export { isReportedError } from './receiver-state.ts';
export type { ReportedError } from './receiver-state.ts';
export { reportError } from './state-publisher.ts';
export type {
  ArchiveSurvey,
  CatalogSurvey,
  FoundRestorePoint,
  LocatedTarget,
  SegmentSpan,
  SurveyedTimeline,
  TimelineSpans,
} from '@walvault/archiver';
