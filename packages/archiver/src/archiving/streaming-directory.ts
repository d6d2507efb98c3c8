/**
 * What waits in a streaming directory: WAL files, and what has no business there. Names that begin with a dot or end in
 * `.tmp` are somebody's work in progress and are ignored.
 */
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, fileSystemError } from '@walvault/durable-fs';
import { tryParseWalFileName, type WalFileName } from '@walvault/wal';
import { isMissing, namesIn } from '../wal-files/directory-listing.ts';
import { temporarySuffix } from '../wal-files/layout.ts';

/** A streaming directory as it was found. */
export interface StreamingDirectory {
  readonly files: readonly WalFileName[];
  /** Names of what is no WAL file: other names, directories, symbolic links. */
  readonly unknown: readonly string[];
}

/**
 * Reads a streaming directory. One that the receiver has not made yet holds nothing.
 * @throws {FileSystemError}
 */
export async function readStreamingDirectory(directory: string): Promise<StreamingDirectory> {
  const files: WalFileName[] = [];
  const unknown: string[] = [];
  for (const name of await namesInIfAny(directory)) {
    if (name.startsWith('.') || name.endsWith(temporarySuffix)) continue;
    const isFile = await isRegularFile(join(directory, name));
    if (isFile === undefined) continue;
    const file = isFile ? tryParseWalFileName(name) : undefined;
    if (file === undefined) unknown.push(name);
    else files.push(file);
  }
  return { files, unknown };
}

async function namesInIfAny(directory: string): Promise<readonly string[]> {
  try {
    return await namesIn(directory);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** Undefined when it is not there any more. */
async function isRegularFile(path: string): Promise<boolean | undefined> {
  try {
    return (await lstat(path)).isFile();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw fileSystemError('look at', path, error);
  }
}
