/** What the catalogue says a file holds, as long as it is the file that the catalogue speaks of. */
import type { ExactFileFacts } from '@walvault/durable-fs';
import { WalvaultError } from '@walvault/wal';
import { secondsOf } from '../wal-files/xlog-db-line.ts';

/**
 * SHA-256 of the content of a segment in hexadecimal digits; undefined unless the catalogue knows this very file, by size and
 * time, as a good one. A catalogue that cannot be used knows nothing: it is a view of the files, and nothing hangs on it.
 * @param stats of the file that is read
 */
export async function knownSha256(
  catalogPath: string | undefined,
  name: string,
  stats: ExactFileFacts,
): Promise<string | undefined> {
  if (catalogPath === undefined) return undefined;
  // Loaded here: who reads an archive without a catalogue does without SQLite.
  const { Catalog } = await import('../catalog/catalog.ts');
  try {
    using catalog = Catalog.open(catalogPath, { readOnly: true });
    const entry = catalog.entry(name);
    const isSame = entry?.storedBytes === Number(stats.size) && entry.modifiedAt === secondsOf(stats.mtimeNs);
    return isSame && entry.facts.verdict === 'good' ? entry.facts.sha256 : undefined;
  } catch (error) {
    if (WalvaultError.is(error)) return undefined;
    throw error;
  }
}
