/**
 * What the last whole verification of a server's WAL has come to, `last-verification.json` in its directory: for `check`, for `status`, and for `run`,
 * which begins the next one when this one is old. Runs over a part of the WAL, and quick ones, do not count.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ServerConfig } from '@walvault/config';
import { errnoOf, fileSystemError, writeFileAtomic } from '@walvault/durable-fs';
import { count, type Forms, oneOf, readForm, time } from './json-form.ts';

/** The content of the file. */
export interface LastVerification {
  readonly version: 1;
  /** ISO 8601, UTC. */
  readonly finishedAt: string;
  readonly verdict: 'good' | 'bad' | 'unknown';
  /** Segments by what was found, and holes with what is missing in them. */
  readonly good: number;
  readonly bad: number;
  readonly unknown: number;
  readonly holes: number;
  readonly missingSegments: number;
}

const forms: Forms<LastVerification> = {
  version: oneOf(1),
  finishedAt: time,
  verdict: oneOf('good', 'bad', 'unknown'),
  good: count,
  bad: count,
  unknown: count,
  holes: count,
  missingSegments: count,
};

/**
 * Reads it; undefined when there was none, or what is there is not one.
 * @throws {FileSystemError} when it is there and cannot be read
 */
export async function readLastVerification(server: ServerConfig): Promise<LastVerification | undefined> {
  const path = lastVerificationPath(server);
  try {
    const read = readForm<LastVerification>(await readFile(path, 'utf8'), forms);
    return 'value' in read ? read.value : undefined;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw fileSystemError('read', path, error);
  }
}

/** Replaces it; durable when this returns. @throws {FileSystemError} */
export async function writeLastVerification(
  server: ServerConfig,
  report: Omit<LastVerification, 'version' | 'finishedAt'>,
): Promise<void> {
  const { verdict, good, bad, unknown, holes, missingSegments } = report;
  const finishedAt = new Date().toISOString();
  const value: LastVerification = { version: 1, finishedAt, verdict, good, bad, unknown, holes, missingSegments };
  await writeFileAtomic(lastVerificationPath(server), `${JSON.stringify(value, undefined, 2)}\n`, { mode: 0o640 });
}

function lastVerificationPath(server: ServerConfig): string {
  return join(server.directories.backup, 'last-verification.json');
}
