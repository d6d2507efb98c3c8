/**
 * Is a file what its name says? What can be told from its size and first page, or from its text.
 *
 * Follows XLogReaderValidatePageHeader (access/transam/xlogreader.c) for the first page of a segment: plausible magic,
 * long header, sizes, the page's own address (which betrays recycled files), timeline not above that of the name.
 * A newer, unknown magic is let through: the archive must not refuse the WAL of the next PostgreSQL.
 */
import {
  formatLsn,
  isPlausiblePageMagic,
  isWalSegmentSize,
  longPageHeaderSize,
  type PageHeader,
  parseHistoryFile,
  readPageHeader,
  startLsnOfName,
  type WalFileName,
  type WalSegmentSize,
  WalFormatError,
} from '@walvault/wal';
import type { ContentFile } from './content.ts';
import { WalFileError, type WalFileErrorCode } from '../errors.ts';
import { isSegmentFile, type SegmentFileName, type TextFileName } from '../wal-files/layout.ts';

/** What is known about the cluster whose WAL this is. What is not known is not checked, or taken from the file itself. */
export interface ClusterFacts {
  /** Segment size of the cluster. Unless given, each file is taken at the word of its own first page. */
  readonly walSegmentSize?: WalSegmentSize | undefined;
  /** System identifier that the WAL must bear. */
  readonly systemIdentifier?: bigint | undefined;
}

/** History and backup history files are a few lines; what is longer than these bytes is something else. */
export const largestText: number = 1024 * 1024;

/**
 * Checks the first page of a segment against its name and what is known of the cluster.
 * @param page the first bytes of the segment, at least 40 where there are so many
 * @returns the segment size
 * @throws {WalFileError}
 */
export function checkFirstPage(page: Buffer, name: SegmentFileName, facts: ClusterFacts, path: string): WalSegmentSize {
  const fail = (problem: string, code: WalFileErrorCode = 'ERR_WAL_FILE_CORRUPT'): WalFileError =>
    new WalFileError(code, path, problem, { hint: 'Compare it with other copies of this file before you remove it.' });
  if (page.length < longPageHeaderSize) throw fail('is too short for a WAL page header', 'ERR_WAL_FILE_WRONG_SIZE');
  const header = readPageHeader(page);
  if (!isPlausiblePageMagic(header.magic)) throw fail(`does not begin with WAL, but with page magic ${hex4(header.magic)}`);
  if (header.long === undefined) throw fail('has no long header on its first page');
  const { segmentSize, pageSize, systemIdentifier } = header.long;
  if (facts.systemIdentifier !== undefined && systemIdentifier !== facts.systemIdentifier) {
    const problem = `was written by the cluster with system identifier ${systemIdentifier}, not ${facts.systemIdentifier}`;
    throw fail(problem, 'ERR_WAL_FILE_FOREIGN');
  }
  if (!isWalSegmentSize(segmentSize)) throw fail(`names ${segmentSize} bytes as its segment size`);
  if (!isWalPageSize(pageSize)) throw fail(`names ${pageSize} bytes as its page size`);
  if (facts.walSegmentSize !== undefined && segmentSize !== facts.walSegmentSize) {
    throw fail(`is of a cluster with segments of ${segmentSize} bytes, not ${facts.walSegmentSize}`, 'ERR_WAL_FILE_FOREIGN');
  }
  const problem = problemOfPlace(header, name, segmentSize);
  if (problem !== undefined) throw fail(problem);
  return segmentSize;
}

/**
 * Checks a file that is about to be archived: its name against its content.
 * @param file opened, uncompressed as the receiver writes it
 * @param size its size in bytes
 * @throws {WalFileError} when it must not be archived under this name
 * @throws {FileSystemError} when it cannot be read
 */
export async function checkWalFile(file: ContentFile, size: number, name: WalFileName, facts: ClusterFacts): Promise<void> {
  if (isSegmentFile(name)) return checkSegment(file, size, name, facts);
  if (size > largestText) throw new WalFileError('ERR_WAL_FILE_WRONG_SIZE', file.path, `is too long for a ${name.kind} file`);
  checkText((await file.head(largestText)).toString('utf8'), name, file.path);
}

/**
 * Checks the text of a history or backup history file.
 * @throws {WalFileError} `ERR_WAL_FILE_CORRUPT`
 */
export function checkText(text: string, name: TextFileName, path: string): void {
  const hint = 'The file is damaged or is another one; look for another copy of it.';
  if (name.kind === 'backup') {
    if (text.startsWith('START WAL LOCATION: ') && text.split('\n', 1)[0]?.includes(name.name.slice(0, 24))) return;
    throw new WalFileError('ERR_WAL_FILE_CORRUPT', path, 'is not the history of a backup that started in its segment', { hint });
  }
  try {
    if (parseHistoryFile(name.timelineId, text).length > 0) return;
  } catch (cause) {
    if (!(cause instanceof WalFormatError)) throw cause;
    throw new WalFileError('ERR_WAL_FILE_CORRUPT', path, `is not a timeline history file: ${cause.message}`, { hint, cause });
  }
  throw new WalFileError('ERR_WAL_FILE_CORRUPT', path, 'names no timeline that its timeline came from', { hint });
}

async function checkSegment(file: ContentFile, size: number, name: SegmentFileName, facts: ClusterFacts): Promise<void> {
  if (size === 0) throw new WalFileError('ERR_WAL_FILE_WRONG_SIZE', file.path, 'is empty');
  const expected = checkFirstPage(await file.head(longPageHeaderSize), name, facts, file.path);
  const isRight = name.kind === 'partial' ? size <= expected : size === expected;
  if (!isRight) throw new WalFileError('ERR_WAL_FILE_WRONG_SIZE', file.path, `has ${size} bytes instead of ${expected}`);
}

/** Whether XLOG_BLCKSZ may be so many bytes: a power of two from 1 to 64 kB. */
export function isWalPageSize(bytes: number): boolean {
  return bytes >= 1024 && bytes <= 65_536 && (bytes & (bytes - 1)) === 0;
}

function problemOfPlace(header: PageHeader, name: SegmentFileName, segmentSize: WalSegmentSize): string | undefined {
  let expected: bigint;
  try {
    expected = startLsnOfName(name, segmentSize);
  } catch (error) {
    if (error instanceof WalFormatError) return `has a name that its segment size of ${segmentSize} bytes does not allow`;
    throw error;
  }
  if (header.pageLsn !== expected) return `begins with the page of LSN ${formatLsn(header.pageLsn)}, not with that of its name`;
  if (header.timelineId === 0 || header.timelineId > name.timelineId) return `begins on timeline ${header.timelineId}`;
  return undefined;
}

function hex4(value: number): string {
  return value.toString(16).toUpperCase().padStart(4, '0');
}
