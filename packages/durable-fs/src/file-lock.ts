/**
 * Locks that the kernel keeps: at most one process holds one, and it is free the moment that process is gone.
 *
 * The lock is an open-file-description lock (fcntl F_OFD_SETLK) on a file whose content is the holder's PID and a
 * newline, which is the content that Barman gives its lock files. Barman itself uses flock(2), which an OFD lock
 * does not exclude; where the system shows such a lock on the file (Linux: /proc/locks), it counts as held. For Barman to see
 * the lock a flock is taken beside it where that is asked for.
 * A lock file stays when its lock is given back; who removes one must take care of those who are just opening it (`removeUnusedLock`).
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type FileHandle, open, readFile, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf, fileSystemError } from './errors.ts';

/** The library has no types of its own. `tryLock` gives false when somebody else holds the lock. */
interface NativeLocks {
  readonly tryLock: (fd: number, options?: { readonly shared?: boolean }) => boolean;
  readonly unlock: (fd: number) => void;
}

let loaded: NativeLocks | undefined;

/** Loaded by the first who locks: commands that only read start sooner without it. */
function nativeLocks(): NativeLocks {
  loaded ??= createRequire(import.meta.url)('fs-native-extensions') as NativeLocks;
  return loaded;
}

/** A lock that is held until it is disposed of, or the process ends. */
export interface FileLock extends AsyncDisposable {
  readonly path: string;
}

/** Options of {@link tryLock}. */
export interface LockOptions {
  /**
   * Takes a flock(2), too, so that Barman finds the lock held. Node has no such call: the program flock(1) makes it, and where
   * there is none, Barman does not see the lock. Costs a few milliseconds. Default false.
   */
  readonly withFlock?: boolean | undefined;
}

/** Who holds a lock. */
export interface LockOwner {
  /** PID from the file, if there is one to read. */
  readonly pid: number | undefined;
  /** `fcntl` for walvault's own kind of lock, `flock` for the kind that Barman takes. */
  readonly kind: 'fcntl' | 'flock';
}

/** A prober holds a shared lock for an instant; a taker that meets it tries again before it believes the lock held. */
const attempts = 5;
const pauseMs = 20;

/**
 * Takes the lock at `path`, making the file (0600) when it is not there.
 * @returns the lock, or undefined when somebody else holds it; {@link lockOwner} says who.
 * @throws {FileSystemError} when the file cannot be opened or written.
 */
export async function tryLock(path: string, options: LockOptions = {}): Promise<FileLock | undefined> {
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    const lock = await tryOnce(path, options);
    if (lock !== undefined) return lock;
    if (attempt < attempts) await sleep(pauseMs);
  }
  return undefined;
}

/**
 * Who holds the lock at `path`, or undefined when it is free (or the file is not there).
 * @throws {FileSystemError} when the file is there and cannot be opened.
 */
export async function lockOwner(path: string): Promise<LockOwner | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw fileSystemError('open', path, error);
  }
  try {
    const pid = readPid(await file.readFile('utf8'));
    if (!nativeLocks().tryLock(file.fd, { shared: true })) return { pid, kind: 'fcntl' };
    nativeLocks().unlock(file.fd); // at once, so as not to be in the way of somebody who takes it
    return (await isFlocked(file)) ? { pid, kind: 'flock' } : undefined;
  } catch (error) {
    throw fileSystemError('look at the lock', path, error);
  } finally {
    await file.close();
  }
}

async function tryOnce(path: string, { withFlock = false }: LockOptions): Promise<FileLock | undefined> {
  const file = await open(path, 'a+', 0o600).catch((error: unknown) => {
    throw fileSystemError('open', path, error);
  });
  try {
    if (!(await takeOpenLock(file, path)) || (withFlock && (await isFlockRefused(file)))) {
      await file.close();
      return undefined;
    }
    await file.truncate(0);
    await file.write(`${process.pid}\n`, 0);
  } catch (error) {
    await file.close();
    throw fileSystemError('lock', path, error);
  }
  return { path, [Symbol.asyncDispose]: () => file.close() };
}

/** Takes the lock of an open file that `path` should name; whether that worked, nobody else holds it, and the file still has its name. */
export async function takeOpenLock(file: FileHandle, path: string): Promise<boolean> {
  return nativeLocks().tryLock(file.fd) && !(await isFlocked(file)) && (await isStillAt(file, path));
}

/** Takes a flock on the open file, which lasts until it is closed; whether somebody else was quicker. */
async function isFlockRefused(file: FileHandle): Promise<boolean> {
  // The lock belongs to the open file, which flock(1) has from us as its descriptor 3, and not to the process that takes it.
  const child = spawn('flock', ['-n', '3'], { stdio: ['ignore', 'ignore', 'ignore', file.fd] });
  try {
    return (await once(child, 'close'))[0] === 1;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'EACCES') return false;
    throw error;
  }
}

/** Whether `path` still names the file that is open: a cleaner may have removed it between open and lock. */
async function isStillAt(file: FileHandle, path: string): Promise<boolean> {
  try {
    const [opened, named] = await Promise.all([file.stat({ bigint: true }), stat(path, { bigint: true })]);
    return opened.ino === named.ino && opened.dev === named.dev;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}

/** Whether the kernel shows a flock(2) on this file. Where it shows no locks at all (not Linux), nobody can tell. */
export async function isFlocked(file: FileHandle): Promise<boolean> {
  const locks = await readFile('/proc/locks', 'utf8').catch(() => '');
  if (!locks.includes('FLOCK')) return false;
  const { ino, dev } = await file.stat({ bigint: true });
  const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & ~0xfffn);
  const minor = (dev & 0xffn) | ((dev >> 12n) & ~0xffn);
  const place = `${hex2(major)}:${hex2(minor)}:${ino}`;
  return locks.split('\n').some((line) => line.includes('FLOCK') && line.split(/\s+/).includes(place));
}

function hex2(value: bigint): string {
  return value.toString(16).padStart(2, '0');
}

function readPid(content: string): number | undefined {
  const pid = Number.parseInt(content, 10);
  return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined;
}
