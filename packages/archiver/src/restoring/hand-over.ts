/**
 * The first copy of a WAL file that is good, checked as it passes, to where it is wanted, in one step. Both ways to a recovering server
 * lead through here: restore-wal itself, and what is prefetched for it.
 *
 * Nothing is synced. PostgreSQL takes the file only when it was told that it is whole, gives it its last name by a durable_rename of its
 * own (KeepFileRestoredFromArchive, access/transam/xlogarchive.c), and asks again after a crash.
 */
import { readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { errnoOf, type ExactFileFacts, renameFile, writeNewFile } from '@walvault/durable-fs';
import { type Logger, silentLogger, type WalFileName } from '@walvault/wal';
import { checkedBytes } from '../content/checked-bytes.ts';
import type { ContentFile } from '../content/content.ts';
import { WalFileError } from '../errors.ts';
import { findWal, type FoundWal, type WalLocation } from '../wal-files/find-wal.ts';
import { isSegmentFile, type SegmentFileName } from '../wal-files/layout.ts';
import { knownSha256 } from './known-content.ts';
import type { WalReadOptions } from './open-wal.ts';
import { PartialProof } from './partial-proof.ts';
import { SegmentProof } from './segment-proof.ts';
import { tailSeamBefore } from './tail-seam.ts';

/** Where to look for WAL, whom to tell about copies that could not be used, and when to stop. */
export interface HandOverOptions extends WalReadOptions {
  readonly log?: Logger | undefined;
  readonly signal?: AbortSignal | undefined;
  /** False: first page and length only, for somebody who wants what is before damage that is known. True unless given. */
  readonly verify?: boolean | undefined;
}

/** What is wanted. */
export interface HandOverRequest {
  readonly options: HandOverOptions;
  readonly file: WalFileName;
  /** Replaced in one step, and only by a whole, checked file. */
  readonly destination: string;
  /** Whether the beginning of a segment will do, filled up with zeros. */
  readonly partial: boolean;
}

/** The copy that was taken. */
export interface HandedOver {
  readonly path: string;
  readonly location: WalLocation;
  readonly isPartial: boolean;
  /** The file as it was when it was read. */
  readonly stats: ExactFileFacts;
}

/**
 * Hands over the first copy that is good. A damaged one is passed over when there is another complete one.
 * @returns undefined when there is no copy at all
 * @throws {WalFileError} when all there is of it is damaged
 * @throws {FileSystemError} when something cannot be read or written
 */
export async function handOver(request: HandOverRequest): Promise<HandedOver | undefined> {
  const { options, file, partial } = request;
  let failure: WalFileError | undefined;
  for await (const found of findWal(options.directories, file, partial)) {
    await using content = found.content;
    // The beginning of a segment is no substitute for the whole one that is damaged.
    if (failure !== undefined && found.isPartial) continue;
    try {
      await writeOutAtRest(request, found);
      return { path: content.path, location: found.location, isPartial: found.isPartial, stats: content.stats };
    } catch (error) {
      if (!(error instanceof WalFileError)) throw error;
      failure ??= error;
      (options.log ?? silentLogger).warn({ path: content.path, code: error.code }, error.message);
    }
  }
  if (failure !== undefined) throw failure;
  return undefined;
}

/**
 * Removes the unfinished files of earlier processes that were killed while they wrote to this destination; of those that live, never.
 * What cannot be removed stays.
 */
export async function removeUnfinished(destination: string): Promise<void> {
  const directory = dirname(destination);
  for (const name of await readdir(directory).catch(() => [])) {
    if (!name.startsWith(`.${basename(destination)}.`)) continue;
    const pid = Number(/\.(\d+)\.tmp$/.exec(name)?.[1]);
    if (pid > 0 && !isAlive(pid)) await rm(join(directory, name), { force: true }).catch(() => undefined);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errnoOf(error) !== 'ESRCH';
  }
}

/**
 * A partial segment can be written to while it is read, and what was read is of two moments then: the later WAL stands behind a place that was
 * still empty. Another look tells that from damage.
 */
async function writeOutAtRest(request: HandOverRequest, found: FoundWal): Promise<void> {
  for (let looks = 1; ; looks += 1) {
    try {
      return await writeOut(request, found);
    } catch (error) {
      const isSettled = !found.isPartial || looks === mostLooks;
      if (isSettled || !(error instanceof WalFileError) || error.code !== 'ERR_WAL_FILE_CORRUPT') throw error;
    }
  }
}

const mostLooks = 3;

async function writeOut(request: HandOverRequest, found: FoundWal): Promise<void> {
  const { options, destination } = request;
  const temporary = join(dirname(destination), `.${basename(destination)}.${process.pid}.tmp`);
  const { signal } = options;
  try {
    await rm(temporary, { force: true }).catch(() => undefined); // what it cannot remove, it cannot make anew either, and says so
    await writeNewFile(temporary, untilAborted(await provenBytes(request, found), signal));
    signal?.throwIfAborted();
    await renameFile(temporary, destination);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
}

async function* untilAborted(
  chunks: AsyncIterable<Buffer>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Buffer, void, undefined> {
  for await (const chunk of chunks) {
    signal?.throwIfAborted();
    yield chunk;
  }
}

/** A text is checked as a whole; a complete segment is right from its first to its last byte, the beginning of one as far as it goes. */
async function provenBytes({ options, file }: HandOverRequest, found: FoundWal): Promise<AsyncIterable<Buffer>> {
  const { content, isPartial } = found;
  const bytes = checkedBytes({ content, name: file, facts: options, isPartial, atOnce: true });
  if (!isSegmentFile(file) || options.verify === false) return bytes;
  const isWhole = !isPartial && file.kind !== 'partial';
  const proof = isWhole ? await proofOfWhole(options, file, content) : new PartialProof(file, options, content.path);
  return (async function* () {
    for await (const chunk of bytes) {
      proof.take(chunk);
      yield chunk;
    }
    proof.finish();
  })();
}

/** By the catalogue's checksum; else record by record, from the one that began in the segment before, where no compression has proven its rest. */
async function proofOfWhole(options: HandOverOptions, name: SegmentFileName, content: ContentFile): Promise<SegmentProof> {
  const sha256 = await knownSha256(options.catalogPath, name.name, content.stats);
  const isProven = sha256 !== undefined || content.codec !== undefined;
  const seam = isProven ? undefined : await tailSeamBefore(options, name, content);
  return new SegmentProof({ name, facts: options, path: content.path, sha256, seam });
}
