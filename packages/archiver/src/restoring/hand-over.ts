/**
 * The first copy of a WAL file that is good, checked as it passes, to where it is wanted, in one step. Both ways to a recovering server
 * lead through here: restore-wal itself, and what is prefetched for it.
 *
 * Nothing is synced. PostgreSQL takes the file only when it was told that it is whole, gives it its last name by a durable_rename of its
 * own (KeepFileRestoredFromArchive, access/transam/xlogarchive.c), and asks again after a crash.
 */
import { open, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type ExactFileFacts, fileSystemError, renameFile } from '@walvault/durable-fs';
import { type Logger, silentLogger, type WalFileName, WalvaultError } from '@walvault/wal';
import { checkedBytes } from '../content/checked-bytes.ts';
import { WalFileError } from '../errors.ts';
import { findWal, type FoundWal, type WalLocation } from '../wal-files/find-wal.ts';
import { knownSha256 } from './known-content.ts';
import type { WalReadOptions } from './open-wal.ts';
import { SegmentProof } from './segment-proof.ts';

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
      await writeOut(request, found);
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

async function writeOut(request: HandOverRequest, found: FoundWal): Promise<void> {
  const { options, destination } = request;
  const temporary = join(dirname(destination), `.${basename(destination)}.${process.pid}.tmp`);
  const bytes = await provenBytes(request, found);
  const { signal } = options;
  try {
    // Opened before anything can fail: a stream that opens by itself may do so after the clean-up below.
    const file = await open(temporary, 'w', 0o600);
    await pipeline(bytes, file.createWriteStream(), { signal });
    await renameFile(temporary, destination);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    signal?.throwIfAborted();
    throw WalvaultError.is(error) ? error : fileSystemError('write', temporary, error);
  }
}

/** The beginning of a segment ends anywhere, and a text is checked as a whole; a complete segment is right from its first to its last byte. */
async function provenBytes({ options, file }: HandOverRequest, found: FoundWal): Promise<AsyncIterable<Buffer>> {
  const { content, isPartial } = found;
  const bytes = checkedBytes({ content, name: file, facts: options, isPartial });
  if (file.kind !== 'segment' || isPartial || options.verify === false) return bytes;
  const sha256 = await knownSha256(options.catalogPath, file.name, content.stats);
  const proof = new SegmentProof({ name: file, facts: options, path: content.path, sha256 });
  return (async function* () {
    for await (const chunk of bytes) {
      proof.take(chunk);
      yield chunk;
    }
    proof.finish();
  })();
}
