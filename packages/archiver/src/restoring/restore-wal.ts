/**
 * restore-wal, for restore_command: one WAL file to where PostgreSQL wants it, checked, in one step.
 *
 * What PostgreSQL makes of the answer (RestoreArchivedFile, access/transam/xlogarchive.c) decides what may be said:
 * any status from 1 to 125 means "the archive ends here", and recovery ends and promotes; a status above that stops
 * it. So `absent` is returned only when the WAL provably ends there; a hole, a damaged file or trouble with a
 * directory is thrown, and the caller exits with 255.
 */
import { open, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileSystemError, renameFile } from '@walvault/durable-fs';
import { type Logger, parseWalFileName, silentLogger, type WalFileName, WalvaultError } from '@walvault/wal';
import { checkedBytes } from '../content/checked-bytes.ts';
import { WalFileError, WalHoleError } from '../errors.ts';
import { findWal, type FoundWal, type WalLocation } from '../wal-files/find-wal.ts';
import { findProofOfHole } from './missing-wal.ts';
import type { OpenWalChoices, WalReadOptions } from './open-wal.ts';

/** Where to look for WAL, and whom to tell about copies that could not be used. */
export interface RestoreWalOptions extends WalReadOptions {
  readonly log?: Logger | undefined;
}

/** What became of a request for a WAL file. Trouble of any kind is thrown instead. */
export type RestoreOutcome =
  | {
      readonly kind: 'restored';
      /** The file that was handed over. */
      readonly path: string;
      readonly location: WalLocation;
      /** It was an incomplete segment, filled up with zeros. */
      readonly isPartial: boolean;
    }
  | {
      readonly kind: 'absent';
      /** An incomplete segment of that name that was not to be used: it holds the last WAL there is. */
      readonly partialPath: string | undefined;
    };

/**
 * Restores the WAL file `name` to `destination`, which is replaced in one step and only by a whole, checked file. A
 * damaged copy is passed over when there is another complete one.
 * @param destination relative to the working directory, as in PostgreSQL's `%p`
 * @throws {WalHoleError} when the file is missing and later WAL needs it
 * @throws {ArchiveEmptyError} when there is no WAL at all
 * @throws {WalFileError} when all there is of it is damaged
 * @throws {FileSystemError} when something cannot be read or written
 * @throws {WalFormatError} `ERR_INVALID_WAL_FILE_NAME`
 */
export async function restoreWal(
  options: RestoreWalOptions,
  name: string,
  destination: string,
  choices: OpenWalChoices = {},
): Promise<RestoreOutcome> {
  const file = parseWalFileName(name);
  const request: Request = { options, file, destination, partial: choices.partial ?? false };
  const found = await restoreBest(request);
  if (found !== undefined) return found;
  const proof = await findProofOfHole(options, file);
  // It may have come while the directories were read; then the proof of a hole is none.
  const late = await restoreBest(request);
  if (late !== undefined) return late;
  if (proof !== undefined) throw new WalHoleError(name, proof);
  return { kind: 'absent', partialPath: await partialPathOf(options, file) };
}

interface Request {
  readonly options: RestoreWalOptions;
  readonly file: WalFileName;
  readonly destination: string;
  readonly partial: boolean;
}

/** Hands over the first copy that is good; undefined when there is no copy at all. */
async function restoreBest(request: Request): Promise<RestoreOutcome | undefined> {
  const { options, file, partial } = request;
  let failure: WalFileError | undefined;
  for await (const found of findWal(options.directories, file, partial)) {
    await using content = found.content;
    // The beginning of a segment is no substitute for the whole one that is damaged.
    if (failure !== undefined && found.isPartial) continue;
    try {
      await writeOut(request, found);
      return { kind: 'restored', path: content.path, location: found.location, isPartial: found.isPartial };
    } catch (error) {
      if (!(error instanceof WalFileError)) throw error;
      failure ??= error;
      (options.log ?? silentLogger).warn({ path: content.path, code: error.code }, error.message);
    }
  }
  if (failure !== undefined) throw failure;
  return undefined;
}

async function writeOut(request: Request, found: FoundWal): Promise<void> {
  const { options, file, destination } = request;
  const temporary = join(dirname(destination), `.${basename(destination)}.${process.pid}.tmp`);
  const bytes = checkedBytes({ content: found.content, name: file, facts: options, isPartial: found.isPartial });
  try {
    // Opened before anything can fail: a stream that opens by itself may do so after the clean-up below.
    const file = await open(temporary, 'w', 0o600);
    await pipeline(bytes, file.createWriteStream());
    await renameFile(temporary, destination);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw WalvaultError.is(error) ? error : fileSystemError('write', temporary, error);
  }
}

async function partialPathOf(options: RestoreWalOptions, file: WalFileName): Promise<string | undefined> {
  for await (const { content, isPartial } of findWal(options.directories, file, true)) {
    await using _ = content;
    if (isPartial && file.kind === 'segment') return content.path;
  }
  return undefined;
}
