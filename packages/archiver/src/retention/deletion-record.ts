/**
 * How far WAL was deleted on purpose, by timeline, on record in a small file beside the archive.
 *
 * A recovering server that asks for WAL which was deleted must be told that it is gone, and never that the archive ends
 * there. What is left of the archive does not always show it: of a timeline that was left all may go.
 */
import { readFile } from 'node:fs/promises';
import { errnoOf, fileSystemError, writeFileAtomic } from '@walvault/durable-fs';
import type { WalFileName } from '@walvault/wal';
import { DeletionRecordError } from '../errors.ts';
import { positionOf } from '../wal-files/layout.ts';

/** The last segment of a timeline that was deleted, or was about to be. */
export interface DeletedThrough {
  readonly name: string;
  /** ISO 8601, UTC. */
  readonly at: string;
}

/** By timeline ID. */
export type DeletionRecord = ReadonlyMap<number, DeletedThrough>;

/**
 * Reads a record; without a file nothing was deleted.
 * @throws {DeletionRecordError} when it holds something else; @throws {FileSystemError} when it cannot be read
 */
export async function readDeletionRecord(path: string): Promise<DeletionRecord> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return new Map();
    throw fileSystemError('read', path, error);
  }
  const record = parse(text);
  if (record === undefined) throw new DeletionRecordError(path);
  return record;
}

/**
 * Puts on record that files are going to be deleted; durable when this returns. What was deleted before stays on record.
 * @throws {DeletionRecordError} @throws {FileSystemError}
 */
export async function recordDeletion(path: string, files: readonly WalFileName[], now: number): Promise<void> {
  const record = new Map(await readDeletionRecord(path));
  const at = new Date(now).toISOString();
  for (const { timelineId, name } of files) {
    const known = record.get(timelineId);
    if (known === undefined || positionOf(known) < positionOf({ name })) record.set(timelineId, { name: name.slice(0, 24), at });
  }
  const deleted = Object.fromEntries([...record].toSorted(([a], [b]) => a - b));
  await writeFileAtomic(path, `${JSON.stringify({ version: 1, deletedThrough: deleted }, undefined, 2)}\n`, { mode: 0o640 });
}

/** What was deleted of a segment's timeline, if that reaches as far as the segment. */
export function deletionOf(record: DeletionRecord, segment: WalFileName): DeletedThrough | undefined {
  const through = record.get(segment.timelineId);
  return through !== undefined && positionOf(segment) <= positionOf(through) ? through : undefined;
}

function parse(text: string): DeletionRecord | undefined {
  try {
    const value = JSON.parse(text) as { version?: unknown; deletedThrough?: Record<string, Partial<DeletedThrough>> };
    if (value.version !== 1 || typeof value.deletedThrough !== 'object') return undefined;
    const entries = Object.entries(value.deletedThrough).map(([timeline, { name, at }]) => {
      if (!/^[0-9A-F]{24}$/.test(name ?? '') || !/^\d+$/.test(timeline)) throw new SyntaxError('no deletion');
      return [Number(timeline), { name: String(name), at: String(at) }] as const;
    });
    return new Map(entries);
  } catch {
    return undefined;
  }
}
