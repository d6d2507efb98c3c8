/**
 * Proof that the beginning of a segment is right as far as it goes. PostgreSQL ends recovery at the first record that is not right and is
 * content with it: damage in the middle would be taken for the end of the WAL, and what was committed behind it would be lost without a word.
 *
 * Damage in the page in which the WAL ends cannot be told from that end.
 */
import { parseWalFileName } from '@walvault/wal';
import { SegmentInspection } from '../checking/segment-inspection.ts';
import type { ClusterFacts } from '../content/check-wal-file.ts';
import { isSegmentFile, type SegmentFileName } from '../wal-files/layout.ts';
import { corruptWal } from './corrupt-wal.ts';

/** Takes the content from its start, filled up or not. */
export class PartialProof {
  readonly #path: string;
  readonly #inspection: SegmentInspection;

  /**
   * @param name of the segment, or of the partial file
   * @param path of the file, for the error
   */
  constructor(name: SegmentFileName, facts: ClusterFacts, path: string) {
    this.#path = path;
    this.#inspection = new SegmentInspection(asPartial(name), { ...facts, hash: false });
  }

  /** Takes the next bytes, which stay the caller's. */
  take(chunk: Buffer): void {
    this.#inspection.take(chunk);
  }

  /** To be called behind the last byte. @throws {WalFileError} `ERR_WAL_FILE_CORRUPT` when WAL goes on behind a fault */
  finish(): void {
    const { verdict, fault } = this.#inspection.finish();
    if (verdict === 'bad') throw corruptWal(this.#path, fault);
  }
}

function asPartial(name: SegmentFileName): SegmentFileName {
  if (name.kind === 'partial') return name;
  const partial = parseWalFileName(`${name.name}.partial`);
  if (!isSegmentFile(partial)) throw new TypeError(`${name.name} is no segment`);
  return partial;
}
