/**
 * How far a run of verify-wal has come, in a small file beside the archive: after an interruption, even by kill -9, the next run of the
 * same scope looks only at what was not yet found good. It holds nothing that is not durable knowledge: segments found bad or
 * missing are looked at again.
 */
import { readFile } from 'node:fs/promises';
import { durableUnlink, errnoOf, fileSystemError, writeFileAtomic } from '@walvault/durable-fs';
import type { VerifyCounts } from './verify-totals.ts';

/** The content of the file. */
export interface VerifyState {
  readonly version: 1;
  /** What is looked at, and how; a run of another scope begins anew. */
  readonly scope: string;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  /** The run in the catalogue, if it is there. */
  readonly runId: number | null;
  /** Runs of segments that are good, by the names of the first and the last. */
  readonly good: readonly (readonly [first: string, last: string])[];
  /** What was counted in them. */
  readonly counts: VerifyCounts;
  /** Seams that the next segments need, by name, in base64. */
  readonly seams: Readonly<Record<string, string>>;
}

/**
 * Reads it. What is damaged, or of another version, is as good as none: then everything is looked at again.
 * @throws {FileSystemError} when it is there and cannot be read
 */
export async function readVerifyState(path: string): Promise<VerifyState | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw fileSystemError('read', path, error);
  }
  try {
    const state = JSON.parse(text) as Partial<VerifyState> | null;
    return isState(state) ? state : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Writes it; durable when this returns. @throws {FileSystemError} */
export async function writeVerifyState(path: string, state: VerifyState): Promise<void> {
  await writeFileAtomic(path, `${JSON.stringify(state)}\n`, { mode: 0o640 });
}

/** Removes it, when it is there. @throws {FileSystemError} */
export async function removeVerifyState(path: string): Promise<void> {
  try {
    await durableUnlink(path);
  } catch (error) {
    if (errnoOf(error instanceof Error ? error.cause : error) !== 'ENOENT') throw error;
  }
}

function isState(value: Partial<VerifyState> | null): value is VerifyState {
  return (
    value?.version === 1 &&
    typeof value.scope === 'string' &&
    typeof value.startedAt === 'string' &&
    Array.isArray(value.good) &&
    Array.isArray(value.counts?.rmgrs) &&
    typeof value.seams === 'object'
  );
}
