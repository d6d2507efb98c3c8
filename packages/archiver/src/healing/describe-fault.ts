/** What is wrong with a segment, in one line. */
import { formatLsn, type WalFault } from '@walvault/wal';

/** `record at 0/9049300 (Heap/INSERT, 79 bytes): its checksum does not match: 2F8F6BA2 instead of 90C6CF67` */
export function describeFault({ kind, lsn, record, problem, expected, found }: WalFault): string {
  const which = record === undefined ? '' : ` (${record})`;
  const values = expected === undefined || found === undefined ? '' : `: ${found} instead of ${expected}`;
  return `${kind} at ${formatLsn(lsn)}${which}: ${problem}${values}`;
}
