/** @walvault/archiver: from the streaming directory to the archive and back, in the layout of Barman. */
export { archiveWal } from './archiving/archive-wal.ts';
export type { ArchiveReport, ArchiveWalOptions } from './archiving/archive-wal.ts';
export type { ArchiveHooks } from './archiving/archive-hooks.ts';
export type { ArchiveCatalog } from './archiving/catalog-notes.ts';
export type { FileResult, SourceKind } from './archiving/file-result.ts';
export type { ClusterFacts } from './content/check-wal-file.ts';
export { defaultLevels } from './content/default-levels.ts';
export type { ArchivedCodec, Compression, CompressionMethod, CustomFilters, StoredCodec } from './content/codec.ts';
export { usableCompression } from './content/encode.ts';
export type { UsableCompression } from './content/encode.ts';
export {
  ArchiveCopyError,
  ArchiveEmptyError,
  ArchiverBusyError,
  CodecProgramError,
  NothingToVerifyError,
  DeletionRecordError,
  PutWalError,
  SpoolError,
  WalFileError,
  WalHoleError,
  XlogDbError,
} from './errors.ts';
export type { ArchiverErrorCode, WalFileErrorCode } from './errors.ts';
export type { HookFile, HookSubject } from './hooks/hook-environment.ts';
export { runPostScripts, runPreScripts } from './hooks/run-scripts.ts';
export type { HookOptions, HookScripts } from './hooks/run-scripts.ts';
export type { WalLocation } from './wal-files/find-wal.ts';
export type { WalDirectories } from './wal-files/layout.ts';
export { findDamage } from './healing/find-damage.ts';
export type { Damage, DamagedSegment } from './healing/find-damage.ts';
export { judgeCandidate } from './healing/judge-candidate.ts';
export type { Judgement } from './healing/judge-candidate.ts';
export { Neighbours } from './healing/neighbours.ts';
export type { Fit, NeighbourOptions } from './healing/neighbours.ts';
export { setAside } from './healing/set-aside.ts';
export type { SetAsideOptions } from './healing/set-aside.ts';
export { Timelines } from './wal-files/timelines.ts';
export { listArchive } from './wal-files/list-archive.ts';
export type { ArchiveListing, TimelineListing, WalHole } from './wal-files/list-archive.ts';
export { deleteWal } from './retention/delete-wal.ts';
export type { DeleteReport, DeleteWalOptions, DeletionCatalog } from './retention/delete-wal.ts';
export type { NeededBackup, RetentionBlock, WalRetention } from './retention/plan-retention.ts';
export type { RemovedFile } from './retention/remove-files.ts';
export { prefetch } from './prefetching/prefetcher.ts';
export type { PrefetchOptions } from './prefetching/prefetcher.ts';
export { isNextSegmentThere } from './prefetching/next-segment.ts';
export { Spool } from './prefetching/spool.ts';
export { openWal } from './restoring/open-wal.ts';
export type { ArchivedWal, OpenWalChoices, WalForm, WalReadOptions } from './restoring/open-wal.ts';
export { peekWal } from './restoring/peek-wal.ts';
export { restoreWal } from './restoring/restore-wal.ts';
export type { RestoreOutcome, RestoreWalOptions } from './restoring/restore-wal.ts';
export type { KeepReason, KeptFile } from './archiving/select-files.ts';
export { checkWalArchive } from './wal-files/check-wal-archive.ts';
export type { WalArchiveCheck } from './wal-files/check-wal-archive.ts';
export { rebuildXlogDb } from './wal-files/rebuild-xlog-db.ts';
export type { RebuildXlogDbOptions, RebuildXlogDbReport } from './wal-files/rebuild-xlog-db.ts';
export { readXlogDb, readXlogDbFrom, xlogDbPath } from './wal-files/xlog-db.ts';
export type { PlacedXlogDbEntry } from './wal-files/xlog-db.ts';
export type { XlogDbMemory } from './wal-files/xlog-db.ts';
export type { XlogDbEntry } from './wal-files/xlog-db-line.ts';
export { Catalog } from './catalog/catalog.ts';
export type { CatalogEntry } from './catalog/catalog.ts';
export type { CatalogOpenOptions } from './catalog/catalog-database.ts';
export { CatalogError } from './catalog/errors.ts';
export type { CatalogErrorCode } from './catalog/errors.ts';
export type { SegmentFacts } from './checking/segment-facts.ts';
export { isRestorable } from './backups/base-backup.ts';
export type { BackupPoint, BackupStatus, BaseBackup, RestorableBackup } from './backups/base-backup.ts';
export { findVanishedBackups, rememberBackups } from './backups/known-backups.ts';
export type { FoundBackups, VanishedBackups } from './backups/known-backups.ts';
export { listBaseBackups } from './backups/list-base-backups.ts';
export type { BackupDirectories, BaseBackupListing, UnreadableBackup } from './backups/list-base-backups.ts';
export type {
  CatalogRecords,
  CheckVerdict,
  Deletion,
  Heal,
  SegmentCheck,
  VerifyRun,
  VerifyTotals,
} from './catalog/catalog-records.ts';
export { rebuildCatalog } from './catalog/rebuild-catalog.ts';
export type { RebuildCatalogOptions, RebuildCatalogReport } from './catalog/rebuild-catalog.ts';
export type { UnreadableSegment } from './catalog/archive-reader.ts';
export type { FoundRestorePoint } from './catalog/catalog-search.ts';
export { FinderError } from './finding/errors.ts';
export type { FinderErrorCode } from './finding/errors.ts';
export { FindableWal } from './finding/findable-wal.ts';
export type { FindableWalOptions } from './finding/findable-wal.ts';
export { findTarget } from './finding/find-target.ts';
export type { FindRequest, TargetFinding } from './finding/find-target.ts';
export type { LocatedTarget } from './finding/locate-target.ts';
export { judgeReachability } from './finding/reachability.ts';
export type { Reachability } from './finding/reachability.ts';
export { recoverySettings } from './finding/recovery-settings.ts';
export type { RecoveryAction, RecoverySettings, RecoverySettingsOptions } from './finding/recovery-settings.ts';
export type { ChainFinding, ClockStep, RecoveryTarget, TargetPlace, WalReach } from './finding/recovery-target.ts';
export type { VerifyFinding } from './verifying/finding.ts';
export { parseVerifyEdge } from './verifying/verify-range.ts';
export type { VerifyEdge, VerifyRange } from './verifying/verify-range.ts';
export type { VerifiedTimeline, VerifyReport } from './verifying/verify-report.ts';
export type { VerifyCounts } from './verifying/verify-totals.ts';
export { verifyWal } from './verifying/verify-wal.ts';
export type { VerifyProgress, VerifyWalOptions } from './verifying/verify-wal.ts';
export type { CompressionTotals, DayTotals, SegmentTotals, TimelineTotals } from './catalog/catalog-totals.ts';
export { ArchiveIndex } from './overview/archive-index.ts';
export type { ArchiveIndexOptions, JudgedTarget, SegmentSpan, TimelineSpans } from './overview/archive-index.ts';
export { recordStatistics } from './overview/record-statistics.ts';
export type { RecordStatistics } from './overview/record-statistics.ts';
export { viewSegment } from './overview/segment-view.ts';
export type { SegmentView } from './overview/segment-view.ts';
export { surveyArchive } from './overview/survey-archive.ts';
export type { ArchiveSurvey, CatalogSurvey, SurveyedTimeline, SurveyOptions } from './overview/survey-archive.ts';
export { CatalogSearch } from './catalog/catalog-search.ts';
export type { SegmentRange } from './catalog/catalog-search.ts';
