/** What is wrong with a segment, as the error that goes with it to the errors directory. */
import { formatLsn, type WalFault } from '@walvault/wal';
import type { SegmentFacts } from '../checking/segment-facts.ts';
import { WalFileError } from '../errors.ts';

/** Why a segment must not be archived, if it must not: it is bad, or does not go on where the one before it ends. */
export function faultOf({ verdict, fault, link, linkFault }: SegmentFacts, path: string): WalFileError | undefined {
  if (verdict === 'bad') {
    return new WalFileError('ERR_WAL_FILE_CORRUPT', path, `is damaged: ${inWords(fault)}`, {
      hint: 'Look for another copy of it: in pg_wal of the server or a standby, in another archive.',
    });
  }
  if (link !== 'broken') return undefined;
  return new WalFileError('ERR_WAL_FILE_CORRUPT', path, `does not go on from the segment before it: ${inWords(linkFault)}`, {
    hint: 'One of the two is of another history of this server: a copy of it has gone on by itself, or it was restored without a new timeline.',
  });
}

function inWords(fault: WalFault | undefined): string {
  return fault === undefined
    ? 'its pages do not belong to it'
    : `the ${fault.kind} at ${formatLsn(fault.lsn)} is not right: ${fault.problem}`;
}
