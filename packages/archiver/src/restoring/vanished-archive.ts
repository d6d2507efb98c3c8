/**
 * Whether an archive in which there is nothing had something once. One that is not mounted looks like one that nothing came to yet, and
 * segments that wait beside it seem to be all there is, so that every history file would be said to be absent.
 */
import { WalvaultError } from '@walvault/wal';
import { readDeletionRecord } from '../retention/deletion-record.ts';
import { readXlogDb } from '../wal-files/xlog-db.ts';
import type { WalReadOptions } from './open-wal.ts';

/**
 * Says what shows that the archive had WAL, as it reads behind "there is nothing, but "; undefined when nothing does. That a cluster is
 * known (identity.json) shows nothing: it is as soon as the receiver has connected.
 * @param waiting names of the segments, complete or partial, that wait to be archived
 * @throws {FileSystemError} when what is on record cannot be read
 */
export async function findTraceOfArchive(options: WalReadOptions, waiting: readonly string[]): Promise<string | undefined> {
  const { xlogDbPath, deletionRecordPath, catalogPath } = options;
  if (xlogDbPath !== undefined && (await readXlogDb(xlogDbPath)).length > 0) return `"${xlogDbPath}" lists WAL files in it`;
  // What is deleted by retention never is the newest segment.
  if (deletionRecordPath !== undefined && (await readDeletionRecord(deletionRecordPath)).size > 0)
    return `"${deletionRecordPath}" says that older WAL was deleted from it`;
  if (await hasSegments(catalogPath)) return `the catalogue "${catalogPath}" knows segments in it`;
  const gone = [options.receivedFrom, options.receivedThrough]
    .filter((name) => name !== undefined)
    .find((name) => !waiting.some((file) => file.startsWith(name)));
  return gone === undefined ? undefined : `"${gone}" was received, and does not wait any more`;
}

/** A catalogue that cannot be used knows nothing. */
async function hasSegments(path: string | undefined): Promise<boolean> {
  if (path === undefined) return false;
  // Loaded here: who reads an archive without a catalogue does without SQLite.
  const { Catalog } = await import('../catalog/catalog.ts');
  try {
    using catalog = Catalog.open(path, { readOnly: true });
    return catalog.database.row('SELECT 1 FROM segment LIMIT 1') !== undefined;
  } catch (error) {
    if (WalvaultError.is(error)) return false;
    throw error;
  }
}
