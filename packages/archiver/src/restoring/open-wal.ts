/** get-wal: one WAL file of a server, wherever it is on its way, as it was before compression or in the form that is wanted. */
import { parseWalFileName, type WalFileName } from '@walvault/wal';
import type { ClusterFacts } from '../content/check-wal-file.ts';
import { checkedBytes } from '../content/checked-bytes.ts';
import type { ArchivedCodec } from '../content/codec.ts';
import { findWal, type FoundWal, type WalLocation } from '../wal-files/find-wal.ts';
import type { WalDirectories } from '../wal-files/layout.ts';

/** Where to look for WAL, and what is known about it. */
export interface WalReadOptions extends ClusterFacts {
  readonly directories: WalDirectories;
  /** The xlog.db of the archive: a file that it lists was there. */
  readonly xlogDbPath?: string | undefined;
  /** The record of what was deleted by retention, if anything was. */
  readonly deletionRecordPath?: string | undefined;
  /** The catalogue of the archive: what it knows as good need not be checked record by record. */
  readonly catalogPath?: string | undefined;
  /** The first segment of what the receiver has received since it connected last, as its state says: it was there. */
  readonly receivedFrom?: string | undefined;
  /** The last segment that WAL was durably received for, complete or not, as the receiver's state says: it and those before it were there. */
  readonly receivedThrough?: string | undefined;
}

/** Choices for {@link openWal}. */
export interface OpenWalChoices {
  /** Take `NAME.partial` when the complete segment is not there (get-wal's `--partial`). */
  readonly partial?: boolean | undefined;
}

/**
 * How the content is wanted: as it was before compression, compressed anew, or as the file stores it. An incomplete segment, which is
 * filled up on its way, is never given as it is stored: `stored` then means `plain`.
 */
export type WalForm = 'plain' | 'gzip' | 'bzip2' | 'stored';

/** An open WAL file. Stays readable when the archiver moves it; dispose of it when done. */
export interface ArchivedWal extends AsyncDisposable {
  /** The name that was asked for. */
  readonly name: string;
  readonly path: string;
  readonly location: WalLocation;
  /** It is an incomplete segment. */
  readonly isPartial: boolean;
  readonly codec: ArchivedCodec | undefined;
  /**
   * The content, chunk by chunk; an incomplete segment is filled up with zeros. The chunks belong to the caller.
   *
   * A file that has the wanted form already goes as it is, when it has been read once and is right.
   * @param form `plain` unless given
   * @throws {WalFileError} when it is not what the name says, or too short or long; of `plain` the latter only behind the last chunk
   * @throws {CodecProgramError} when a program for the form is missing or fails
   * @throws {FileSystemError} when it cannot be read
   */
  bytes(form?: WalForm): AsyncGenerator<Buffer, void, undefined>;
}

/**
 * Looks a WAL file up in the archive, then in the incoming and the streaming directory, and opens it.
 * @returns undefined when it is in none of them
 * @throws {WalFormatError} `ERR_INVALID_WAL_FILE_NAME`
 * @throws {FileSystemError} when it is there and cannot be opened
 */
export async function openWal(
  options: WalReadOptions,
  name: string,
  choices: OpenWalChoices = {},
): Promise<ArchivedWal | undefined> {
  const file = parseWalFileName(name);
  for await (const found of findWal(options.directories, file, choices.partial ?? false))
    return asArchivedWal(file, found, options);
  return undefined;
}

function asArchivedWal(file: WalFileName, found: FoundWal, facts: ClusterFacts): ArchivedWal {
  const { content, location, isPartial } = found;
  return {
    name: file.name,
    path: content.path,
    location,
    isPartial,
    codec: content.codec,
    bytes: (form = 'plain') => bytesInForm({ file, found, facts }, form),
    [Symbol.asyncDispose]: () => content[Symbol.asyncDispose](),
  };
}

interface OpenFile {
  readonly file: WalFileName;
  readonly found: FoundWal;
  readonly facts: ClusterFacts;
}

async function* bytesInForm({ file, found, facts }: OpenFile, form: WalForm): AsyncGenerator<Buffer, void, undefined> {
  const { content, isPartial } = found;
  const plain = (): AsyncIterable<Buffer> => checkedBytes({ content, name: file, facts, isPartial });
  if (!isPartial && (form === 'stored' || form === content.codec)) {
    for await (const _ of plain());
    yield* content.from(0);
  } else if (form === 'gzip' || form === 'bzip2') {
    const { encode } = await import('../content/encode.ts');
    yield* encode({ method: form }, plain());
  } else yield* plain();
}
