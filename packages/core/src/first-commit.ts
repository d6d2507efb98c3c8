/** The first commit in the WAL of a directory that segments are received into. */
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, fileSystemError } from '@walvault/durable-fs';
import {
  addToLsn,
  type Lsn,
  lsnDistance,
  offsetInSegment,
  partialSuffix,
  readPageHeader,
  segmentEndLsn,
  segmentNumberOf,
  type TimelineId,
  WalCensus,
  WalChecker,
  walFileNameAt,
  type WalSegmentSize,
} from '@walvault/wal';

/** Where to look. */
export interface CommitSearch {
  readonly directory: string;
  readonly timelineId: TimelineId;
  readonly walSegmentSize: WalSegmentSize;
  /** The start of a segment. */
  readonly fromLsn: Lsn;
  /** Behind the last byte that is there. */
  readonly toLsn: Lsn;
}

/** What was found. */
export interface FoundCommit {
  /**
   * The time of the commit in milliseconds since 1970, by the clock of the server; `none` when there is none up to `toLsn`; `unknown` when a
   * file is not there (it may have been archived meanwhile), the WAL cannot be read, or there is none in the first 64 MiB.
   */
  readonly atMs: number | 'none' | 'unknown';
  /** The WAL begins with the rest of a record, which may be a commit too: it does not count. */
  readonly beginsInRecord: boolean;
}

const chunkBytes = 256 * 1024;
/** A transaction that goes on for longer than that without a commit of any other is not followed to its end. */
const mostBytes = 64 * 1024 * 1024;

/** Looks for the first commit. @throws {FileSystemError} when a file is there and cannot be read */
export async function firstCommit(search: CommitSearch): Promise<FoundCommit> {
  const { timelineId, walSegmentSize, fromLsn, toLsn } = search;
  const census = new WalCensus();
  const checker = new WalChecker({ startLsn: fromLsn, walSegmentSize, timelineId, census });
  let beginsInRecord = false;
  for await (const chunk of walFrom(search)) {
    if (checker.checkedLsn === fromLsn) beginsInRecord = readPageHeader(chunk).remainingLength > 0;
    const fault = checker.check(chunk);
    const { firstCommitTime } = census.statistics();
    if (firstCommitTime !== undefined) return { atMs: Number(firstCommitTime / 1000n), beginsInRecord };
    if (fault !== undefined || lsnDistance(fromLsn, checker.checkedLsn) > mostBytes) break;
  }
  return { atMs: checker.checkedLsn === toLsn ? 'none' : 'unknown', beginsInRecord };
}

/** The WAL chunk by chunk, each valid until the next; it ends early where a file is not there or too short. */
async function* walFrom({ directory, timelineId, walSegmentSize, fromLsn, toLsn }: CommitSearch): AsyncGenerator<Buffer> {
  const buffer = Buffer.allocUnsafe(chunkBytes);
  for (let lsn = fromLsn; lsn < toLsn; ) {
    await using file = await openSegment(join(directory, walFileNameAt(timelineId, lsn, walSegmentSize)));
    if (file === undefined) return;
    const segmentEnd = segmentEndLsn(segmentNumberOf(lsn, walSegmentSize), walSegmentSize);
    const endLsn = toLsn < segmentEnd ? toLsn : segmentEnd;
    while (lsn < endLsn) {
      const wanted = Math.min(chunkBytes, lsnDistance(lsn, endLsn));
      const { bytesRead } = await file.read(buffer, 0, wanted, offsetInSegment(lsn, walSegmentSize));
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
      lsn = addToLsn(lsn, bytesRead);
    }
  }
}

async function openSegment(path: string): Promise<FileHandle | undefined> {
  for (const name of [path, path + partialSuffix]) {
    try {
      return await open(name, 'r');
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw fileSystemError('open', name, error);
    }
  }
  return undefined;
}
