/**
 * What cannot be archived is moved aside, never removed: `errors/NAME.STAMP.KIND`, Barman's names, which its `check`
 * counts. Two files of one name in one second get numbers. A reason, where there is one, is written beside the file.
 */
import { cp, lstat, readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import {
  type Disk,
  durableRename,
  errnoOf,
  FileSystemError,
  fileSystemError,
  nodeDisk,
  syncDirectory,
  syncFile,
  writeFileAtomic,
  makeDirectories,
} from '@walvault/durable-fs';
import type { WalFileError } from '../errors.ts';

/** Why something is in the errors directory: not a WAL file at all, other content than the archive has, or not what its name says. */
export type ErrorKind = 'unknown' | 'duplicate' | 'invalid';

/** What to move aside. */
export interface MoveAsideOptions {
  readonly path: string;
  readonly errorsDirectory: string;
  readonly kind: ErrorKind;
  /** Text for the file `....reason` beside it. */
  readonly reason?: string | undefined;
  /** Milliseconds since 1970, for the stamp in the name; the clock of this machine unless given. */
  readonly now?: (() => number) | undefined;
  /** Where all of these are; the file system of the operating system unless given. */
  readonly disk?: Disk | undefined;
}

/**
 * Moves a file or directory to the errors directory; durable when this returns.
 * @returns its new path
 * @throws {FileSystemError}
 */
export async function moveAside(options: MoveAsideOptions): Promise<string> {
  const { path, errorsDirectory, kind, reason, now = Date.now, disk = nodeDisk } = options;
  await makeDirectories(errorsDirectory, { disk });
  const target = await freeName(join(errorsDirectory, `${basename(path)}.${stamp(new Date(now()))}`), kind, disk);
  if (reason !== undefined) await writeFileAtomic(`${target}.reason`, `${reason}\n`, { mode: 0o640, disk });
  try {
    await move(path, target, disk);
  } catch (error) {
    // It comes again with each pass: reasons for nothing would pile up.
    if (reason !== undefined && (await isFree(target, disk))) await disk.unlink(`${target}.reason`).catch(() => undefined);
    throw error;
  }
  return target;
}

/** Moves a WAL file aside that is not what it must be, with the reason beside it; see {@link moveAside}. */
export function moveInvalid(
  path: string,
  error: WalFileError,
  { errorsDirectory, now, disk }: Pick<MoveAsideOptions, 'errorsDirectory' | 'now' | 'disk'>,
): Promise<string> {
  const reason = [`${error.code}: ${error.message}`, error.hint ?? []].flat().join('\n');
  return moveAside({ path, errorsDirectory, kind: 'invalid', reason, now, disk });
}

async function move(from: string, to: string, disk: Disk): Promise<void> {
  try {
    await durableRename(from, to, { contentIsDurable: true, disk });
  } catch (error) {
    if (!isOtherFileSystem(error)) throw error;
    await moveAcross(from, to);
  }
}

async function moveAcross(from: string, to: string): Promise<void> {
  const temporary = join(dirname(to), `.${basename(to)}.tmp`);
  try {
    await refuseSpecial(from);
    await cp(from, temporary, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true, force: true });
    await syncTree(temporary);
    await durableRename(temporary, to, { contentIsDurable: true });
    await rm(from, { recursive: true });
  } catch (error) {
    await rm(temporary, { recursive: true, force: true }).catch(() => undefined);
    throw fileSystemError(`move to "${dirname(to)}"`, from, error);
  }
  await syncDirectory(dirname(from));
}

/** What is a way to another process cannot be copied. */
async function refuseSpecial(path: string): Promise<void> {
  const stats = await lstat(path);
  if (stats.isFile() || stats.isDirectory() || stats.isSymbolicLink()) return;
  throw new FileSystemError(
    'ERR_FILE_SYSTEM',
    path,
    `"${path}" is a pipe, a socket or a device, which cannot change its file system`,
    {
      hint: 'Remove it; it holds no data.',
    },
  );
}

/** A link has nothing of its own beside its entry in the directory. */
async function syncTree(path: string): Promise<void> {
  const stats = await lstat(path);
  if (stats.isFile()) await syncFile(path);
  if (!stats.isDirectory()) return;
  for (const name of await readdir(path)) await syncTree(join(path, name));
  await syncDirectory(path);
}

function isOtherFileSystem(error: unknown): boolean {
  return error instanceof Error && errnoOf(error.cause) === 'EXDEV';
}

async function freeName(stem: string, kind: ErrorKind, disk: Disk): Promise<string> {
  for (let number = 1; ; number += 1) {
    const name = number === 1 ? `${stem}.${kind}` : `${stem}-${number}.${kind}`;
    if ((await isFree(name, disk)) && (await isFree(`${name}.reason`, disk))) return name;
  }
}

async function isFree(path: string, disk: Disk): Promise<boolean> {
  try {
    await disk.lstat(path, { bigint: true });
    return false;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return true;
    throw fileSystemError('look at', path, error);
  }
}

/** `20261122T174500Z` */
function stamp(now: Date): string {
  return `${now.toISOString().replaceAll(/[-:]/g, '').slice(0, 15)}Z`;
}
