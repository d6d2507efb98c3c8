/**
 * What waits in a directory that feeds the archive: WAL files, and what has no business there. Names that begin with a dot or
 * end in `.tmp` are somebody's work in progress and are ignored.
 */
import { type Disk, readDirectory } from '@walvault/durable-fs';
import { tryParseWalFileName, type WalFileName } from '@walvault/wal';
import { isMissing } from '../wal-files/directory-listing.ts';
import { temporarySuffix } from '../wal-files/layout.ts';

/** What is no WAL file: another name, a directory, a symbolic link. */
export interface UnknownObject {
  readonly name: string;
  /** What may help whoever finds it in the errors directory. */
  readonly reason: string | undefined;
}

/** A directory as it was found. */
export interface WaitingFiles {
  /** In plain string order. */
  readonly files: readonly WalFileName[];
  readonly unknown: readonly UnknownObject[];
}

/**
 * Reads a directory. One that nobody has made yet holds nothing.
 * @throws {FileSystemError}
 */
export async function readWaitingFiles(directory: string, disk?: Disk): Promise<WaitingFiles> {
  const files: WalFileName[] = [];
  const unknown: UnknownObject[] = [];
  for (const { name, isFile } of await entriesIfAny(directory, disk)) {
    if (name.startsWith('.') || name.endsWith(temporarySuffix)) continue;
    const file = isFile ? tryParseWalFileName(name) : undefined;
    if (file === undefined) unknown.push({ name, reason: reasonFor(name, isFile) });
    else files.push(file);
  }
  return { files, unknown };
}

async function entriesIfAny(
  directory: string,
  disk: Disk | undefined,
): Promise<readonly { readonly name: string; readonly isFile: boolean }[]> {
  try {
    const entries = await readDirectory(directory, disk);
    const found = entries.map((entry) => ({ name: entry.name, isFile: entry.isFile() }));
    return found.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/**
 * Barman takes hexadecimal digits in any case, and archives `00000001000000000000000a` under that name, where PostgreSQL never
 * asks for it. Nobody knows what made such a name, so a person decides.
 */
function reasonFor(name: string, isFile: boolean): string | undefined {
  const canonical = name.toUpperCase().replace(/\.(?:PARTIAL|BACKUP|HISTORY)$/, (suffix) => suffix.toLowerCase());
  if (!isFile || canonical === name || tryParseWalFileName(canonical) === undefined) return undefined;
  return `PostgreSQL writes this name in capital letters: ${canonical}. If that is what the file is, give it this name and put it back.`;
}
