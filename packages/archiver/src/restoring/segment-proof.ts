/**
 * Proof that what a segment holds is right, taken as its bytes pass on their way to a recovering server: PostgreSQL takes a damaged record
 * for the end of the WAL, as a missing segment, and would promote with data missing.
 *
 * Where the catalogue knows the file as a good one, its checksum proves every byte. Without that every page header and record is checked;
 * what that cannot prove is the rest of a record that began in the segment before (see `WalChecker`), unless its beginning is known.
 */
import { createHash, type Hash } from 'node:crypto';
import {
  formatLsn,
  type Lsn,
  longPageHeaderSize,
  readPageHeader,
  startLsnOfName,
  WalChecker,
  type WalFault,
  type WalSeam,
} from '@walvault/wal';
import { checkFirstPage, type ClusterFacts } from '../content/check-wal-file.ts';
import type { SegmentFileName } from '../wal-files/layout.ts';
import { corruptWal } from './corrupt-wal.ts';

/** What is to be proven. */
export interface SegmentProofOptions {
  readonly name: SegmentFileName;
  readonly facts: ClusterFacts;
  /** Of the file, for the error. */
  readonly path: string;
  /** SHA-256 of the right content in hexadecimal digits, if it is known. */
  readonly sha256: string | undefined;
  /** Where the segment before ends, if that is known. */
  readonly seam?: WalSeam | undefined;
}

/** Takes the content from its start. */
export class SegmentProof {
  readonly #options: SegmentProofOptions;
  readonly #hash: Hash | undefined;
  #checker: WalChecker | undefined;
  #head: Buffer = Buffer.alloc(0);

  constructor(options: SegmentProofOptions) {
    this.#options = options;
    if (options.sha256 !== undefined) this.#hash = createHash('sha256');
  }

  /** Takes the next bytes, which stay the caller's. @throws {WalFileError} `ERR_WAL_FILE_CORRUPT` at the first record that is not right */
  take(chunk: Buffer): void {
    if (this.#hash !== undefined) this.#hash.update(chunk);
    else if (this.#checker !== undefined) this.#check(this.#checker, chunk);
    else {
      this.#head = Buffer.concat([this.#head, chunk]);
      if (this.#head.length >= longPageHeaderSize) this.#begin();
    }
  }

  /** To be called behind the last byte. @throws {WalFileError} `ERR_WAL_FILE_CORRUPT` when the content is not what it was */
  finish(): void {
    if (this.#hash === undefined || this.#hash.digest('hex') === this.#options.sha256) return;
    throw corruptWal(this.#options.path, 'does not hold what was archived: its checksum is not the one in the catalogue');
  }

  #begin(): void {
    const { name, facts, path, seam } = this.#options;
    const walSegmentSize = checkFirstPage(this.#head, name, facts, path);
    this.#checker = new WalChecker({
      startLsn: startLsnOfName(name, walSegmentSize),
      walSegmentSize,
      walPageSize: readPageHeader(this.#head).long?.pageSize,
      timelineId: name.timelineId,
      systemIdentifier: facts.systemIdentifier,
      seam,
    });
    this.#check(this.#checker, this.#head);
    this.#head = Buffer.alloc(0);
  }

  #check(checker: WalChecker, chunk: Buffer): void {
    const fault = checker.check(chunk);
    if (fault === undefined) return;
    const { seam, path } = this.#options;
    throw corruptWal(path, seam !== undefined && fault.lsn < seam.lsn ? overBoundary(fault, seam.lsn) : fault);
  }
}

/** Which of the two files is damaged, nobody can tell. */
function overBoundary({ lsn, problem }: WalFault, boundary: Lsn): string {
  const record = `the record at ${formatLsn(lsn)}, which begins in the segment before and goes on behind ${formatLsn(boundary)}`;
  return `or the segment before it is damaged: ${record}, is not right: ${problem}`;
}
