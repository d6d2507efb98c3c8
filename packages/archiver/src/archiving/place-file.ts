/**
 * Puts one file into the archive: whole and durable under its name, once the directory is synced, or not at all. The source stays.
 *
 * A complete file that is stored as it is, on the same file system, becomes a second link to the same data. Otherwise
 * it is copied through `NAME.tmp`, which is read back and compared before it gets its name.
 * A `NAME.tmp` that a crash left goes when its file is archived. Others are left alone: after a failed rename
 * Barman 3.17 removes the source all the same, and the temporary file is then the only copy.
 */
import { dirname } from 'node:path';
import {
  type Disk,
  errnoOf,
  fileSystemError,
  nodeDisk,
  renameFile,
  syncFile,
  writeNewFile,
  makeDirectories,
} from '@walvault/durable-fs';
import type { Compression } from '../content/codec.ts';
import { ContentFile, sameBytes } from '../content/content.ts';
import type { ContentThreads } from '../content/content-threads.ts';
import { encode, encodeWhole } from '../content/encode.ts';
import { ArchiveCopyError, WalFileError } from '../errors.ts';
import { temporarySuffix } from '../wal-files/layout.ts';
import { tryLink } from '../wal-files/try-link.ts';

/** What to place where. */
export interface PlaceOptions {
  readonly source: ContentFile;
  /**
   * The whole content of the source as it is before compression, where the caller has it in memory anyway, up to 64 MiB: it is not
   * read again then. It must not change until this returns.
   */
  readonly content?: Buffer | undefined;
  /** They work on that content where they can. */
  readonly threads?: ContentThreads | undefined;
  /** Where there is no file yet. */
  readonly destination: string;
  /** A source that is compressed already is stored as it is. */
  readonly compression: Compression;
  /** The source does not change any more, so that the archive may share its data. */
  readonly mayLink: boolean;
  readonly signal?: AbortSignal | undefined;
  /** Where all of these are; the file system of the operating system unless given. */
  readonly disk?: Disk | undefined;
}

/** A file of the archive as it was looked at last. */
export type PlacedFile = Pick<ContentFile, 'path' | 'size' | 'stats' | 'codec'>;

/**
 * Places a file. It is durable when this returns; its entry in the directory is when the caller has synced that. Its modification time is that of the source.
 * Nothing is left under the destination or beside it when this throws, and the source is as it was; nothing beside it when it returns.
 * @throws {ArchiveCopyError} when the copy does not read back as the source, byte by byte
 * @throws {CodecProgramError} when a program or filter that compresses is missing or fails
 * @throws {FileSystemError}
 */
export async function placeFile(options: PlaceOptions): Promise<PlacedFile> {
  const { source, destination, mayLink, disk = nodeDisk } = options;
  const isStoredAsItIs = options.compression.method === 'none' || source.codec !== undefined;
  await makeDirectories(dirname(destination), { disk });
  if (isStoredAsItIs && mayLink && (await linked(source.path, destination, disk))) {
    await syncFile(destination, disk);
    await removeTemporary(destination, disk);
    return await lookAt(destination, options);
  }
  const temporary = `${destination}${temporarySuffix}`;
  await removeTemporary(destination, disk);
  try {
    await writeNewFile(temporary, storedBytes(options), { mode: Number(source.stats.mode) & 0o777, disk });
    await setModificationTime(disk, temporary, source);
    const { size, stats, codec } = await readBack(options, temporary);
    await syncFile(temporary, disk);
    await renameFile(temporary, destination, disk);
    return { path: destination, size, stats, codec };
  } catch (error) {
    await removeTemporary(destination, disk).catch(() => undefined);
    throw error;
  }
}

/** Removes what a crash left of an earlier copy. Only for a file that is safe elsewhere. @throws {FileSystemError} */
export async function removeTemporary(destination: string, disk: Disk = nodeDisk): Promise<void> {
  const temporary = `${destination}${temporarySuffix}`;
  await disk.unlink(temporary).catch((error: unknown) => {
    if (errnoOf(error) !== 'ENOENT') throw fileSystemError('remove', temporary, error);
  });
}

/**
 * Looks at a file that is in the archive.
 * @throws {ArchiveCopyError} when it is not there any more
 * @throws {FileSystemError}
 */
export async function lookAt(
  destination: string,
  { source, compression, disk }: Pick<PlaceOptions, 'source' | 'compression' | 'disk'>,
): Promise<PlacedFile> {
  await using placed = await ContentFile.open(destination, { custom: compression.custom, disk });
  if (placed === undefined) throw new ArchiveCopyError(destination, source.path);
  return placed;
}

/** False where the file system cannot link these two. */
async function linked(from: string, to: string, disk: Disk): Promise<boolean> {
  const outcome = await tryLink(from, to, disk);
  if (outcome !== 'exists') return outcome === 'linked';
  throw fileSystemError('create', to, Object.assign(new Error('file exists'), { code: 'EEXIST' }));
}

/** What the file in the archive is made of. */
async function* storedBytes(options: PlaceOptions): AsyncGenerator<Buffer, void, undefined> {
  const { source, content, threads, compression, signal } = options;
  signal?.throwIfAborted();
  if (source.codec !== undefined) yield* encode({ method: 'none' }, source.from(0), signal);
  else if (content === undefined) yield* encode(compression, source.bytes(), signal);
  else yield await encodeWhole(compression, content, threads);
}

/** Reads the copy as a restore would, and compares all of it with the source. */
async function readBack(options: PlaceOptions, temporary: string): Promise<PlacedFile> {
  const { source, compression, disk } = options;
  await using written = await ContentFile.open(temporary, { custom: compression.custom, disk });
  if (written === undefined) throw new ArchiveCopyError(temporary, source.path);
  try {
    if (await isSame(options, written)) return written;
  } catch (error) {
    throw error instanceof WalFileError ? new ArchiveCopyError(temporary, source.path, error) : error;
  }
  throw new ArchiveCopyError(temporary, source.path);
}

async function isSame({ source, content, threads }: PlaceOptions, written: ContentFile): Promise<boolean> {
  if (source.codec !== undefined) return sameBytes(source.from(0), written.from(0));
  if (content === undefined) return sameBytes(source.bytes(), written.bytes());
  if (threads !== undefined && (written.codec === 'gzip' || written.codec === 'zstd')) {
    const answer = await threads.matches(written.codec, await written.stored(), content);
    if (answer !== undefined) return answer;
  }
  // What cannot be told at once is damaged, mostly, and is found to be that here.
  return (await written.whole(content.length, content.length))?.equals(content) ?? false;
}

async function setModificationTime(disk: Disk, path: string, source: ContentFile): Promise<void> {
  await disk.utimes(path, Date.now() / 1000, Number(source.stats.mtimeNs) / 1e9).catch((error: unknown) => {
    throw fileSystemError('set the time of', path, error);
  });
}
