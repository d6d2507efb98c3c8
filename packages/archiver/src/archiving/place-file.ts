/**
 * Puts one file into the archive: whole and durable under its name, or not at all. The source stays.
 *
 * A complete file that is stored as it is, on the same file system, becomes a second link to the same data. Otherwise
 * it is copied through `NAME.tmp`, which is read back and compared before it gets its name.
 * A `NAME.tmp` that a crash left goes when its file is archived. Others are left alone: after a failed rename
 * Barman 3.17 removes the source all the same, and the temporary file is then the only copy.
 */
import { createHash, type Hash } from 'node:crypto';
import { link, open, rm, utimes } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { durableRename, errnoOf, fileSystemError, syncDirectory, syncFile } from '@walvault/durable-fs';
import { WalvaultError } from '@walvault/wal';
import { type Compression, compressor } from '../content/codec.ts';
import { ContentFile } from '../content/content.ts';
import { ArchiveCopyError, WalFileError } from '../errors.ts';
import { temporarySuffix } from '../wal-files/layout.ts';
import { makeDirectory } from '../wal-files/make-directory.ts';

/** What to place where. */
export interface PlaceOptions {
  readonly source: ContentFile;
  /** Where there is no file yet. */
  readonly destination: string;
  readonly compression: Compression;
  /** The source does not change any more, so that the archive may share its data. */
  readonly mayLink: boolean;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Places a file; it and its entry in the directory are durable when this returns. Its modification time is that of the source.
 * @throws {ArchiveCopyError} when the copy does not read back as the source
 * @throws {FileSystemError}
 */
export async function placeFile(options: PlaceOptions): Promise<void> {
  const { source, destination, compression, mayLink } = options;
  await makeDirectory(dirname(destination));
  if (compression.method === 'none' && mayLink && (await tryLink(source.path, destination))) {
    await makeDurable(destination);
    return;
  }
  const temporary = `${destination}${temporarySuffix}`;
  await removeTemporary(destination);
  try {
    const digest = await copy(options, temporary);
    await utimes(temporary, new Date(), secondsOf(source.stats.mtimeNs));
    await readBack(temporary, source.path, digest);
    await durableRename(temporary, destination);
  } catch (error) {
    await removeTemporary(destination).catch(() => undefined);
    if (WalvaultError.is(error) || options.signal?.aborted === true) throw error;
    throw fileSystemError(`copy to "${temporary}" the file`, source.path, error);
  }
}

/** Removes what a crash left of an earlier copy. Only for a file that is safe elsewhere. @throws {FileSystemError} */
export async function removeTemporary(destination: string): Promise<void> {
  const temporary = `${destination}${temporarySuffix}`;
  await rm(temporary, { force: true }).catch((error: unknown) => {
    throw fileSystemError('remove', temporary, error);
  });
}

/** Makes sure that a file in the archive, placed by a run that may have crashed, is durable. @throws {FileSystemError} */
export async function makeDurable(path: string): Promise<void> {
  await syncFile(path);
  await syncDirectory(dirname(path));
}

/** False where the file system cannot link these two: another one, or one without links, or without leave. */
async function tryLink(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (['EXDEV', 'EPERM', 'EACCES', 'EMLINK', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(errnoOf(error) ?? '')) return false;
    throw fileSystemError(`link to "${to}" the file`, from, error);
  }
}

/** Copies, compressing if wanted, and gives the digest of what was read. */
async function copy(options: PlaceOptions, temporary: string): Promise<string> {
  const { source, compression, signal } = options;
  const hash = createHash('sha256');
  const bytes = hashed(source.bytes(), hash);
  // Opened before anything can fail: a stream that opens by itself may do so after the caller has cleaned up.
  const file = await open(temporary, 'wx', Number(source.stats.mode) & 0o777);
  const target = file.createWriteStream();
  if (compression.method === 'none') await pipeline(bytes, target, { signal });
  else await pipeline(bytes, compressor(compression.method, compression.level), target, { signal });
  return hash.digest('hex');
}

async function readBack(temporary: string, source: string, digest: string): Promise<void> {
  await using written = await ContentFile.open(temporary);
  if (written === undefined) throw new ArchiveCopyError(temporary, source);
  const hash = createHash('sha256');
  try {
    for await (const chunk of written.bytes()) hash.update(chunk);
  } catch (error) {
    throw error instanceof WalFileError ? new ArchiveCopyError(temporary, source, error) : error;
  }
  if (hash.digest('hex') !== digest) throw new ArchiveCopyError(temporary, source);
}

async function* hashed(chunks: AsyncIterable<Buffer>, hash: Hash): AsyncGenerator<Buffer, void, undefined> {
  for await (const chunk of chunks) {
    hash.update(chunk);
    yield chunk;
  }
}

function secondsOf(nanoseconds: bigint): number {
  return Number(nanoseconds) / 1e9;
}
