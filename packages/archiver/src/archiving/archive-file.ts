/**
 * One file on its way into the archive. Each step leaves a state from which the next run goes on:
 *
 *   check -> place (temporary file, rename) -> xlog.db -> tell -> remove the source
 *
 * The source is there until everything else is done, so a run that finds it again finds the copy too, completes
 * what is missing (a line in xlog.db), and removes it. A file that is bad is moved aside and stops nobody; a full
 * disk or any other trouble of the file system is thrown with the source in its place.
 */
import { join } from 'node:path';
import { durableUnlink } from '@walvault/durable-fs';
import type { WalFileName } from '@walvault/wal';
import { checkWalFile, type ClusterFacts } from '../content/check-wal-file.ts';
import { checkedBytes } from '../content/checked-bytes.ts';
import type { ArchivedCodec, Compression } from '../content/codec.ts';
import { ContentFile, sameBytes } from '../content/content.ts';
import { ArchiveCopyError, WalFileError } from '../errors.ts';
import { moveAside } from './errors-directory.ts';
import { archivePath, isSegmentFile } from '../wal-files/layout.ts';
import { makeDurable, placeFile, removeTemporary } from './place-file.ts';
import type { XlogDb } from '../wal-files/xlog-db.ts';

/** What became of one file of the streaming directory. */
export type FileResult =
  /** It is in the archive now. */
  | {
      readonly kind: 'archived';
      readonly name: string;
      readonly path: string;
      /** Bytes that it takes in the archive. */
      readonly size: number;
      readonly compression: ArchivedCodec | undefined;
    }
  /** The archive had it already, with the same content. */
  | { readonly kind: 'duplicate'; readonly name: string; readonly path: string }
  /** The archive has another file of that name. Both were kept, this one in the errors directory. */
  | { readonly kind: 'conflict'; readonly name: string; readonly movedTo: string }
  /** It is not what its name says; it is in the errors directory, with the reason beside it. */
  | { readonly kind: 'invalid'; readonly name: string; readonly movedTo: string; readonly error: WalFileError }
  /** It is not a WAL file; it is in the errors directory. */
  | { readonly kind: 'unknown'; readonly name: string; readonly movedTo: string }
  /** It was a partial segment that nothing had been written to, and was removed. */
  | { readonly kind: 'blank'; readonly name: string };

/** What the files of one pass have in common. */
export interface ArchiveFileContext {
  readonly sourceDirectory: string;
  readonly walsDirectory: string;
  readonly errorsDirectory: string;
  readonly compression: Compression;
  readonly facts: ClusterFacts;
  readonly xlogDb: XlogDb;
  readonly signal: AbortSignal | undefined;
  /** Told when all is done but the removal of the source; see `onFile` of `archiveWal`. */
  readonly onFile: ((result: FileResult) => void | Promise<void>) | undefined;
}

/**
 * Archives one file. Undefined when it is not there any more.
 * @throws {FileSystemError}
 * @throws {ArchiveCopyError}
 * @throws {ArchiverBusyError}
 */
export async function archiveFile(context: ArchiveFileContext, name: WalFileName): Promise<FileResult | undefined> {
  await using source = await ContentFile.open(join(context.sourceDirectory, name.name));
  if (source === undefined) return undefined;
  const result = await judgeAndArchive(context, name, source);
  await context.onFile?.(result);
  if (result.kind === 'archived' || result.kind === 'duplicate' || result.kind === 'blank') await durableUnlink(source.path);
  return result;
}

async function judgeAndArchive(context: ArchiveFileContext, name: WalFileName, source: ContentFile): Promise<FileResult> {
  try {
    await checkWalFile(source, source.size, name, context.facts);
  } catch (error) {
    if (!(error instanceof WalFileError)) throw error;
    if (name.kind === 'partial' && (await isAllZeros(source))) return { kind: 'blank', name: name.name };
    return { kind: 'invalid', name: name.name, error, movedTo: await moveInvalid(context, source.path, error) };
  }
  return store(context, name, source);
}

/** Stores a good file, unless the archive has something under its name. */
async function store(context: ArchiveFileContext, name: WalFileName, source: ContentFile): Promise<FileResult> {
  const path = archivePath(context.walsDirectory, name);
  const existing = await compareWithArchive({ context, name, source, path });
  if (existing === 'different') {
    const movedTo = await moveAside({ path: source.path, errorsDirectory: context.errorsDirectory, kind: 'duplicate' });
    return { kind: 'conflict', name: name.name, movedTo };
  }
  if (existing === 'same') {
    await makeDurable(path);
    await note(context, name, path);
    return { kind: 'duplicate', name: name.name, path };
  }
  await placeFile({
    source,
    destination: path,
    compression: isSegmentFile(name) ? context.compression : { method: 'none' },
    mayLink: name.kind !== 'partial',
    signal: context.signal,
  });
  return { kind: 'archived', name: name.name, path, ...(await note(context, name, path)) };
}

interface Comparison {
  readonly context: ArchiveFileContext;
  readonly name: WalFileName;
  readonly source: ContentFile;
  readonly path: string;
}

/** A copy in the archive that is damaged is moved aside: the good file that was just checked takes its place. */
async function compareWithArchive(given: Comparison): Promise<'none' | 'same' | 'different'> {
  const { context, name, source, path } = given;
  await using existing = await ContentFile.open(path, context.compression);
  if (existing === undefined) return 'none';
  if (existing.stats.ino === source.stats.ino && existing.stats.dev === source.stats.dev) return 'same';
  const damage = await damageOf(existing, name, context.facts);
  if (damage === undefined) return (await sameBytes(source.bytes(), existing.bytes())) ? 'same' : 'different';
  if (damage.code === 'ERR_WAL_FILE_FOREIGN') return 'different';
  await moveInvalid(context, path, damage);
  return 'none';
}

async function damageOf(content: ContentFile, name: WalFileName, facts: ClusterFacts): Promise<WalFileError | undefined> {
  try {
    for await (const _ of checkedBytes({ content, name, facts, isPartial: name.kind === 'partial' }));
    return undefined;
  } catch (error) {
    if (error instanceof WalFileError) return error;
    throw error;
  }
}

function moveInvalid(context: ArchiveFileContext, path: string, error: WalFileError): Promise<string> {
  const reason = `${error.code}: ${error.message}`;
  return moveAside({ path, errorsDirectory: context.errorsDirectory, kind: 'invalid', reason });
}

async function note(
  context: ArchiveFileContext,
  name: WalFileName,
  path: string,
): Promise<{ readonly size: number; readonly compression: ArchivedCodec | undefined }> {
  await using archived = await ContentFile.open(path, context.compression);
  if (archived === undefined) throw new ArchiveCopyError(path, join(context.sourceDirectory, name.name));
  await removeTemporary(path);
  await context.xlogDb.note(name.name, archived.stats, archived.codec);
  return { size: archived.size, compression: archived.codec };
}

async function isAllZeros(content: ContentFile): Promise<boolean> {
  for await (const chunk of content.bytes()) if (!chunk.every((byte) => byte === 0)) return false;
  return true;
}
