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
  type ExactFileFacts,
  type FileLock,
  fileSystemError,
  lockOwner,
  nodeDisk,
  readWhole,
  rewriteDurably,
  tryLock,
  writeFileAtomic,
} from '@walvault/durable-fs';
import { tryParseWalFileName } from '@walvault/wal';
import { ContentFile } from '../content/content.ts';
import { ArchiverBusyError, XlogDbError } from '../errors.ts';
import { isMissing } from './directory-listing.ts';
import { archivePath } from './layout.ts';
import { formatXlogDbLine, type NewXlogDbEntry, secondsOf, tryParseXlogDbLine, type XlogDbEntry } from './xlog-db-line.ts';

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

/** A line of xlog.db, and where it begins. */
export interface PlacedXlogDbEntry extends XlogDbEntry {
  /** Bytes from the start of the file. */
  readonly position: number;
}

/**
 * Reads xlog.db from the line that begins at a position. A position at which no line begins, or behind the end, gives none.
 * @throws {XlogDbError} on a line that is none
 */
export async function readXlogDbFrom(path: string, position: number): Promise<readonly PlacedXlogDbEntry[]> {
  const bytes = await readBytes(path);
  const isLineStart = position === 0 || (position <= bytes.length && bytes[position - 1] === 0x0a);
  if (!isLineStart) return [];
  const entries: PlacedXlogDbEntry[] = [];
  for (let start = position; start < bytes.length; ) {
    const newline = bytes.indexOf(0x0a, start);
    const end = newline === -1 ? bytes.length : newline;
    const line = bytes.toString('utf8', start, end);
    const entry = tryParseXlogDbLine(line);
    if (entry === undefined && line.trim() !== '') throw new XlogDbError(path, line);
    if (entry !== undefined) entries.push({ ...entry, position: start });
    start = end + 1;
  }
  return entries;
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

/** What one process knows of an xlog.db from one pass to the next; of use as long as nobody else has changed the file. */
export interface XlogDbMemory {
  /** Size of each file that is noted. */
  sizes?: Map<string, number> | undefined;
  /** The file that says so. */
  file?: Pick<ExactFileFacts, 'ino' | 'size'> | undefined;
}

/** What an {@link XlogDb} works on. */
export interface XlogDbOptions {
  readonly path: string;
  readonly lockPath: string;
  readonly walsDirectory: string;
  readonly signal?: AbortSignal | undefined;
  /** Where the file and the archive are; the file system of the operating system unless given. */
  readonly disk?: Disk | undefined;
  /** Filled here, and given again to the next one; saves reading a long file again. */
  readonly memory?: XlogDbMemory | undefined;
  /** How the lock is tried for; the kernel's unless given. */
  readonly tryLock?: typeof tryLock | undefined;
}

const lockPatienceMs = 30_000;
const lockPauseMs = 50;

/** An xlog.db that files are noted in, each once, many with one write. */
export class XlogDb {
  readonly #options: XlogDbOptions;
  readonly #memory: XlogDbMemory;

  constructor(options: XlogDbOptions) {
    this.#options = options;
    this.#memory = options.memory ?? {};
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
    const sizes = await this.#sizes();
    const entries = files.filter((file) => sizes.get(file.name) !== file.size).map(entryOf);
    const replaced = new Set(entries.map(({ name }) => name).filter((name) => sizes.has(name)));
    const lines = entries.map(formatXlogDbLine).join('');
    if (replaced.size > 0) await this.#replace(replaced, lines);
    else if (lines !== '') await appendDurably(this.#options.path, lines, this.#options.disk);
    for (const { name, size } of entries) sizes.set(name, size);
    await this.#remember(sizes);
  }

  /**
   * Strikes files off that are not in the archive any more, in one step; names that are not listed are fine.
   * @throws {ArchiverBusyError} when another process keeps the lock for longer than half a minute
   * @throws {FileSystemError}
   */
  async forget(names: ReadonlySet<string>): Promise<void> {
    if (names.size === 0) return;
    await using _ = await this.#lock();
    const sizes = await this.#sizes();
    const lines = (await readText(this.#options.path, this.#options.disk)).split(/(?<=\n)/);
    const kept = lines.filter((line) => !names.has(nameOf(line)));
    if (kept.length < lines.length) await this.#rewrite(kept.join(''));
    for (const name of names) sizes.delete(name);
    await this.#remember(sizes);
  }

  /** What the file says: remembered, unless it has become another one or this process has failed to write to it. */
  async #sizes(): Promise<Map<string, number>> {
    const { sizes, file } = this.#memory;
    this.#memory.sizes = undefined;
    const now = await this.#factsIfAny();
    const isKnown = sizes !== undefined && file?.ino === now?.ino && file?.size === now?.size;
    return isKnown ? sizes : this.#load();
  }

  async #remember(sizes: Map<string, number>): Promise<void> {
    this.#memory.file = await this.#factsIfAny();
    this.#memory.sizes = sizes;
  }

  async #factsIfAny(): Promise<ExactFileFacts | undefined> {
    const { path, disk = nodeDisk } = this.#options;
    return disk.lstat(path, { bigint: true }).catch((error: unknown) => {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw fileSystemError('look at', path, error);
    });
  }

  /**
   * Reads the lines, and makes sure that they are durable. A process that was killed, or whose fsync has failed, may have left some that
   * can be read and are on no disk: the kernel takes them for written, and says so at the next fsync. So the end of the file is
   * written once more before it is relied on.
   */
  async #load(): Promise<Map<string, number>> {
    const { path, disk } = this.#options;
    const bytes = await readBytes(path, disk);
    const lines = bytes.toString('utf8').split(/(?<=\n)/);
    const damaged = lines.filter(isDamaged);
    if (damaged.length > 0) return this.#mend(lines, damaged);
    const from = Math.max(0, bytes.length - largestAppend);
    if (bytes.length > 0) await rewriteDurably(path, bytes.subarray(from), from, disk);
    return sizesIn(lines);
  }

  /**
   * A crash left half a line, or zeros where the disk had not written yet. Files that can still be read out of it are noted properly
   * if they are in the archive; the others come again, since their sources are still there.
   */
  async #mend(lines: readonly string[], damaged: readonly string[]): Promise<Map<string, number>> {
    const whole = lines.filter((line) => !isDamaged(line));
    const sizes = sizesIn(whole);
    for (const line of damaged) {
      const entry = await entryOfTornLine(line, this.#options);
      if (entry === undefined || sizes.has(entry.name)) continue;
      whole.push(formatXlogDbLine(entry));
      sizes.set(entry.name, entry.size);
    }
    await this.#rewrite(whole.join(''));
    return sizes;
  }

  async #replace(names: ReadonlySet<string>, newLines: string): Promise<void> {
    const lines = (await readText(this.#options.path, this.#options.disk)).split(/(?<=\n)/);
    await this.#rewrite(lines.filter((line) => !names.has(nameOf(line))).join('') + newLines);
  }

  async #rewrite(text: string): Promise<void> {
    const { path, disk = nodeDisk } = this.#options;
    const facts = await this.#factsIfAny();
    await writeFileAtomic(path, text, { mode: facts === undefined ? 0o600 : Number(facts.mode) & 0o7777, disk });
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

/** Lines of one append are not longer than this, all together. */
const largestAppend = 256 * 1024;

function isDamaged(line: string): boolean {
  return line !== '' && (!line.endsWith('\n') || line.includes('\0'));
}

function sizesIn(lines: readonly string[]): Map<string, number> {
  return new Map(lines.map((line) => [nameOf(line), Number(line.split(/\s+/, 2)[1])]));
}

function nameOf(line: string): string {
  return line.slice(0, line.search(/\s|$/));
}

/** The line that was to be written, made anew from the file in the archive; undefined when even its name was cut off. */
async function entryOfTornLine(torn: string, { walsDirectory, disk }: XlogDbOptions): Promise<NewXlogDbEntry | undefined> {
  const file = tryParseWalFileName(/^(\S+)\s/.exec(torn)?.[1] ?? '');
  if (file === undefined) return undefined;
  await using content = await ContentFile.open(archivePath(walsDirectory, file), { disk });
  if (content === undefined) return undefined;
  return entryOf({ name: file.name, size: content.size, mtimeNs: content.stats.mtimeNs, compression: content.codec });
}

function entryOf({ name, size, mtimeNs, compression }: FileToNote): NewXlogDbEntry {
  return { name, size, modifiedAt: secondsOf(mtimeNs), compression };
}

async function readText(path: string, disk?: Disk): Promise<string> {
  return (await readBytes(path, disk)).toString('utf8');
}

async function readBytes(path: string, disk?: Disk): Promise<Buffer> {
  try {
    return await readWhole(path, disk);
  } catch (error) {
    if (isMissing(error)) return Buffer.alloc(0);
    throw error;
  }
}
