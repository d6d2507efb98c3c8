/** Stands in for checking/ until that is there: records and page headers, no seam, no statistics. */
import { createHash } from 'node:crypto';
import {
  formatLsn,
  readPageHeader,
  startLsnOfName,
  WalChecker,
  walFileName,
  segmentNumberOfName,
  type WalSegmentSize,
} from '@walvault/wal';
import type { SegmentFacts } from '../checking/segment-facts.ts';
import type { ClusterFacts } from '../content/check-wal-file.ts';
import { WalFileError } from '../errors.ts';
import type { SegmentFileName } from '../wal-files/layout.ts';

export interface InspectionOptions extends ClusterFacts {
  readonly walSegmentSize: WalSegmentSize;
  readonly predecessor?: Uint8Array | undefined;
}

export class SegmentInspection {
  readonly #name: SegmentFileName;
  readonly #options: InspectionOptions;
  readonly #checker: WalChecker;
  readonly #hash = createHash('sha256');
  #head: Buffer = Buffer.alloc(0);

  constructor(name: SegmentFileName, options: InspectionOptions) {
    this.#name = name;
    this.#options = options;
    const { walSegmentSize, systemIdentifier } = options;
    this.#checker = new WalChecker({
      startLsn: startLsnOfName(name, walSegmentSize),
      walSegmentSize,
      timelineId: name.timelineId,
      systemIdentifier,
    });
  }

  take(chunk: Buffer): void {
    if (this.#head.length < 40) this.#head = Buffer.concat([this.#head, chunk.subarray(0, 40)]);
    this.#hash.update(chunk);
    this.#checker.check(chunk);
  }

  finish(): SegmentFacts {
    const fault = this.#checker.check(Buffer.alloc(0));
    const { name, timelineId } = this.#name;
    const { walSegmentSize } = this.#options;
    const header = readPageHeader(this.#head);
    return {
      name,
      timelineId,
      startLsn: startLsnOfName(this.#name, walSegmentSize),
      walSegmentSize,
      systemIdentifier: header.long?.systemIdentifier ?? 0n,
      magic: header.magic,
      sha256: this.#hash.digest('hex'),
      verdict: fault === undefined ? 'good' : 'bad',
      fault,
      link: 'unknown',
      verifiedLsn: this.#checker.verifiedLsn,
      statistics: {
        records: 0,
        firstRecordLsn: undefined,
        endLsn: undefined,
        commits: 0,
        aborts: 0,
        firstCommitTime: undefined,
        lastCommitTime: undefined,
        firstXid: undefined,
        lastXid: undefined,
        rmgrs: [],
        restorePoints: [],
      },
      seam: undefined,
    };
  }
}

export function predecessorName(file: SegmentFileName, walSegmentSize: WalSegmentSize): string | undefined {
  const number = segmentNumberOfName(file, walSegmentSize);
  return number === 0n ? undefined : walFileName(file.timelineId, (number - 1n) as never, walSegmentSize);
}

export function faultOf(facts: SegmentFacts, path: string): WalFileError | undefined {
  const { fault } = facts;
  if (facts.name.endsWith('.partial') || fault === undefined) return undefined;
  return new WalFileError(
    'ERR_WAL_FILE_CORRUPT',
    path,
    `holds a ${fault.kind} at ${formatLsn(fault.lsn)} that is not right: ${fault.problem}`,
  );
}
