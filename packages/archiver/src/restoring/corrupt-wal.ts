/** What is said of WAL that is not given to a recovering server. */
import { formatLsn, type WalFault } from '@walvault/wal';
import { WalFileError } from '../errors.ts';

const hint =
  'Look for another copy of it: in pg_wal of the server or a standby, in another archive. To recover to a point before the damage, set it as ' +
  'the recovery target and let restore-wal hand over the file as it is (--no-verify).';

/** @param problem what is wrong, or a text that says it of the file */
export function corruptWal(path: string, problem: WalFault | string | undefined): WalFileError {
  return new WalFileError('ERR_WAL_FILE_CORRUPT', path, typeof problem === 'string' ? problem : inWords(problem), { hint });
}

function inWords(fault: WalFault | undefined): string {
  if (fault === undefined) return 'is damaged: its pages do not belong to it';
  return `is damaged: the ${fault.kind} at ${formatLsn(fault.lsn)} is not right: ${fault.problem}`;
}
