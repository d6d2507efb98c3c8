/** History files in the streaming directory: each timeline's own is durable there before its first segment is asked for. */
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '@walvault/durable-fs';
import type { ReplicationConnection } from '@walvault/protocol';
import { firstTimelineId, historyFileName, parseHistoryFile, type TimelineId } from '@walvault/wal';
import { ReceiverError } from './errors.ts';

/**
 * Fetches the history file of a timeline unless it is there. Timeline 1 has none.
 * @throws {ReceiverError} `ERR_TIMELINE_SWITCH` when the server sends the history of another timeline
 * @throws {ServerError} when the server does not have it, {@link FileSystemError} when it cannot be written
 */
export async function ensureHistoryFile(
  connection: ReplicationConnection,
  directory: string,
  timelineId: TimelineId,
): Promise<void> {
  if (timelineId === firstTimelineId) return;
  const path = join(directory, historyFileName(timelineId));
  if (await exists(path)) return;
  const { fileName, content } = await connection.timelineHistory(timelineId);
  if (fileName !== historyFileName(timelineId)) {
    throw new ReceiverError('ERR_TIMELINE_SWITCH', `the server sent "${fileName}" as the history of timeline ${timelineId}`);
  }
  parseHistoryFile(timelineId, content.toString('latin1'));
  await writeFileAtomic(path, content);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
