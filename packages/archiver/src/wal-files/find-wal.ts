/**
 * Where a WAL file is looked for, in Barman's order. The archiver and the receiver move files while somebody looks:
 * places are asked in the order that a file wanders through them, and the archive once more at the end.
 */
import { join } from 'node:path';
import { longPageHeaderSize, parseWalFileName, partialSuffix, type WalFileName } from '@walvault/wal';
import { ContentFile } from '../content/content.ts';
import { archivePath, type WalDirectories } from './layout.ts';

/** In which of the directories a file was found. */
export type WalLocation = 'archive' | 'incoming' | 'streaming';

/** An open file that bears the wanted name. */
export interface FoundWal {
  readonly content: ContentFile;
  readonly location: WalLocation;
  /** It is the incomplete segment (`NAME.partial`), not the wanted file itself. */
  readonly isPartial: boolean;
}

interface Place {
  readonly path: string;
  readonly location: WalLocation;
  readonly isPartial: boolean;
}

/**
 * Opens what there is under a name, one after another, in the order of preference. What vanishes meanwhile is skipped,
 * and so is a partial segment that nothing was written to.
 * The caller disposes of each `content`.
 * @param partial look for `NAME.partial` as well
 * @throws {FileSystemError} when a file is there and cannot be opened
 */
export async function* findWal(
  directories: WalDirectories,
  file: WalFileName,
  partial: boolean,
): AsyncGenerator<FoundWal, void, undefined> {
  for (const { path, location, isPartial } of placesOf(directories, file, partial)) {
    const content = await ContentFile.open(path, directories);
    if (content === undefined) continue;
    if (isPartial && file.kind === 'segment' && (await isBlank(content))) await content[Symbol.asyncDispose]();
    else yield { content, location, isPartial };
  }
}

/** Nothing was written to this segment yet: it has no bytes, or none but the zeros that it was made with. */
async function isBlank(content: ContentFile): Promise<boolean> {
  return (await content.head(longPageHeaderSize)).every((byte) => byte === 0);
}

function placesOf(directories: WalDirectories, file: WalFileName, partial: boolean): readonly Place[] {
  const archived = inArchive(directories, file);
  const places = [
    archived,
    ...inDirectory('incoming', directories, file.name),
    ...inDirectory('streaming', directories, file.name),
  ];
  if (partial && file.kind === 'segment') {
    const name = `${file.name}${partialSuffix}`;
    places.push(
      ...inDirectory('streaming', directories, name),
      ...inDirectory('streaming', directories, file.name),
      inArchive(directories, parseWalFileName(name)),
      ...inDirectory('incoming', directories, name),
    );
  }
  return [...places, archived];
}

function inArchive(directories: WalDirectories, file: WalFileName): Place {
  return { path: archivePath(directories.wals, file), location: 'archive', isPartial: file.kind === 'partial' };
}

function inDirectory(location: 'incoming' | 'streaming', directories: WalDirectories, name: string): readonly Place[] {
  const directory = directories[location];
  return directory === undefined ? [] : [{ path: join(directory, name), location, isPartial: name.endsWith(partialSuffix) }];
}
