/** check-wal-archive: may the WAL of a new server go into this archive? Follows Barman's rules; the words are in the command. */
import { tryParseWalFileName } from '@walvault/wal';
import { archivedFilesIn, archiveRoot, isMissing } from './directory-listing.ts';
import { readXlogDb } from './xlog-db.ts';

/** What is in the way. */
export interface WalArchiveCheck {
  /** How many files are in the archive, or listed in xlog.db, that should not be: all, or those of the timeline and of later ones. */
  readonly unwanted: number;
  /** A name in xlog.db that is none of a WAL file. */
  readonly unexpected: string | undefined;
}

/**
 * Looks for files that new WAL could be mixed up with. A file that is only listed counts, too: its directory may not be mounted.
 * @param timelineId the first timeline of the new server; without it the archive must be empty
 * @throws {FileSystemError} when a directory cannot be read
 * @throws {XlogDbError} on a line that is none
 */
export async function checkWalArchive(
  archive: { readonly walsDirectory: string; readonly xlogDbPath: string },
  timelineId?: number,
): Promise<WalArchiveCheck> {
  const listed = (await readXlogDb(archive.xlogDbPath)).map(({ name }) => name);
  const names = new Set([...listed, ...(await namesInArchive(archive.walsDirectory))]);
  let unwanted = 0;
  for (const name of names) {
    const file = tryParseWalFileName(name);
    if (file === undefined) return { unwanted, unexpected: name };
    if (timelineId === undefined || file.timelineId >= timelineId) unwanted += 1;
  }
  return { unwanted, unexpected: undefined };
}

/** An archive that nobody has made yet is empty. */
async function namesInArchive(walsDirectory: string): Promise<readonly string[]> {
  try {
    const { hashDirectories, histories } = await archiveRoot(walsDirectory);
    const names = histories.map(({ name }) => name);
    for (const directory of hashDirectories)
      for (const { name } of await archivedFilesIn(walsDirectory, directory)) names.push(name);
    return names;
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
