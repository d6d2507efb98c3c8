/**
 * restore-wal, for restore_command: one WAL file to where PostgreSQL wants it, checked, in one step.
 *
 * What PostgreSQL makes of the answer (RestoreArchivedFile, access/transam/xlogarchive.c) decides what may be said:
 * any status from 1 to 125 means "the archive ends here", and recovery ends and promotes; a status above that stops
 * it. So `absent` is returned only when the WAL provably ends there; a hole, a damaged file or trouble with a
 * directory is thrown, and the caller exits with 255.
 */
import { parseWalFileName, type WalFileName } from '@walvault/wal';
import { WalHoleError } from '../errors.ts';
import { findWal, type WalLocation } from '../wal-files/find-wal.ts';
import { type HandedOver, handOver, type HandOverOptions, removeUnfinished } from './hand-over.ts';
import { findProofOfHole } from './missing-wal.ts';
import type { OpenWalChoices } from './open-wal.ts';

/** Where to look for WAL, whom to tell about copies that could not be used, and when to stop. */
export type RestoreWalOptions = HandOverOptions;

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
 * @throws {ArchiveEmptyError} when there is no WAL at all, or none in an archive that is known to have had some
 * @throws {WalFileError} when all there is of it is damaged
 * @throws {FileSystemError} when something cannot be read or written
 * @throws the reason of `options.signal` when that is aborted; nothing is left behind
 * @throws {WalFormatError} `ERR_INVALID_WAL_FILE_NAME`
 */
export async function restoreWal(
  options: RestoreWalOptions,
  name: string,
  destination: string,
  choices: OpenWalChoices = {},
): Promise<RestoreOutcome> {
  const file = parseWalFileName(name);
  const request = { options, file, destination, partial: false };
  await removeUnfinished(destination);
  const found = await handOver(request);
  if (found !== undefined) return asOutcome(found);
  const proof = await findProofOfHole(options, file);
  // It may have come while the directories were read; then the proof of a hole is none. A partial segment is the last WAL there is, or none.
  const late = await handOver({ ...request, partial: choices.partial === true && proof === undefined });
  if (late !== undefined) return asOutcome(late);
  if (proof !== undefined) throw new WalHoleError(name, proof);
  return { kind: 'absent', partialPath: await partialPathOf(options, file) };
}

function asOutcome({ path, location, isPartial }: HandedOver): RestoreOutcome {
  return { kind: 'restored', path, location, isPartial };
}

async function partialPathOf(options: HandOverOptions, file: WalFileName): Promise<string | undefined> {
  for await (const { content, isPartial } of findWal(options.directories, file, true)) {
    await using _ = content;
    if (isPartial && file.kind === 'segment') return content.path;
  }
  return undefined;
}
