/**
 * What a streaming directory says about where to go on.
 *
 * The rule is pg_receivewal's (FindStreamingStart): the highest segment counts, of equal ones that of the higher
 * timeline, a complete one before a partial one. Unlike there, a file of a wrong size in the decisive place is an
 * error and not skipped, since skipping it would move the start; and segments of a timeline that the server never was on, or
 * left before them, do not count: what a failed primary wrote last may be higher than all that its successor has.
 */
import { join } from 'node:path';
import { type DirectoryEntry, type Disk, FileSystemError, readDirectory, readStart } from '@walvault/durable-fs';
import {
  longPageHeaderSize,
  type Lsn,
  readPageHeader,
  segmentEndLsn,
  type SegmentNumber,
  segmentNumberOfName,
  segmentStartLsn,
  type TimelineId,
  tryParseWalFileName,
  type WalSegmentSize,
} from '@walvault/wal';
import { ReceiverError } from './errors.ts';
import { isInLineage, type Lineage } from './lineage.ts';

/** A segment file of a streaming directory. */
export interface SegmentFile {
  readonly name: string;
  readonly timelineId: TimelineId;
  readonly segment: SegmentNumber;
  readonly isPartial: boolean;
}

/** The segment file that decides where streaming goes on. */
export interface LatestSegment extends SegmentFile {
  /** Where streaming goes on for sure: the end of a complete segment, the start of a partial one. */
  readonly resumeLsn: Lsn;
  /** System identifier in its first page, or undefined when that was not written yet. */
  readonly systemIdentifier: bigint | undefined;
}

/** A streaming directory as it was found. */
export interface StreamingDirectory {
  /** Undefined when there is no segment yet that belongs to the lineage. */
  readonly latest: LatestSegment | undefined;
  /** Of each timeline that has segments outside of the lineage, the last of these. */
  readonly astray: readonly LatestSegment[];
  /** All segment files, in no order. */
  readonly segments: readonly SegmentFile[];
  /** Names that have no business there; they are left alone. */
  readonly foreignNames: readonly string[];
}

/** How to read a streaming directory. */
export interface ReadStreamingDirectoryOptions {
  readonly walSegmentSize: WalSegmentSize;
  /** The timelines of the server; every timeline counts unless given. */
  readonly lineage?: Lineage | undefined;
  readonly disk?: Disk | undefined;
}

/**
 * Looks at a streaming directory.
 * @throws {FileSystemError} when it cannot be read
 * @throws {ReceiverError} `ERR_SEGMENT_FILE_SIZE` when the latest segment file has an impossible size
 * @throws {WalFormatError} when a name cannot exist with this segment size
 */
export async function readStreamingDirectory(
  directory: string,
  options: ReadStreamingDirectoryOptions,
): Promise<StreamingDirectory> {
  let vanished: string | undefined;
  for (;;) {
    try {
      return await scan(directory, options);
    } catch (error) {
      // an archiver has taken that file away meanwhile: then another one decides
      if (!(error instanceof FileSystemError && error.code === 'ERR_PATH_MISSING') || error.path === vanished) throw error;
      vanished = error.path;
    }
  }
}

async function scan(directory: string, options: ReadStreamingDirectoryOptions): Promise<StreamingDirectory> {
  const { walSegmentSize: size, lineage, disk } = options;
  const entries = await readDirectory(directory, disk);
  const segments: SegmentFile[] = [];
  const foreignNames: string[] = [];
  for (const entry of entries) {
    const file = segmentFileOf(entry, size);
    if (file === 'foreign') foreignNames.push(entry.name);
    else if (file !== undefined) segments.push(file);
  }
  const belongs = (file: SegmentFile): boolean =>
    lineage === undefined || isInLineage(lineage, file.timelineId, segmentStartLsn(file.segment, size));
  const look = (file: SegmentFile): Promise<LatestSegment> => examine(join(directory, file.name), file, { size, disk });
  const latest = latestOf(segments.filter(belongs));
  return {
    latest: latest === undefined ? undefined : await look(latest),
    astray: await Promise.all(lastOfEachTimeline(segments.filter((file) => !belongs(file))).map(look)),
    segments,
    foreignNames: foreignNames.toSorted(),
  };
}

function latestOf(files: readonly SegmentFile[]): SegmentFile | undefined {
  return files.reduce<SegmentFile | undefined>(
    (best, next) => (best === undefined || isLater(next, best) ? next : best),
    undefined,
  );
}

function lastOfEachTimeline(files: readonly SegmentFile[]): readonly SegmentFile[] {
  const byTimeline = Map.groupBy(files, (file) => file.timelineId);
  return [...byTimeline.values()].flatMap((group) => latestOf(group) ?? []).toSorted((a, b) => a.timelineId - b.timelineId);
}

function segmentFileOf(entry: DirectoryEntry, size: WalSegmentSize): SegmentFile | 'foreign' | undefined {
  if (entry.name.startsWith('.') || entry.name.endsWith('.tmp')) return undefined;
  const file = tryParseWalFileName(entry.name);
  if (file === undefined || !entry.isFile()) return 'foreign';
  if (file.kind === 'history' || file.kind === 'backup') return undefined;
  return {
    name: file.name,
    timelineId: file.timelineId,
    segment: segmentNumberOfName(file, size),
    isPartial: file.kind === 'partial',
  };
}

function isLater(a: SegmentFile, b: SegmentFile): boolean {
  if (a.segment !== b.segment) return a.segment > b.segment;
  if (a.timelineId !== b.timelineId) return a.timelineId > b.timelineId;
  return b.isPartial && !a.isPartial;
}

async function examine(
  path: string,
  file: SegmentFile,
  { size, disk }: { readonly size: WalSegmentSize; readonly disk: Disk | undefined },
): Promise<LatestSegment> {
  const start = await readStart(path, longPageHeaderSize, disk);
  if (file.isPartial ? start.size > size : start.size !== size) throw wrongSize(path, start.size, file.isPartial, size);
  const resumeLsn = file.isPartial ? segmentStartLsn(file.segment, size) : segmentEndLsn(file.segment, size);
  return { ...file, resumeLsn, systemIdentifier: systemIdentifierIn(start.bytes, segmentStartLsn(file.segment, size), size) };
}

/** A header that is there in part only, as a full disk leaves it, says nothing. What is looked at lies around the identifier. */
function systemIdentifierIn(bytes: Buffer, startLsn: Lsn, size: WalSegmentSize): bigint | undefined {
  if (bytes.length < longPageHeaderSize) return undefined;
  const { pageLsn, long } = readPageHeader(bytes);
  return pageLsn === startLsn && long?.segmentSize === size ? long.systemIdentifier : undefined;
}

function wrongSize(path: string, bytes: number, isPartial: boolean, size: WalSegmentSize): ReceiverError {
  const allowed = isPartial ? `at most ${size}` : `${size}`;
  return new ReceiverError('ERR_SEGMENT_FILE_SIZE', `WAL segment file "${path}" has ${bytes} bytes, should have ${allowed}`, {
    path,
    hint: 'Look at this file and move it out of the directory; streaming then starts again at the position before it.',
  });
}
