/**
 * Where things are in Barman's directories. Names only, nothing is touched.
 *
 *   wals/<timeline><log id>/NAME      segments, .partial and .backup files; compressed ones keep the plain name
 *   wals/NNNNNNNN.history             history files
 *   wals/xlog.db                      one line a file (`<server>-xlog.db` since Barman 3.13)
 *   streaming/, incoming/             what waits to be archived, flat
 *   errors/NAME.STAMP.KIND            what could not be archived
 */
import { join } from 'node:path';
import { type TimelineId, toTimelineId, type WalFileName } from '@walvault/wal';
import type { CustomFilters } from '../content/codec.ts';

/** Where the WAL of one server is kept, and how. A directory that is given must exist when WAL is looked for. */
export interface WalDirectories {
  /** The archive (`wals_directory`). */
  readonly wals: string;
  /** Where the receiver writes (`streaming_wals_directory`). */
  readonly streaming?: string | undefined;
  /** Where archive_command and put-wal write (`incoming_wals_directory`). */
  readonly incoming?: string | undefined;
  /** The filters of the configuration, which files may be compressed with. */
  readonly custom?: CustomFilters | undefined;
}

/** The name of a segment, complete or partial. */
export type SegmentFileName = Extract<WalFileName, { kind: 'segment' | 'partial' }>;

/** The name of a file of a few lines of text: a history or backup history file. */
export type TextFileName = Exclude<WalFileName, SegmentFileName>;

/** One directory of the archive: the WAL of one timeline and log id. */
export interface HashDirectory {
  readonly name: string;
  readonly timelineId: TimelineId;
}

/** Suffix of a file that is not finished; Barman gives its own the same and ignores it everywhere else. */
export const temporarySuffix = '.tmp';

/** Whether a name is that of a segment, complete or partial. */
export function isSegmentFile(file: WalFileName): file is SegmentFileName {
  return file.kind === 'segment' || file.kind === 'partial';
}

/** Whether a name is that of a segment that is not complete. */
export function isPartialFile(file: WalFileName): file is SegmentFileName {
  return file.kind === 'partial';
}

/** Where a WAL file has its place in the archive. */
export function archivePath(walsDirectory: string, file: WalFileName): string {
  return join(hashDirectoryPath(walsDirectory, file), file.name);
}

/** The directory of the archive that a WAL file belongs to; the archive itself for a history file. */
export function hashDirectoryPath(walsDirectory: string, file: WalFileName): string {
  return file.kind === 'history' ? walsDirectory : join(walsDirectory, file.name.slice(0, 16));
}

/** Reads the name of a directory of the archive; undefined when it is none. */
export function tryParseHashDirectory(name: string): HashDirectory | undefined {
  const match = /^([0-9A-F]{8})[0-9A-F]{8}$/.exec(name);
  const timeline = Number.parseInt(match?.[1] ?? '0', 16);
  return timeline === 0 ? undefined : { name, timelineId: toTimelineId(timeline) };
}

/**
 * The part of a segment's name that says where in the WAL it is, whatever the timeline. Positions of one cluster
 * compare as texts like the LSNs that they stand for.
 */
export function positionOf(file: { readonly name: string }): string {
  return file.name.slice(8, 24);
}

/** The lock that one archiver at a time holds (Barman's name). */
export function archiveLockPath(lockDirectory: string, serverName: string): string {
  return join(lockDirectory, `.${serverName}-archive-wal.lock`);
}

/** The lock under which xlog.db is changed (Barman's name). */
export function xlogDbLockPath(lockDirectory: string, serverName: string): string {
  return join(lockDirectory, `.${serverName}-xlogdb.lock`);
}
