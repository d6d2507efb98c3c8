/** What must be known to select among the files of a streaming directory. */
import { join } from 'node:path';
import { type Disk, FileSystemError } from '@walvault/durable-fs';
import type { WalFileName } from '@walvault/wal';
import { checkWalFile, type ClusterFacts } from '../content/check-wal-file.ts';
import { ContentFile } from '../content/content.ts';
import { WalFileError } from '../errors.ts';
import { isPartialFile, type WalDirectories } from '../wal-files/layout.ts';
import { Timelines } from '../wal-files/timelines.ts';
import { segmentsFromLatest, type SelectionFacts } from './select-files.ts';

/** What is known of the receiver, and of the cluster. */
export interface ReceiverFacts extends ClusterFacts {
  readonly livePartial?: string | undefined;
  readonly receivedThrough?: string | undefined;
  readonly disk?: Disk | undefined;
}

/** Finds out. @throws {FileSystemError} */
export async function streamingFacts(
  receiver: ReceiverFacts,
  directory: string,
  files: readonly WalFileName[],
  timelines: Timelines | undefined,
): Promise<SelectionFacts> {
  const { livePartial } = receiver;
  const isLiveThere = files.some((file) => isPartialFile(file) && file.name === livePartial);
  return {
    livePartial,
    timelines,
    positionMark: isLiveThere ? undefined : await positionMarkAmong(receiver, directory, files),
  };
}

/**
 * The last complete segment that is a good one, unless walvault's receiver has received it: that one goes on behind the archive. A
 * bad one marks nothing, and is moved aside when its turn comes. Names compare by timeline, then by position: the order that the
 * receiver goes through.
 */
async function positionMarkAmong(
  receiver: ReceiverFacts,
  directory: string,
  files: readonly WalFileName[],
): Promise<string | undefined> {
  for (const name of segmentsFromLatest(files)) {
    if (receiver.receivedThrough !== undefined && name.name <= receiver.receivedThrough) return undefined;
    await using content = await ContentFile.open(join(directory, name.name), { disk: receiver.disk });
    if (content === undefined) continue;
    try {
      await checkWalFile(content, content.size, name, receiver);
      return name.name;
    } catch (error) {
      if (!(error instanceof WalFileError)) throw error;
    }
  }
  return undefined;
}

/**
 * How the timelines descend. A damaged history file proves nothing, and must not hold up the pass that moves it aside; nor must a
 * directory that cannot be read hold up another one's turn.
 */
export async function readTimelines(directories: WalDirectories, disk?: Disk): Promise<Timelines | undefined> {
  try {
    return await Timelines.read(directories, disk);
  } catch (error) {
    if (error instanceof WalFileError || error instanceof FileSystemError) return undefined;
    throw error;
  }
}
