/** @walvault/core: the use cases of walvault. The command line and the status page are two faces of it. */
export { archiveServer } from './archive-server.ts';
export type { ArchiveServerOptions } from './archive-server.ts';
export { checkConninfo } from './connections.ts';
export { planCron, withTaskLock } from './cron.ts';
export type { CronPlan } from './cron.ts';
export { deleteServerWal, isDeletionDue } from './delete-server-wal.ts';
export type { DeleteServerWalOptions } from './delete-server-wal.ts';
export { CoreError } from './errors.ts';
export type { CoreErrorCode } from './errors.ts';
export type { FlushBucket, FlushLatency } from './flush-histogram.ts';
export { acceptServerHoles } from './accept-server-holes.ts';
export { healServer } from './heal-server.ts';
export type { HealReport, HealServerOptions, HealSourceReport } from './heal-server.ts';
export type { HealedSegment, UnhealedSegment } from './heal-run.ts';
export { followArchive } from './follow-archive.ts';
export type { FollowArchiveOptions } from './follow-archive.ts';
export { readHoles } from './holes.ts';
export type { HoleReason, HoleResolution, HolesFile, RecordedHole } from './holes.ts';
export { LiveServerConfig } from './live-server-config.ts';
export type { AppliedChanges } from './live-server-config.ts';
export type { StreamStarted } from './receive-attempt.ts';
export { runReceiver } from './receive-service.ts';
export type { ReceiveServiceOptions } from './receive-service.ts';
export { isReportedError, readReceiverState } from './receiver-state.ts';
export type { ReceiverPhase, ReceiverState, ReportedError } from './receiver-state.ts';
export { holesPath, openReceiverLog, receiverLogPath, statePath } from './server-paths.ts';
export type { ServerTask } from './server-paths.ts';
export { resetReceiver } from './reset-receiver.ts';
export type { ResetOptions, ResetOutcome } from './reset-receiver.ts';
export { listServerArchive } from './server-archive.ts';
export { openServerWal } from './server-wal.ts';
export type { CatchUpProgress } from './catch-up.ts';
export { checkServerWalArchive, rebuildServerXlogDb } from './server-xlog-db.ts';
export type { RebuildServerXlogDbOptions } from './server-xlog-db.ts';
export { serverNamed, serversNamed } from './servers.ts';
export { createServerSlot, dropServerSlot, requireSlotName } from './slot-commands.ts';
export { serverStatus } from './status.ts';
export type { ServerStatus } from './status.ts';
export { stopTask } from './stop-task.ts';
export { ArchiveEmptyError, WalFileError, WalHoleError } from '@walvault/archiver';
export type { ArchivedWal, ArchiveListing, ArchiveReport, FileResult, RestoreOutcome, SourceKind } from '@walvault/archiver';
export type { DeleteReport, RetentionBlock } from '@walvault/archiver';
export { ConfigError, formatProblem, loadConfiguration } from '@walvault/config';
export type { Configuration, ServerConfig } from '@walvault/config';
export { SlotExistsError } from '@walvault/slots';
export { listServerBackups } from './base-backups.ts';
export type { BackupPoint, BackupStatus, BaseBackup, BaseBackupListing, UnreadableBackup } from '@walvault/archiver';
export { rebuildServerCatalog } from './rebuild-server-catalog.ts';
export type { RebuildServerCatalogOptions } from './rebuild-server-catalog.ts';
export type { RebuildCatalogReport, RebuildXlogDbReport } from '@walvault/archiver';
export { findServerTarget, listServerRestorePoints } from './find-server-target.ts';
export type {
  FindCircumstances,
  FindOptions,
  FindTargetOptions,
  ServerRestorePoints,
  ServerTarget,
} from './find-server-target.ts';
export type {
  ChainFinding,
  FindRequest,
  FoundRestorePoint,
  Reachability,
  RecoveryAction,
  RecoverySettings,
  RecoveryTarget,
  TargetFinding,
  TargetPlace,
  WalReach,
} from '@walvault/archiver';
export { serverRecordStatistics, surveyServerArchive, viewServerSegment } from './show-server-wal.ts';
export { CatalogError } from '@walvault/archiver';
export type { ArchiveSurvey, CatalogSurvey, RecordStatistics, SegmentView, SurveyedTimeline } from '@walvault/archiver';
export { judgeSlotSafety } from './slot-safety/judge-slot-safety.ts';
export type { SlotRetention, SlotSafety, SlotSafetyOptions } from './slot-safety/judge-slot-safety.ts';
export { readLastVerification } from './last-verification.ts';
export type { LastVerification } from './last-verification.ts';
