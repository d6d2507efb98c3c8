/** All WAL files of a server with the places where they lie: what verify-wal has to look at. */
import { join } from 'node:path';
import type { WalFileName } from '@walvault/wal';
import { archivedFilesIn, archiveRoot, walFilesIn } from '../wal-files/directory-listing.ts';
import type { WalLocation } from '../wal-files/find-wal.ts';
import { archivePath, isSegmentFile, type SegmentFileName, type WalDirectories } from '../wal-files/layout.ts';

/** A file where it was found. */
export interface PlacedFile<Name extends WalFileName = WalFileName> {
  readonly file: Name;
  readonly path: string;
  readonly location: WalLocation;
}

/** What there is. A segment that waits and is archived as well counts as archived. */
export interface WalInventory {
  /** Complete segments, of the archive and those that wait. */
  readonly segments: readonly PlacedFile<SegmentFileName>[];
  /** Partial segments of the archive; those elsewhere are still written to. */
  readonly partials: readonly PlacedFile<SegmentFileName>[];
  readonly histories: readonly PlacedFile[];
  /** Files that lie where nobody looks for them. */
  readonly misplaced: readonly PlacedFile[];
}

/**
 * Lists the directories, in the order in which files wander, so that one on its way is not missed.
 * @throws {FileSystemError} when one cannot be read
 */
export async function takeInventory(directories: WalDirectories): Promise<WalInventory> {
  const waiting: PlacedFile[] = [];
  for (const location of ['streaming', 'incoming'] as const) {
    const directory = directories[location];
    if (directory === undefined) continue;
    for (const file of await walFilesIn(directory)) waiting.push({ file, path: join(directory, file.name), location });
  }
  const archived = await archivedFiles(directories.wals);
  const isPlaced = ({ file, path }: PlacedFile): boolean => path === archivePath(directories.wals, file);
  const found = archived.filter(isPlaced);
  const names = new Set(found.map(({ file }) => file.name));
  const all = [...found, ...waiting.filter(({ file }) => !names.has(file.name))];
  return {
    segments: all.filter(isSegment).filter(({ file }) => file.kind === 'segment'),
    partials: found.filter(isSegment).filter(({ file }) => file.kind === 'partial'),
    histories: all.filter(({ file }) => file.kind === 'history'),
    misplaced: archived.filter((file) => !isPlaced(file)),
  };
}

async function archivedFiles(walsDirectory: string): Promise<PlacedFile[]> {
  const { hashDirectories, histories } = await archiveRoot(walsDirectory);
  const files: PlacedFile[] = histories.map((file) => ({ file, path: join(walsDirectory, file.name), location: 'archive' }));
  for (const directory of hashDirectories) {
    for (const file of await archivedFilesIn(walsDirectory, directory))
      files.push({ file, path: join(walsDirectory, directory.name, file.name), location: 'archive' });
  }
  return files;
}

function isSegment(placed: PlacedFile): placed is PlacedFile<SegmentFileName> {
  return isSegmentFile(placed.file);
}
