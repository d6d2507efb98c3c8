/** What waits in a directory to be archived, by names. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, fileSystemError } from '@walvault/durable-fs';
import { tryParseWalFileName } from '@walvault/wal';

/** What is in a streaming or an incoming directory. */
export interface WalQueue {
  /** All names but hidden ones, and none of temporary files, sorted. */
  readonly names: readonly string[];
  /** Names of complete segments, history and backup history files, sorted. */
  readonly waiting: readonly string[];
  /** Names of incomplete segments, sorted. */
  readonly partials: readonly string[];
  /** Since when the one waits that waits longest: its modification time. Undefined when none waits. */
  readonly oldestAt: Date | undefined;
}

/** Looks into a directory; one that is not there has nothing. @throws {FileSystemError} when it cannot be read */
export async function walQueue(directory: string): Promise<WalQueue> {
  const names = (await namesIfAny(directory)).filter((name) => !name.startsWith('.') && !name.endsWith('.tmp'));
  const files = names.map(tryParseWalFileName).filter((file) => file !== undefined);
  const waiting = files.filter(({ kind }) => kind !== 'partial').map(({ name }) => name);
  const partials = files.filter(({ kind }) => kind === 'partial').map(({ name }) => name);
  return { names, waiting, partials, oldestAt: await oldestOf(directory, waiting) };
}

/** The names in a directory, sorted; none when it is not there. @throws {FileSystemError} when it cannot be read */
export async function namesIfAny(directory: string): Promise<readonly string[]> {
  try {
    return (await readdir(directory)).toSorted();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw fileSystemError('read the directory', directory, error);
  }
}

/** WAL comes in order, so that of many the first few names have the oldest among them. What is gone meanwhile does not wait. */
async function oldestOf(directory: string, waiting: readonly string[]): Promise<Date | undefined> {
  const times = await Promise.all(waiting.slice(0, looked).map(async (name) => timeOf(join(directory, name))));
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : new Date(Math.min(...known));
}

const looked = 8;

async function timeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).mtimeMs;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw fileSystemError('look at', path, error);
  }
}
