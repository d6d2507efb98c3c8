/** Looks at what there is of a server on this machine: its receiver, its archive and what waits for it, its records. Changes nothing. */
import { stat } from 'node:fs/promises';
import { type ArchiveListing, archivePath } from '@walvault/archiver/observing';
import type { ServerConfig } from '@walvault/config';
import { type ClusterIdentity, readIdentity } from '@walvault/receiver/identity';
import { parseWalFileName } from '@walvault/wal';
import { readHoles, type RecordedHole } from '../holes.ts';
import { type LastVerification, readLastVerification } from '../last-verification.ts';
import { isReportedError, readSoundReceiverState, type ReceiverState, type ReportedError } from '../receiver-state.ts';
import { listServerArchive } from '../server-archive.ts';
import { holesPath, identityPath, isThere, statePath } from '../server-paths.ts';
import { reportError } from '../state-publisher.ts';
import { pidOf } from '../stop-task.ts';
import { namesIfAny, type WalQueue, walQueue } from './wal-queue.ts';

/** What there is of a server here. A part that could not be found out is the error that stood in the way. */
export interface FilesObservation {
  /** PID of the receiver that runs. */
  readonly receiverPid: number | undefined;
  /** What the receiver published last, whether it still runs or not. */
  readonly receiver: ReceiverState | undefined;
  /** Why it cannot be told what the receiver published last; undefined when it can, or it has published nothing. */
  readonly receiverTrouble: ReportedError | undefined;
  /** The cluster that the directories belong to; undefined before the first contact. */
  readonly identity: ClusterIdentity | ReportedError | undefined;
  /** Empty when the directory is not there yet. */
  readonly archive: ArchiveListing | ReportedError;
  /** Modification time of the newest segment of the archive, which is that of its source: when it was complete. */
  readonly lastArchivedAt: Date | undefined;
  /** What waits to be archived. */
  readonly streaming: WalQueue | ReportedError;
  readonly incoming: WalQueue | ReportedError;
  /** The holes on record, resolved or not. */
  readonly holes: readonly RecordedHole[] | ReportedError;
  /** Names in the errors directory; none when it is not there. */
  readonly errors: readonly string[] | ReportedError;
  /** What the last whole verification has come to. */
  readonly verification: LastVerification | ReportedError | undefined;
}

/** Looks. Never rejects: what stands in the way is in the answer. */
export async function observeFiles(server: ServerConfig): Promise<FilesObservation> {
  const { directories } = server;
  const [receiverPid, published, identity, archive, streaming, incoming, holes, errors, verification] = await Promise.all([
    pidOf(server, 'receive-wal').catch(() => undefined),
    readSoundReceiverState(statePath(server)).catch(reportError),
    readIdentity(identityPath(server)).catch(reportError),
    listArchiveIfAny(server).catch(reportError),
    walQueue(directories.streaming).catch(reportError),
    walQueue(directories.incoming).catch(reportError),
    readHoles(holesPath(server)).catch(reportError),
    namesIfAny(directories.errors).catch(reportError),
    readLastVerification(server).catch(reportError),
  ]);
  const lastArchivedAt = await archivedAt(server, archive).catch(() => undefined);
  const known = { receiverPid, ...asReceiver(published), identity, archive, lastArchivedAt };
  return { ...known, streaming, incoming, holes, errors, verification };
}

function asReceiver(
  published: ReceiverState | ReportedError | undefined,
): Pick<FilesObservation, 'receiver' | 'receiverTrouble'> {
  if (published === undefined) return { receiver: undefined, receiverTrouble: undefined };
  return isReportedError(published)
    ? { receiver: undefined, receiverTrouble: published }
    : { receiver: published, receiverTrouble: undefined };
}

const emptyArchive: ArchiveListing = { walSegmentSize: undefined, timelines: [], histories: [], impossibleNames: [] };

/** The streaming directory may be missing as well before anything was received; then the error is as it is. */
async function listArchiveIfAny(server: ServerConfig): Promise<ArchiveListing> {
  if (!(await isThere(server.directories.wals)) && !(await isThere(server.directories.streaming))) return emptyArchive;
  return listServerArchive(server);
}

/** Name of the last complete segment of the newest timeline in the archive; undefined when there is none. */
export function newestArchived(archive: ArchiveListing | ReportedError): string | undefined {
  if (isReportedError(archive)) return undefined;
  return archive.timelines.findLast((timeline) => timeline.last !== undefined)?.last;
}

async function archivedAt(server: ServerConfig, archive: ArchiveListing | ReportedError): Promise<Date | undefined> {
  const newest = newestArchived(archive);
  if (newest === undefined) return undefined;
  return (await stat(archivePath(server.directories.wals, parseWalFileName(newest)))).mtime;
}
