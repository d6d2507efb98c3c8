/** @walvault/wal: the words of PostgreSQL's write-ahead log. Pure values, no I/O. */
export { crc32c } from './crc32c.ts';
export { WalFormatError, WalvaultError } from './errors.ts';
export type { RetryAdvice, WalErrorCode, WalvaultErrorOptions } from './errors.ts';
export { formatHistoryFile, parseHistoryFile, timelineAt } from './history-file.ts';
export type { TimelineSwitch } from './history-file.ts';
export { silentLogger } from './logger.ts';
export type { LogFields, Logger } from './logger.ts';
export { addToLsn, formatLsn, formatLsnPadded, invalidLsn, lsnDistance, maxOfLsn, parseLsn, toLsn } from './lsn.ts';
export type { Lsn } from './lsn.ts';
export {
  defaultWalPageSize,
  isPlausiblePageMagic,
  longPageHeaderSize,
  majorOfPageMagic,
  pageFlags,
  pageMagicOfMajor,
  readPageHeader,
  shortPageHeaderSize,
} from './page-header.ts';
export type { LongPageHeader, PageFlags, PageHeader } from './page-header.ts';
export { recordTypeName, rmgrName } from './rmgr-names.ts';
export {
  defaultWalSegmentSize,
  isSegmentStart,
  isWalSegmentSize,
  offsetInSegment,
  parseWalSegmentSize,
  roundDownToSegment,
  segmentEndLsn,
  segmentNumberOf,
  segmentStartLsn,
  segmentsPerLogId,
  toWalSegmentSize,
} from './segment.ts';
export type { SegmentNumber, WalSegmentSize } from './segment.ts';
export { formatTimestamp, tryParseTimestamp } from './timestamp.ts';
export type { ReadTimestamp } from './timestamp.ts';
export { firstTimelineId, toTimelineId } from './timeline.ts';
export type { TimelineId } from './timeline.ts';
export { WalCensus } from './wal-census.ts';
export { WalChecker } from './wal-checker.ts';
export type { WalCheckerOptions, WalFault } from './wal-checker.ts';
export type { WalEvent } from './wal-event.ts';
export type { WalProblem } from './wal-problem.ts';
export {
  backupHistoryFileName,
  historyFileName,
  parseWalFileName,
  partialSuffix,
  segmentNumberOfName,
  startLsnOfName,
  tryParseWalFileName,
  walFileName,
  walFileNameAt,
} from './wal-file-name.ts';
export type { WalFileName } from './wal-file-name.ts';
export { decodeWalSeam, encodeWalSeam } from './wal-seam.ts';
export type { OpenRecord, PageSeam, RecordSeam, WalSeam } from './wal-seam.ts';
export type { RestorePoint, RmgrStatistics, WalStatistics } from './wal-statistics.ts';
