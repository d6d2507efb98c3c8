/**
 * What a streaming directory says about where to go on.
 *
 * The rule is pg_receivewal's (FindStreamingStart): the highest segment counts, of equal ones that of the higher
 * timeline, a complete one before a partial one. Behind a complete segment streaming starts at the next one, a
 * partial one is received again from its start. Unlike there, a file of a wrong size in the decisive place is an
 * error and not skipped, since skipping it would move the start.
 */
import { type Dirent } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileSystemError, FileSystemError } from '@walvault/durable-fs';
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

/** The segment file that decides where streaming goes on. */
export interface LatestSegment {
  readonly name: string;
  readonly timelineId: TimelineId;
  readonly segment: SegmentNumber;
  readonly isPartial: boolean;
  /** Where streaming goes on: the end of a complete segment, the start of a partial one. */
  readonly resumeLsn: Lsn;
  /** System identifier in its first page, or undefined when nothing was written there yet. */
  readonly systemIdentifier: bigint | undefined;
}

/** A streaming directory as it was found. */
export interface StreamingDirectory {
  /** Undefined when there is no segment yet. */
  readonly latest: LatestSegment | undefined;
  /** Names that have no business there; they are left alone. */
  readonly foreignNames: readonly string[];
}

interface Candidate {
  readonly name: string;
  readonly timelineId: TimelineId;
  readonly segment: SegmentNumber;
  readonly isPartial: boolean;
}

/**
 * Looks at a streaming directory.
 * @throws {FileSystemError} when it cannot be read
 * @throws {ReceiverError} `ERR_SEGMENT_FILE_SIZE` when the latest segment file has an impossible size
 * @throws {WalFormatError} when a name cannot exist with this segment size
 */
export async function readStreamingDirectory(directory: string, size: WalSegmentSize): Promise<StreamingDirectory> {
  let vanished: string | undefined;
  for (;;) {
    try {
      return await scan(directory, size);
    } catch (error) {
      // an archiver has taken that file away meanwhile: then another one decides
      if (!(error instanceof FileSystemError && error.code === 'ERR_PATH_MISSING') || error.path === vanished) throw error;
      vanished = error.path;
    }
  }
}

async function scan(directory: string, size: WalSegmentSize): Promise<StreamingDirectory> {
  const entries = await readdir(directory, { withFileTypes: true }).catch((error: unknown) => {
    throw fileSystemError('read the directory', directory, error);
  });
  const candidates: Candidate[] = [];
  const foreignNames: string[] = [];
  for (const entry of entries) {
    const candidate = candidateOf(entry, size);
    if (candidate === 'foreign') foreignNames.push(entry.name);
    else if (candidate !== undefined) candidates.push(candidate);
  }
  const latest = candidates.reduce<Candidate | undefined>(
    (best, next) => (best === undefined || isLater(next, best) ? next : best),
    undefined,
  );
  return {
    latest: latest === undefined ? undefined : await examine(directory, latest, size),
    foreignNames: foreignNames.toSorted(),
  };
}

function candidateOf(entry: Dirent, size: WalSegmentSize): Candidate | 'foreign' | undefined {
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

function isLater(a: Candidate, b: Candidate): boolean {
  if (a.segment !== b.segment) return a.segment > b.segment;
  if (a.timelineId !== b.timelineId) return a.timelineId > b.timelineId;
  return b.isPartial && !a.isPartial;
}

async function examine(directory: string, candidate: Candidate, size: WalSegmentSize): Promise<LatestSegment> {
  const path = join(directory, candidate.name);
  const bytes = await stat(path).then(
    (found) => found.size,
    (error: unknown) => {
      throw fileSystemError('look at', path, error);
    },
  );
  if (candidate.isPartial ? bytes > size : bytes !== size) throw wrongSize(path, bytes, candidate.isPartial, size);
  const resumeLsn = candidate.isPartial ? segmentStartLsn(candidate.segment, size) : segmentEndLsn(candidate.segment, size);
  return { ...candidate, resumeLsn, systemIdentifier: bytes < longPageHeaderSize ? undefined : await readSystemIdentifier(path) };
}

async function readSystemIdentifier(path: string): Promise<bigint | undefined> {
  try {
    await using file = await open(path, 'r');
    const { buffer } = await file.read(Buffer.alloc(longPageHeaderSize), 0, longPageHeaderSize, 0);
    return readPageHeader(buffer).long?.systemIdentifier;
  } catch (error) {
    throw fileSystemError('read', path, error);
  }
}

function wrongSize(path: string, bytes: number, isPartial: boolean, size: WalSegmentSize): ReceiverError {
  const allowed = isPartial ? `at most ${size}` : `${size}`;
  return new ReceiverError('ERR_SEGMENT_FILE_SIZE', `WAL segment file "${path}" has ${bytes} bytes, should have ${allowed}`, {
    path,
    hint: 'Look at this file and move it out of the directory; streaming then starts again at the position before it.',
  });
}
