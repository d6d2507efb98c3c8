/**
 * put-wal: takes WAL files with their checksums as a tar archive, and leaves them in the incoming directory for the archiver.
 *
 * Everything is written to a directory of its own below the incoming one, with a name that begins with a dot, and checked there.
 * Only when all of it has come and is right do the files get their places, durably. So a stream that breaks off leaves nothing,
 * and whoever was told that all is well may forget the files.
 */
import { mkdtemp, rm, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { fileSystemError, writeNewFile, makeDirectories } from '@walvault/durable-fs';
import { tryParseWalFileName } from '@walvault/wal';
import { PutWalError } from '../errors.ts';
import { type ChecksumKind, checksumFiles, ContentChecksums, type ExpectedChecksum, parseChecksums } from './checksums.ts';
import { placeIncoming, type Placement } from './place-incoming.ts';
import { removeLeftovers, temporaryPrefix } from './leftovers.ts';
import { readTar, type TarEntry } from './tar-reader.ts';

/** What comes from where, and where it belongs. */
export interface PutWalOptions {
  readonly serverName: string;
  /** `incoming_wals_directory`; made when it is not there. */
  readonly incomingDirectory: string;
  /** `errors_directory` */
  readonly errorsDirectory: string;
  /** The tar archive; its chunks belong to put-wal. */
  readonly source: AsyncIterable<Buffer>;
}

/** What became of the files. All are durable. */
export interface PutWalReport {
  readonly files: readonly Placement[];
  /** Lines among the checksums that are none. */
  readonly badChecksumLines: readonly string[];
}

/** A segment has 1 GiB at most; what cannot be compressed becomes a little larger by trying. */
const largestFile = 1.1 * 2 ** 30;
const largestChecksumFile = 1024 * 1024;

/**
 * Takes the files in.
 * @throws {PutWalError} when something is wrong with what comes in; then nothing of it was kept
 * @throws {FileSystemError} then files may have got to their places or not: they can be sent again, which changes nothing
 */
export async function putWal(options: PutWalOptions): Promise<PutWalReport> {
  const { incomingDirectory } = options;
  await makeDirectories(incomingDirectory);
  await removeLeftovers(incomingDirectory);
  const directory = await mkdtemp(join(incomingDirectory, temporaryPrefix)).catch((error: unknown) => {
    throw fileSystemError('create a directory in', incomingDirectory, error);
  });
  try {
    const delivery = new Delivery(options.serverName, directory);
    for await (const entry of readTar(options.source)) await delivery.take(entry);
    const files: Placement[] = [];
    for (const name of delivery.verifiedNames()) files.push(await placeIncoming(join(directory, name), options));
    return { files, badChecksumLines: delivery.badChecksumLines };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** One archive on its way in. The messages are Barman's. */
class Delivery {
  readonly badChecksumLines: string[] = [];
  readonly #serverName: string;
  readonly #directory: string;
  readonly #received = new Map<string, Readonly<Record<ChecksumKind, string>>>();
  readonly #expected: ExpectedChecksum[] = [];

  constructor(serverName: string, directory: string) {
    this.#serverName = serverName;
    this.#directory = directory;
  }

  async take(entry: TarEntry): Promise<void> {
    const { name, type, size } = entry;
    if (type !== '0') throw this.#refusal(`Unsupported file type '${type}' for file '${name}'`, 'Send ordinary files only.');
    const kind = checksumFiles.get(name);
    if (kind !== undefined) return this.#takeChecksums(entry, kind);
    if (tryParseWalFileName(name) === undefined || this.#received.has(name))
      throw this.#refusal(
        `Unsupported filename '${name}'`,
        'Send WAL files under the names that PostgreSQL gives them, each once.',
      );
    if (size > largestFile)
      throw this.#refusal(`Unsupported size of ${size} bytes of file '${name}'`, 'No WAL file is that large.');
    const path = join(this.#directory, name);
    const checksums = new ContentChecksums();
    await writeNewFile(path, checksums.through(entry.content()));
    await utimes(path, new Date(), entry.modifiedAt).catch((error: unknown) => {
      throw fileSystemError('set the time of', path, error);
    });
    this.#received.set(name, checksums.digest());
  }

  /** The names of all files, each of which has the checksum that was sent with it. */
  verifiedNames(): readonly string[] {
    for (const { name, kind, checksum } of this.#expected) {
      const found = this.#received.get(name)?.[kind];
      if (found === undefined) throw this.#refusal(`Checksum without corresponding file '${name}'`);
      if (found !== checksum) throw this.#refusal(`Bad file checksum '${found}' (should be ${checksum}) for file '${name}'`);
    }
    const verified = new Set(this.#expected.map(({ name }) => name));
    for (const name of this.#received.keys()) if (!verified.has(name)) throw this.#refusal(`Missing checksum for file '${name}'`);
    return [...this.#received.keys()];
  }

  async #takeChecksums(entry: TarEntry, kind: ChecksumKind): Promise<void> {
    if (entry.size > largestChecksumFile)
      throw this.#refusal(`Unsupported size of ${entry.size} bytes of file '${entry.name}'`, 'It holds a line for each file.');
    const chunks: Buffer[] = [];
    for await (const chunk of entry.content()) chunks.push(chunk);
    const { expected, badLines } = parseChecksums(Buffer.concat(chunks).toString('utf8'), kind);
    this.#expected.push(...expected);
    this.badChecksumLines.push(...badLines);
  }

  #refusal(problem: string, hint = 'Nothing was kept; send the file again.'): PutWalError {
    return new PutWalError(`${problem} in put-wal for server '${this.#serverName}'`, { hint });
  }
}
