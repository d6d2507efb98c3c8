/**
 * The second step of a file: it is placed in the archive, or moved aside. Several are under way at a time. What it leaves to the last
 * step (finish-files.ts) is durable, all but the name that it has in the archive.
 */
import { FileSystemError, syncFile, syncParent } from '@walvault/durable-fs';
import { WalvaultError } from '@walvault/wal';
import type { SegmentFacts } from '../checking/segment-facts.ts';
import type { ContentFile } from '../content/content.ts';
import type { HookFile } from '../hooks/hook-environment.ts';
import { isSegmentFile } from '../wal-files/layout.ts';
import { type FinishedHookFile, factsOf } from './archive-hooks.ts';
import { moveAside, moveInvalid } from './errors-directory.ts';
import type { FileResult } from './file-result.ts';
import type { PassContext } from './pass-context.ts';
import { lookAt, type PlacedFile, placeFile, removeTemporary } from './place-file.ts';
import type { PreparedFile } from './prepare-file.ts';

/** A file that is in the archive, durable but for its name, and is to be noted there. */
export interface StoredFile extends Pick<HookFile, 'size' | 'compression'> {
  readonly name: string;
  /** Of the file in the archive: nanoseconds since 1970. */
  readonly mtimeNs: bigint;
  readonly facts: SegmentFacts | undefined;
}

/** What the second step has come to. */
export interface Outcome {
  readonly result: FileResult;
  readonly stored: StoredFile | undefined;
  /** The source as it was looked at, where nothing is left to do with it but to remove it. */
  readonly spent: Pick<ContentFile, 'path' | 'stats'> | undefined;
  /** What scripts are told. */
  readonly told: FinishedHookFile;
}

/**
 * Carries out what was decided, and closes the file. What is wrong with this file alone leaves it where it is, as `failed`.
 * @throws {FileSystemError} when the archive cannot be written to
 */
export async function carryOut(context: PassContext, prepared: PreparedFile): Promise<Outcome> {
  await using file = prepared.file;
  try {
    return await attempt(context, prepared);
  } catch (error) {
    if (!WalvaultError.is(error) || !isOfThisFile(error, prepared)) throw error;
    return failed(prepared.source.kind, prepared.name.name, error, factsOf(file));
  }
}

/** A file that could not be worked on: it is where it was. */
export function failed(
  source: FileResult['source'],
  name: string,
  error: WalvaultError,
  facts: Omit<FinishedHookFile, 'name' | 'error'>,
): Outcome {
  const told = { name, ...facts, error: error.message };
  return { result: { kind: 'failed', source, name, error }, stored: undefined, spent: undefined, told };
}

/** Trouble with the archive is everybody's; with a file, its compression or the errors directory it is that file's. */
function isOfThisFile(error: WalvaultError, { decision, file, content }: PreparedFile): boolean {
  if (!(error instanceof FileSystemError) || decision.kind === 'invalid' || decision.kind === 'conflict') return true;
  const isRead = content === undefined; // else it is in memory
  return isRead && error.path === file.path && !['ERR_STORAGE_FULL', 'ERR_SYNC_FAILED', 'ERR_SYSTEM_BUSY'].includes(error.code);
}

async function attempt(context: PassContext, prepared: PreparedFile): Promise<Outcome> {
  const { decision, file, name, source } = prepared;
  const common = { source: source.kind, name: name.name };
  const outcome = (result: FileResult, path: string, error: string): Outcome => {
    const told = { ...factsOf(file), name: name.name, path, error };
    return { result, stored: undefined, spent: result.kind === 'blank' ? file : undefined, told };
  };
  switch (decision.kind) {
    case 'place':
    case 'duplicate':
      return inArchive(context, prepared, decision.kind);
    case 'conflict': {
      const { errorsDirectory, now, disk } = context;
      const movedTo = await moveAside({ path: file.path, errorsDirectory, kind: 'duplicate', now, disk });
      return outcome({ ...common, kind: 'conflict', movedTo }, movedTo, `${name.name} is in the archive with other content`);
    }
    case 'invalid': {
      const { error } = decision;
      const movedTo = await moveInvalid(file.path, error, context);
      return outcome({ ...common, kind: 'invalid', movedTo, error }, movedTo, error.message);
    }
    case 'blank':
      return outcome({ ...common, kind: 'blank' }, file.path, 'nothing was written to it');
  }
}

/** Whatever comes of the one, the other is waited for: both use the content. */
async function inArchive(context: PassContext, prepared: PreparedFile, kind: 'place' | 'duplicate'): Promise<Outcome> {
  await secureSource(context, prepared);
  const work = kind === 'place' ? place(context, prepared) : secureDuplicate(context, prepared);
  const [placed, hashed] = await Promise.allSettled([work, completeFacts(context, prepared)]);
  if (placed.status === 'rejected') throw placed.reason;
  if (hashed.status === 'rejected') throw hashed.reason;
  return stored({ ...prepared, facts: hashed.value }, placed.value, kind === 'place' ? 'archived' : 'duplicate');
}

/** The checksum is still missing where the content is in memory. */
async function completeFacts({ threads }: PassContext, { facts, content }: PreparedFile): Promise<SegmentFacts | undefined> {
  return facts === undefined || content === undefined ? facts : { ...facts, sha256: await threads.sha256(content) };
}

/**
 * Only what a receiver has made durable, and nobody writes to any more, may become a file of the archive by a second name. Who brings
 * files need not have synced them, and when a sync fails the next one says nothing about it; and what has another name may be a
 * segment in pg_wal, which PostgreSQL will write over.
 */
function mayShareData({ name, source, file }: PreparedFile): boolean {
  return source.kind === 'streaming' && name.kind !== 'partial' && file.stats.nlink === 1n;
}

/**
 * Who brings files need not have synced them. Lost in a power cut when it is in the archive and not noted there yet, a file would
 * never be noted.
 */
async function secureSource({ disk }: PassContext, { source, file }: PreparedFile): Promise<void> {
  if (source.kind !== 'incoming') return;
  await syncFile(file.path, disk);
  await syncParent(file.path, disk);
}

async function place({ compression, threads, signal, disk }: PassContext, prepared: PreparedFile): Promise<PlacedFile> {
  const { name, file, content, destination } = prepared;
  return await placeFile({
    source: file,
    content,
    threads,
    destination,
    compression: isSegmentFile(name) ? compression : asItIs(file, compression),
    mayLink: mayShareData(prepared),
    signal,
    disk,
  });
}

/** A text may begin with letters that look like the work of a filter that is told by nothing else. */
function asItIs({ codec }: ContentFile, { custom }: PassContext['compression']): PassContext['compression'] {
  return { method: 'none', custom: codec === 'custom' ? custom : undefined };
}

/** What a crash has left beside it is of no use any more. */
async function secureDuplicate({ compression, disk }: PassContext, { file, destination }: PreparedFile): Promise<PlacedFile> {
  await syncFile(destination, disk);
  await removeTemporary(destination, disk);
  return await lookAt(destination, { source: file, compression, disk });
}

/** What is in the archive now is what is noted of it. */
function stored({ name, source, file, facts }: PreparedFile, archived: PlacedFile, kind: 'archived' | 'duplicate'): Outcome {
  const { size, codec: compression, path } = archived;
  const common = { source: source.kind, name: name.name, path };
  const error = kind === 'duplicate' ? `${name.name} is in the archive already` : undefined;
  return {
    result: kind === 'archived' ? { ...common, kind, size, compression } : { ...common, kind },
    stored: { name: name.name, size, compression, mtimeNs: archived.stats.mtimeNs, facts },
    spent: file,
    told: { ...factsOf(archived), name: name.name, error },
  };
}
