/**
 * Temporary directories of the tests, all below one directory of this process, which goes when the process goes: at once when
 * it is disposed, through a guardian (guardian.sh) when the process was killed, through the next test run when even the
 * guardian was. With the directories go the processes that work in them.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { killProcessesBelow, killQuietly } from './processes.ts';
import { serverUser, serverUserReaches } from './server-user.ts';

const namePrefix = 'walvault-test-';
/** Longest base that leaves room for a socket path of 107 bytes in a directory of ours. */
const longestBase = 40;

/** A directory that is removed, with all that is in it, when it is disposed. */
export interface TemporaryDirectory extends AsyncDisposable {
  /** Absolute path, short enough for a Unix socket in it, without symbolic links. */
  readonly path: string;
}

/** By this file a later test run recognizes a directory that it may sweep away. */
const ownerFile = 'pid-namespace';

let processDirectory: string | undefined;
let guardian: ChildProcess | undefined;

/**
 * Makes an empty directory that belongs to the user servers run as. Disposing it (again and again, if you like) kills what
 * still works in it and removes it.
 * @param prefix what its name starts with, to tell it from others when looking at a test that hangs
 */
export async function temporaryDirectory(prefix = 'tmp'): Promise<TemporaryDirectory> {
  const path = await mkdtemp(join(processTemporaryDirectory(), `${prefix}-`));
  const owner = serverUser();
  if (owner !== undefined) chownSync(path, owner.uid, owner.gid);
  chmodSync(path, 0o755);
  return { path, [Symbol.asyncDispose]: () => removeWithProcesses(path) };
}

/** The directory of this process that holds all the others. What runs in it or below goes when this process goes. */
export function processTemporaryDirectory(): string {
  return (processDirectory ??= openProcessDirectory());
}

/**
 * Leaves the directories of this process that are not disposed, and what runs in them, where they are when the process goes, for
 * somebody to look at. They are the caller's from now on: nobody else removes them.
 * @returns the directory that holds them all
 */
export async function keepTemporaryDirectories(): Promise<string> {
  const path = processTemporaryDirectory();
  rmSync(join(path, ownerFile), { force: true });
  guardian?.ref();
  if (guardian?.kill('SIGKILL') === true) await once(guardian, 'exit');
  return path;
}

async function removeWithProcesses(path: string): Promise<void> {
  await killProcessesBelow(path);
  await rm(path, { recursive: true, force: true, maxRetries: 5 });
}

function openProcessDirectory(): string {
  const base = temporaryBase();
  sweep(base);
  const path = mkdtempSync(join(base, `${namePrefix}${process.pid}-`));
  chmodSync(path, 0o755);
  writeFileSync(join(path, ownerFile), pidNamespace());
  guardian = spawn('/bin/sh', [join(import.meta.dirname, 'guardian.sh'), path], {
    detached: true,
    cwd: '/',
    env: { PATH: process.env['PATH'] },
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  // By this the guardian knows what we started, even if it went to the background and to another directory.
  process.env['WALVAULT_TEST_DIRECTORY'] = path;
  guardian.unref();
  (guardian.stdin as unknown as { unref(): void }).unref();
  return path;
}

/** The system's directory for temporary files, unless it is too deep for sockets or closed to the server's user. */
function temporaryBase(): string {
  const base = realpathSync(tmpdir());
  return base.length <= longestBase && serverUserReaches(base) ? base : '/tmp';
}

/** Removes what a process left behind that was killed together with its guardian. */
function sweep(base: string): void {
  for (const name of readdirSync(base)) {
    const pid = new RegExp(`^${namePrefix}(\\d+)-`).exec(name)?.[1];
    if (pid !== undefined && isStale(join(base, name), Number(pid)))
      void removeWithProcesses(join(base, name)).catch(() => undefined);
  }
}

/** Ours, of a process that is gone. Process IDs of another container say nothing, so its directories are left alone. */
function isStale(path: string, pid: number): boolean {
  try {
    if (killQuietly(pid, 0) || statSync(path).uid !== process.getuid?.()) return false;
    return readFileSync(join(path, ownerFile), 'utf8') === pidNamespace();
  } catch {
    return false;
  }
}

function pidNamespace(): string {
  return readlinkSync('/proc/self/ns/pid');
}
