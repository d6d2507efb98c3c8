/**
 * xlog.db: Barman's list of what is in the archive, one line a file, in the order of archiving.
 *
 *   000000010000000000000001<TAB>16777216<TAB>1795364256.6810377<TAB>None
 *
 * Size and modification time are those of the file in the archive. Newer Barmans add a fifth column (encryption) and
 * all of them read lines of four, so that is what is written. Changes are made under Barman's own lock file.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  appendDurably,
  type Disk,
  errnoOf,
  type FileLock,
  fileSystemError,
  lockOwner,
  nodeDisk,
  readWhole,
  tryLock,
  writeFileAtomic,
} from '@walvault/durable-fs';
import { tryParseWalFileName } from '@walvault/wal';
import { ContentFile } from '../content/content.ts';
import { ArchiverBusyError, XlogDbError } from '../errors.ts';
import { isMissing } from './directory-listing.ts';
import { archivePath } from './layout.ts';

/** One line of xlog.db. */
export interface XlogDbEntry {
  readonly name: string;
  /** Bytes of the file in the archive, that is after compression. */
  readonly size: number;
  /** Modification time in seconds since 1970, with fractions. */
  readonly modifiedAt: number;
  /** Name of the compression as Barman calls it; undefined for none. */
  readonly compression: string | undefined;
  /** Name of the encryption (Barman 3.14 and later); undefined for none. */
  readonly encryption: string | undefined;
}

/** What is written: files are not encrypted here. */
type NewEntry = Omit<XlogDbEntry, 'encryption'>;

/** Reads a line with its 3, 4 or 5 columns, or gives undefined when it is none. */
export function tryParseXlogDbLine(line: string): XlogDbEntry | undefined {
  const [name, size, time, compression, encryption, ...more] = line.trim().split(/\s+/);
  if (name === undefined || size === undefined || time === undefined || more.length > 0) return undefined;
  if (!/^\d+$/.test(size) || !/^\d+(\.\d+)?$/.test(time)) return undefined;
  return {
    name,
    size: Number(size),
    modifiedAt: Number(time),
    compression: noneAsUndefined(compression),
    encryption: noneAsUndefined(encryption),
  };
}

/** Writes a line as Barman 3.4 does, newline included; that of an encrypted file as Barman 3.14 does, with a column more. */
export function formatXlogDbLine(entry: NewEntry & Partial<XlogDbEntry>): string {
  const time = Number.isInteger(entry.modifiedAt) ? entry.modifiedAt.toFixed(1) : String(entry.modifiedAt);
  const encryption = entry.encryption === undefined ? '' : `\t${entry.encryption}`;
  return `${entry.name}\t${entry.size}\t${time}\t${entry.compression ?? 'None'}${encryption}\n`;
}

/**
 * Reads a whole xlog.db, in the order of its lines. One that is not there has none.
 * @throws {XlogDbError} on a line that is none
 */
export async function readXlogDb(path: string): Promise<readonly XlogDbEntry[]> {
  const lines = (await readText(path)).split('\n').filter((line) => line.trim() !== '');
  return lines.map((line) => {
    const entry = tryParseXlogDbLine(line);
    if (entry === undefined) throw new XlogDbError(path, line);
    return entry;
  });
}

/** Which file is the xlog.db of a server: in `xlogDbDirectory` if that is set, else in the archive under its new or old name. */
export async function xlogDbPath(choice: {
  readonly serverName: string;
  readonly walsDirectory: string;
  readonly xlogDbDirectory?: string | undefined;
  readonly disk?: Disk | undefined;
}): Promise<string> {
  const newName = join(choice.xlogDbDirectory ?? choice.walsDirectory, `${choice.serverName}-xlog.db`);
  if (choice.xlogDbDirectory !== undefined) return newName;
  try {
    await (choice.disk ?? nodeDisk).stat(newName);
    return newName;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return join(choice.walsDirectory, 'xlog.db');
    throw fileSystemError('look for', newName, error);
  }
}

/** A file of the archive that is to be noted. */
export interface FileToNote {
  readonly name: string;
  /** Bytes of the file in the archive. */
  readonly size: number;
  /** Its modification time, in nanoseconds since 1970. */
  readonly mtimeNs: bigint;
  /** Name of its compression; undefined for none. */
  readonly compression: string | undefined;
}

/** What an {@link XlogDb} works on. */
export interface XlogDbOptions {
  readonly path: string;
  readonly lockPath: string;
  readonly walsDirectory: string;
  readonly signal?: AbortSignal | undefined;
  /** Where the file and the archive are; the file system of the operating system unless given. */
  readonly disk?: Disk | undefined;
  /** How the lock is tried for; the kernel's unless given. */
  readonly tryLock?: typeof tryLock | undefined;
}

const lockPatienceMs = 30_000;
const lockPauseMs = 50;

/** An xlog.db that files are noted in, each once, many with one write. */
export class XlogDb {
  readonly #options: XlogDbOptions;
  /** Size of each file that is noted. Read once: while the lock of the archiver is held nobody else adds any. */
  #sizes: Map<string, number> | undefined;

  constructor(options: XlogDbOptions) {
    this.#options = options;
  }

  /**
   * Notes files of the archive that are not noted already, in this order; durable when this returns. Lines with another size, of
   * copies that were replaced, are replaced too.
   * @throws {ArchiverBusyError} when another process keeps the lock for longer than half a minute
   * @throws {FileSystemError}
   */
  async note(files: readonly FileToNote[]): Promise<void> {
    if (files.length === 0) return;
    await using _ = await this.#lock();
    const sizes = (this.#sizes ??= await this.#load());
    const entries = files.filter((file) => sizes.get(file.name) !== file.size).map(entryOf);
    const replaced = new Set(entries.map(({ name }) => name).filter((name) => sizes.has(name)));
    const lines = entries.map(formatXlogDbLine).join('');
    // Unless all is well, what is there now is read anew, and mended: a part of the lines.
    this.#sizes = undefined;
    if (replaced.size > 0) await this.#replace(replaced, lines);
    else if (lines !== '') await appendDurably(this.#options.path, lines, this.#options.disk);
    this.#sizes = sizes;
    for (const { name, size } of entries) sizes.set(name, size);
  }

  /**
   * Strikes files off that are not in the archive any more, in one step; names that are not listed are fine.
   * @throws {ArchiverBusyError} when another process keeps the lock for longer than half a minute
   * @throws {FileSystemError}
   */
  async forget(names: ReadonlySet<string>): Promise<void> {
    if (names.size === 0) return;
    await using _ = await this.#lock();
    const sizes = (this.#sizes ??= await this.#load());
    const lines = (await readText(this.#options.path)).split(/(?<=\n)/);
    const kept = lines.filter((line) => !names.has(nameOf(line)));
    if (kept.length < lines.length) await this.#rewrite(kept.join(''));
    for (const name of names) sizes.delete(name);
  }

  async #load(): Promise<Map<string, number>> {
    const text = await readText(this.#options.path, this.#options.disk);
    const end = text.lastIndexOf('\n') + 1;
    const whole = text.slice(0, end);
    const sizes = sizesIn(whole);
    return end === text.length ? sizes : this.#mend(whole, text.slice(end), sizes);
  }

  /** A crash left half a line. Its file is noted properly if it is in the archive; what was torn is gone. */
  async #mend(whole: string, torn: string, sizes: Map<string, number>): Promise<Map<string, number>> {
    const entry = await entryOfTornLine(torn, this.#options);
    const isNew = entry !== undefined && !sizes.has(entry.name);
    await this.#rewrite(whole + (isNew ? formatXlogDbLine(entry) : ''));
    return isNew ? sizes.set(entry.name, entry.size) : sizes;
  }

  async #replace(names: ReadonlySet<string>, newLines: string): Promise<void> {
    const lines = (await readText(this.#options.path, this.#options.disk)).split(/(?<=\n)/);
    await this.#rewrite(lines.filter((line) => !names.has(nameOf(line))).join('') + newLines);
  }

  async #rewrite(text: string): Promise<void> {
    const { path, disk = nodeDisk } = this.#options;
    const { mode } = await disk.lstat(path, { bigint: true });
    await writeFileAtomic(path, text, { mode: Number(mode) & 0o7777, disk });
  }

  async #lock(): Promise<FileLock> {
    const { lockPath, signal, tryLock: take = tryLock } = this.#options;
    for (const deadline = Date.now() + lockPatienceMs; ; ) {
      const lock = await take(lockPath);
      if (lock !== undefined) return lock;
      if (Date.now() > deadline) throw new ArchiverBusyError(lockPath, (await lockOwner(lockPath))?.pid);
      await sleep(lockPauseMs, undefined, { signal });
    }
  }
}

function sizesIn(text: string): Map<string, number> {
  return new Map(text.split('\n').map((line) => [nameOf(line), Number(line.split(/\s+/, 2)[1])]));
}

function nameOf(line: string): string {
  return line.slice(0, line.search(/\s|$/));
}

/** The line that was to be written, made anew from the file in the archive; undefined when even its name was cut off. */
async function entryOfTornLine(torn: string, { walsDirectory, disk }: XlogDbOptions): Promise<NewEntry | undefined> {
  const file = tryParseWalFileName(/^(\S+)\s/.exec(torn)?.[1] ?? '');
  if (file === undefined) return undefined;
  await using content = await ContentFile.open(archivePath(walsDirectory, file), { disk });
  if (content === undefined) return undefined;
  return entryOf({ name: file.name, size: content.size, mtimeNs: content.stats.mtimeNs, compression: content.codec });
}

function entryOf({ name, size, mtimeNs, compression }: FileToNote): NewEntry {
  return { name, size, modifiedAt: secondsOf(mtimeNs), compression };
}

async function readText(path: string, disk?: Disk): Promise<string> {
  try {
    return (await readWhole(path, disk)).toString('utf8');
  } catch (error) {
    if (isMissing(error)) return '';
    throw error;
  }
}

/** Seconds as Python's os.stat gives them, so that a rebuilt xlog.db reads the same. */
export function secondsOf(nanoseconds: bigint): number {
  return Number(nanoseconds / 1_000_000_000n) + Number(nanoseconds % 1_000_000_000n) * 1e-9;
}

function noneAsUndefined(column: string | undefined): string | undefined {
  return column === 'None' ? undefined : column;
}
