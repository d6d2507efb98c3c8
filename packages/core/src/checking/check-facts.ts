/** Everything that the checks of one server look at, found out at once and in the time that there is. */
import { access, constants, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { readXlogDb, usableCompression, type XlogDbEntry, xlogDbPath } from '@walvault/archiver/observing';
import type { ServerConfig } from '@walvault/config';
import { errnoOf } from '@walvault/durable-fs';
import { compressionOf } from '../compression-of.ts';
import { type DiskSpace, diskSpaces } from '../observing/disk-space.ts';
import { type FilesObservation, observeFiles } from '../observing/observe-files.ts';
import { type ObserveOptions, observePrimary, observeServer } from '../observing/observe-server.ts';
import type { ServerObservation, SqlFacts } from '../observing/server-observation.ts';
import type { ReportedError } from '../receiver-state.ts';
import { type Rpo, rpo } from '../rpo.ts';
import { reportError } from '../state-publisher.ts';
import type { Deadline } from './deadline.ts';

/** What is known of a server. A part that could not be found out is the error that stood in the way. */
export interface CheckFacts {
  readonly server: ServerConfig;
  readonly nowMs: number;
  /** The server that WAL comes from. */
  readonly observation: ServerObservation;
  /** The server of `conninfo`, where that is another one. */
  readonly backupHost: ServerObservation | undefined;
  /** The primary, where one is configured. */
  readonly primary: SqlFacts | ReportedError | undefined;
  readonly files: FilesObservation;
  readonly storage: Storage;
  readonly rpo: Rpo;
}

/** What is looked at of the directories. */
export interface Storage {
  /** Why a directory cannot be written to, or made; empty when all can. */
  readonly unusable: string;
  /** The list of the archive. */
  readonly entries: readonly XlogDbEntry[] | ReportedError;
  readonly disks: readonly DiskSpace[] | ReportedError;
  /** Why files cannot be compressed as configured; empty when they can. */
  readonly compression: string;
}

/** Whether WAL comes from another server than the one of `conninfo`. */
export function isSplit({ conninfo, streamingConninfo, walConninfo, walStreamingConninfo }: ServerConfig): boolean {
  return walConninfo !== conninfo || walStreamingConninfo !== streamingConninfo;
}

/**
 * Finds out. Files are looked at first: they are quick, and what is asked of the network must not wait for them.
 * @throws {CoreError} `ERR_NO_ANSWER_IN_TIME` when the files of this machine cannot be looked at in time
 */
export async function gatherFacts(server: ServerConfig, deadline: Deadline): Promise<CheckFacts> {
  const { patience } = deadline;
  const asked = Promise.all([askServers(server, patience), askPrimary(server, patience)]);
  const looked = Promise.all([observeFiles(server), lookAtStorage(server)]);
  const [[hosts, primary], [files, storage]] = await deadline.limit(Promise.all([asked, looked]));
  const exposure = await deadline.limit(rpo(server, { observation: hosts.observation, files, primary }));
  return { server, nowMs: Date.now(), ...hosts, primary, files, storage, rpo: exposure };
}

type Hosts = Pick<CheckFacts, 'observation' | 'backupHost'>;

const notAsked: ReportedError = { code: 'ERR_SERVER_PASSIVE', message: 'a passive server has no connection', hint: null, at: '' };

async function askServers(server: ServerConfig, patience: ObserveOptions): Promise<Hosts> {
  if (server.passive) return { observation: { streaming: notAsked, sql: notAsked }, backupHost: undefined };
  const [observation, backupHost] = await Promise.all([
    observeServer(server, patience),
    isSplit(server) ? observeServer(server, { ...patience, host: 'backup' }) : undefined,
  ]);
  return { observation, backupHost };
}

async function askPrimary(server: ServerConfig, patience: ObserveOptions): Promise<SqlFacts | ReportedError | undefined> {
  if (server.passive || server.primaryConninfo === undefined) return undefined;
  return observePrimary(server, patience).catch(reportError);
}

async function lookAtStorage(server: ServerConfig): Promise<Storage> {
  const { wals } = server.directories;
  const path = xlogDbPath({ serverName: server.name, walsDirectory: wals, xlogDbDirectory: server.xlogdbDirectory });
  const listed = await path.then(readXlogDb).catch(reportError);
  const entries = 'code' in listed ? [] : listed;
  const [unusable, disks, compression] = await Promise.all([
    firstUnusable(server),
    diskSpaces(server, entries).catch(reportError),
    usableCompression(compressionOf(server)).then(({ notice }) => notice ?? '', messageOf),
  ]);
  return { unusable, entries: listed, disks, compression };
}

/** Nothing is made to find out: a directory that is missing can be made if the one above can be written to. */
async function firstUnusable({ directories, lockDirectory }: ServerConfig): Promise<string> {
  for (const path of [...Object.values(directories), lockDirectory]) {
    const trouble = await troubleWith(path);
    if (trouble !== '') return trouble;
  }
  return '';
}

async function troubleWith(path: string): Promise<string> {
  try {
    if (!(await stat(path)).isDirectory()) return `"${path}" is not a directory`;
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK);
    return '';
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' && dirname(path) !== path) return troubleWith(dirname(path));
    return `"${path}" cannot be written to: ${messageOf(error)}`;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
