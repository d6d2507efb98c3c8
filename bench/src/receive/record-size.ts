/** How large the records of some WAL are, by pg_waldump: it decides what checking each of them costs. */
import { join } from 'node:path';
import type { Cluster } from '@walvault/testkit';
import { findProgram, runAsServerUser } from '@walvault/testkit';

/** Records of one segment. */
export interface RecordSize {
  readonly records: number;
  /** Mean, in bytes, images of pages included. */
  readonly bytesPerRecord: number;
}

/** Counts the records of a segment; undefined where there is no pg_waldump of the server's major version. */
export async function recordSize(cluster: Cluster, segment: string): Promise<RecordSize | undefined> {
  const program = waldump();
  if (program === undefined) return undefined;
  const argv = [program.path, '--stats', join(cluster.walDirectory, segment)];
  const { stdout } = await runAsServerUser(argv, { env: program.env });
  return parseStats(stdout);
}

/** Takes it from what `pg_waldump --stats` prints: in the last line the number of records and their bytes, each with a share behind. */
export function parseStats(text: string): RecordSize | undefined {
  const total = /^Total\s+(\d+)\s.*?(\d+)(?: \[[\d.]+%\])?\s*$/m.exec(text);
  const [records, bytes] = [Number(total?.[1] ?? 0), Number(total?.[2] ?? 0)];
  return records > 0 ? { records, bytesPerRecord: bytes / records } : undefined;
}

function waldump(): ReturnType<typeof findProgram> | undefined {
  try {
    return findProgram('pg_waldump');
  } catch {
    return undefined;
  }
}
