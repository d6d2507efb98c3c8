/** What there is on this machine for a server: directories, locks, the receiver, the archive and what waits for it. Nothing is changed. */
import { constants, access, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { usableCompression, xlogDbPath } from '@walvault/archiver';
import type { ArchiveSurvey } from '@walvault/archiver';
import type { ServerConfig } from '@walvault/config';
import { errnoOf, fileSystemError, type LockOwner, lockOwner, readDirectory } from '@walvault/durable-fs';
import { type ClusterIdentity, readIdentity } from '@walvault/receiver/identity';
import { type Lsn, parseLsn, type TimelineId, toTimelineId, tryParseWalFileName } from '@walvault/wal';
import { compressionOf } from '../compression-of.ts';
import { readHoles, type RecordedHole } from '../holes.ts';
import { isReportedError, readSoundReceiverState, type ReceiverState, type ReportedError } from '../receiver-state.ts';
import { archiveEnd } from '../server-archive.ts';
import { catalogPath, holesPath, identityPath, lockPath, type ServerTask, serverTasks, statePath } from '../server-paths.ts';
import { surveyServerArchive } from '../show-server-wal.ts';
import { reportError } from '../state-publisher.ts';
import { pidOf } from '../stop-task.ts';
import { type DirectoryFacts, lookAtDirectory, tryWriting, usedDirectories } from './directory-facts.ts';

/** The facts of this machine. A part that could not be found out is the error that stood in the way. */
export interface HereFacts {
  /** User ID of this process; undefined where there are none. */
  readonly uid: number | undefined;
  readonly identityPath: string;
  readonly identity: ClusterIdentity | ReportedError | undefined;
  readonly directories: readonly DirectoryFacts[];
  /** Files that are written on, not anew, and cannot be. */
  readonly closedFiles: readonly ClosedFile[];
  readonly locks: readonly LockFacts[];
  readonly receiver:
    | {
        readonly pid: number | undefined;
        readonly state: ReceiverState | undefined;
        /** Why nothing can be told of its state. */
        readonly trouble?: ReportedError | undefined;
      }
    | undefined;
  readonly holes: readonly RecordedHole[] | ReportedError;
  /** Undefined when there is no archive yet. */
  readonly survey: ArchiveSurvey | ReportedError | undefined;
  readonly waiting: { readonly streaming: WaitingFiles; readonly incoming: WaitingFiles };
  /** Names in the errors directory. */
  readonly failures: readonly string[];
  /** Why a segment could not be compressed, or placed, as it should be; undefined when it could. */
  readonly placingTrouble: ReportedError | undefined;
  /** Where the WAL ends that is here; undefined when there is none. */
  readonly end: { readonly timelineId: TimelineId; readonly lsn: Lsn } | undefined;
}

/** A file that we may not write to, and why. */
export interface ClosedFile {
  readonly path: string;
  readonly trouble: ReportedError;
}

/** A lock that is held, or whose file is in the way. */
export interface LockFacts {
  readonly task: ServerTask;
  readonly path: string;
  readonly owner: LockOwner | undefined;
  /** Why we could not take it. */
  readonly trouble: ReportedError | undefined;
}

/** Complete segments that are to be archived. */
export interface WaitingFiles {
  readonly count: number;
  /** When the first of them was written last, in milliseconds since 1970. */
  readonly oldestMs: number | undefined;
}

/** Looks. Never rejects. */
export async function lookHere(server: ServerConfig): Promise<HereFacts> {
  const { streaming, incoming, errors } = server.directories;
  const [
    identity,
    directories,
    closedFiles,
    locks,
    pid,
    published,
    holes,
    survey,
    ofStreaming,
    ofIncoming,
    failures,
    placingTrouble,
  ] = await Promise.all([
    readIdentity(identityPath(server)).catch(reportError),
    Promise.all(usedDirectories(server).map(([option, path]) => lookAtDirectory(option, path))),
    closedFilesOf(server),
    Promise.all(serverTasks.map((task) => lookAtLock(server, task))),
    pidOf(server, 'receive-wal').catch(() => undefined),
    readSoundReceiverState(statePath(server)).catch(reportError),
    readHoles(holesPath(server)).catch(reportError),
    surveyServerArchive(server, 1).catch(missingOrReported),
    waitingIn(streaming),
    waitingIn(incoming),
    namesIn(errors),
    placing(server).then(() => undefined, reportError),
  ]);
  const [state, trouble] =
    published !== undefined && isReportedError(published) ? [undefined, published] : [published, undefined];
  return {
    uid: process.getuid?.(),
    identityPath: identityPath(server),
    identity,
    directories,
    closedFiles,
    locks: locks.filter(({ owner, trouble }) => owner !== undefined || trouble !== undefined),
    receiver: pid === undefined && published === undefined ? undefined : { pid, state, trouble },
    holes,
    survey,
    waiting: { streaming: ofStreaming, incoming: ofIncoming },
    failures,
    placingTrouble,
    end: endOfState(state) ?? (await endOfArchive(server, survey, identity)),
  };
}

/** What a run as root, or a copy, leaves behind: the segment being received, the list of the archive, the catalogue. */
async function closedFilesOf(server: ServerConfig): Promise<readonly ClosedFile[]> {
  const { streaming, wals } = server.directories;
  const partials = (await namesIn(streaming)).filter((name) => tryParseWalFileName(name)?.kind === 'partial');
  const list = { serverName: server.name, walsDirectory: wals, xlogDbDirectory: server.xlogdbDirectory };
  const xlogDb = await xlogDbPath(list).catch(() => join(wals, 'xlog.db'));
  const paths = [...partials.map((name) => join(streaming, name)), xlogDb, catalogPath(server)];
  const looks = paths.map(async (path): Promise<ClosedFile | undefined> => {
    try {
      await access(path, constants.R_OK | constants.W_OK);
      return undefined;
    } catch (error) {
      return errnoOf(error) === 'ENOENT' ? undefined : { path, trouble: reportError(fileSystemError('write to', path, error)) };
    }
  });
  return (await Promise.all(looks)).filter((file) => file !== undefined);
}

async function lookAtLock(server: ServerConfig, task: ServerTask): Promise<LockFacts> {
  const path = lockPath(server, task);
  try {
    const owner = await lockOwner(path);
    await access(path, constants.W_OK).catch((error: unknown) => {
      if (errnoOf(error) !== 'ENOENT') throw fileSystemError('write to', path, error);
    });
    return { task, path, owner, trouble: undefined };
  } catch (error) {
    return { task, path, owner: undefined, trouble: reportError(error) };
  }
}

function missingOrReported(error: unknown): ReportedError | undefined {
  const reported = reportError(error);
  return reported.code === 'ERR_PATH_MISSING' ? undefined : reported;
}

/** Segments that have their final names. What cannot be read is told as a directory. */
async function waitingIn(directory: string): Promise<WaitingFiles> {
  const segments = (await namesIn(directory)).filter((name) => tryParseWalFileName(name)?.kind === 'segment').toSorted();
  const [oldest] = segments;
  if (oldest === undefined) return { count: 0, oldestMs: undefined };
  const facts = await stat(join(directory, oldest)).catch(() => undefined);
  return { count: segments.length, oldestMs: facts?.mtimeMs };
}

async function namesIn(directory: string): Promise<readonly string[]> {
  const entries = await readDirectory(directory).catch(() => []);
  return entries.map(({ name }) => name).filter((name) => !name.startsWith('.'));
}

/** Goes through what placing a segment needs, up to where something would be left. */
async function placing(server: ServerConfig): Promise<void> {
  await usableCompression(compressionOf(server));
  const { wals } = server.directories;
  const newest = (await namesIn(wals))
    .filter((name) => /^[0-9A-F]{16}$/.test(name))
    .toSorted()
    .at(-1);
  if (newest === undefined) return;
  const directory = join(wals, newest);
  await tryWriting(directory).catch((error: unknown) => {
    throw fileSystemError('write to', directory, error);
  });
}

/** A state of an earlier version may lack some. */
function endOfState(state: ReceiverState | undefined): HereFacts['end'] {
  const { flushedLsn, timelineId } = state ?? {};
  return flushedLsn == null || timelineId == null
    ? undefined
    : { timelineId: toTimelineId(timelineId), lsn: parseLsn(flushedLsn) };
}

async function endOfArchive(
  server: ServerConfig,
  survey: HereFacts['survey'],
  identity: HereFacts['identity'],
): Promise<HereFacts['end']> {
  if (survey === undefined || isReportedError(survey) || identity === undefined || isReportedError(identity)) return undefined;
  const { walSegmentSize } = survey.listing;
  if (walSegmentSize === undefined) return undefined;
  return archiveEnd(server, { walSegmentSize, systemIdentifier: identity.systemIdentifier }).catch(() => undefined);
}
