/** What verify-wal finds. Plain values of JSON's kinds, so that they can be kept and printed as they are. */
import { formatLsn, type WalFault } from '@walvault/wal';

/** Something that is not good. */
export interface VerifyFinding {
  /** Bad: it is there and not right. Hole: it is not there. Unknown: nothing can be said about it. */
  readonly verdict: 'bad' | 'hole' | 'unknown';
  /** Name of the file; of a hole the first that is missing. */
  readonly name: string;
  /** Of a hole the last file that is missing, and how many are. */
  readonly last?: string | undefined;
  readonly count?: number | undefined;
  /** Where the file is. */
  readonly path?: string | undefined;
  /**
   * What it is about: a page or record; the link to the segment before; the content as a whole, which is not what was archived; the
   * file, which cannot be read or is no segment; the beginning, which nothing vouches for; WAL of a version that cannot be read.
   */
  readonly kind: 'page' | 'record' | 'link' | 'content' | 'file' | 'beginning' | 'version' | 'missing';
  /** Start of the page or record, or of the hole. */
  readonly lsn?: string | undefined;
  /** Of a hole: where the WAL goes on. */
  readonly endLsn?: string | undefined;
  /** Which record, as far as its header can be read. */
  readonly record?: string | undefined;
  readonly expected?: string | undefined;
  readonly found?: string | undefined;
  /** What is wrong, in words that stand by themselves. */
  readonly problem: string;
}

/** A finding about one file. */
export type FileFinding = VerifyFinding & { readonly verdict: 'bad' | 'unknown' };

/** What is wrong with a page or record, as a finding. */
export function faultFinding(name: string, path: string, fault: WalFault, link?: string): FileFinding {
  const { kind, lsn, record, expected, found, problem } = fault;
  const words = `the ${kind} at ${formatLsn(lsn)} is not right: ${problem}`;
  return {
    verdict: 'bad',
    name,
    path,
    kind: link === undefined ? kind : 'link',
    lsn: formatLsn(lsn),
    record,
    expected,
    found,
    problem: link === undefined ? words : `it does not go on from ${link}: ${words}`,
  };
}
