/**
 * Names of WAL files (access/xlog_internal.h: XLogFileName, TLHistoryFileName, BackupHistoryFileName).
 *
 *   00000001000000A9000000FE                    a complete segment: timeline, log id, segment in the log id
 *   00000001000000A9000000FE.partial            the same, not complete
 *   00000002.history                            how timeline 2 came to be
 *   00000001000000A9000000FE.00000028.backup    a base backup started at that offset
 */
import { WalFormatError } from './errors.ts';
import type { Lsn } from './lsn.ts';
import { type SegmentNumber, segmentNumberOf, segmentStartLsn, segmentsPerLogId, type WalSegmentSize } from './segment.ts';
import { type TimelineId, toTimelineId } from './timeline.ts';

/** Suffix of a segment that is still being written. */
export const partialSuffix = '.partial';

/** A WAL file name taken apart. `logId` and `logSegment` are the second and third group of 8 digits of the name. */
export type WalFileName =
  | {
      readonly kind: 'segment' | 'partial';
      readonly name: string;
      readonly timelineId: TimelineId;
      readonly logId: number;
      readonly logSegment: number;
    }
  | { readonly kind: 'history'; readonly name: string; readonly timelineId: TimelineId }
  | {
      readonly kind: 'backup';
      readonly name: string;
      readonly timelineId: TimelineId;
      readonly logId: number;
      readonly logSegment: number;
      readonly offset: number;
    };

const pattern = /^([0-9A-F]{8})(?:([0-9A-F]{8})([0-9A-F]{8})(?:\.(?:([0-9A-F]{8})\.backup|partial))?|\.history)$/;

/** Name of the segment `segment` of a timeline. */
export function walFileName(timelineId: TimelineId, segment: SegmentNumber, size: WalSegmentSize): string {
  const perLogId = segmentsPerLogId(size);
  return hex8(timelineId) + hex8(segment / perLogId) + hex8(segment % perLogId);
}

/** Name of the segment of a timeline that holds the byte at `lsn`. */
export function walFileNameAt(timelineId: TimelineId, lsn: Lsn, size: WalSegmentSize): string {
  return walFileName(timelineId, segmentNumberOf(lsn, size), size);
}

/** Name of the history file of a timeline: `00000002.history`. Timeline 1 has none. */
export function historyFileName(timelineId: TimelineId): string {
  return `${hex8(timelineId)}.history`;
}

/** Name of the backup history file of a base backup that started at `startLsn`. */
export function backupHistoryFileName(timelineId: TimelineId, startLsn: Lsn, size: WalSegmentSize): string {
  const offset = startLsn - segmentStartLsn(segmentNumberOf(startLsn, size), size);
  return `${walFileNameAt(timelineId, startLsn, size)}.${hex8(offset)}.backup`;
}

/** Takes a file name apart, or gives undefined when it is not that of a WAL file. Digits are upper case, as PostgreSQL writes them. */
export function tryParseWalFileName(name: string): WalFileName | undefined {
  const match = pattern.exec(name);
  if (match === null) return undefined;
  const timeline = Number.parseInt(match[1] ?? '', 16);
  if (timeline === 0) return undefined;
  const timelineId = toTimelineId(timeline);
  if (match[2] === undefined || match[3] === undefined) return { kind: 'history', name, timelineId };
  const logId = Number.parseInt(match[2], 16);
  const logSegment = Number.parseInt(match[3], 16);
  if (match[4] !== undefined)
    return { kind: 'backup', name, timelineId, logId, logSegment, offset: Number.parseInt(match[4], 16) };
  return { kind: name.endsWith(partialSuffix) ? 'partial' : 'segment', name, timelineId, logId, logSegment };
}

/**
 * Takes a file name apart.
 * @throws {WalFormatError} `ERR_INVALID_WAL_FILE_NAME` when it is not that of a WAL file.
 */
export function parseWalFileName(name: string): WalFileName {
  const parsed = tryParseWalFileName(name);
  if (parsed !== undefined) return parsed;
  throw new WalFormatError('ERR_INVALID_WAL_FILE_NAME', `"${name}" is not the name of a WAL file`, {
    hint: 'WAL files are named by 24 hexadecimal digits, with .partial or .OFFSET.backup behind them, or by 8 digits and .history.',
  });
}

/**
 * Number of the segment that a name stands for.
 * @throws {WalFormatError} `ERR_INVALID_WAL_FILE_NAME` when the name cannot exist with this segment size.
 */
export function segmentNumberOfName(
  file: { readonly name: string; readonly logId: number; readonly logSegment: number },
  size: WalSegmentSize,
): SegmentNumber {
  const perLogId = segmentsPerLogId(size);
  if (BigInt(file.logSegment) >= perLogId) {
    throw new WalFormatError(
      'ERR_INVALID_WAL_FILE_NAME',
      `"${file.name}" cannot exist with a WAL segment size of ${size} bytes`,
      {
        hint: `With this segment size the last 8 digits of a name go up to ${hex8(perLogId - 1n)}; the file belongs to another cluster.`,
      },
    );
  }
  return (BigInt(file.logId) * perLogId + BigInt(file.logSegment)) as SegmentNumber;
}

/** LSN of the first byte of the segment that a name stands for; see {@link segmentNumberOfName} for what it throws. */
export function startLsnOfName(
  file: { readonly name: string; readonly logId: number; readonly logSegment: number },
  size: WalSegmentSize,
): Lsn {
  return segmentStartLsn(segmentNumberOfName(file, size), size);
}

function hex8(value: number | bigint): string {
  return value.toString(16).toUpperCase().padStart(8, '0');
}
