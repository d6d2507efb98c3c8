/** Fills the archive of a server. */
import {
  type ArchiveCatalog,
  type ArchiveHooks,
  ArchiverBusyError,
  type ArchiveReport,
  archiveWal,
  type ArchiveWalOptions,
  Catalog,
  type FileResult,
  type SpareMemory,
  usableCompression,
  type XlogDbMemory,
} from '@walvault/archiver/archiving';
import type { ServerConfig } from '@walvault/config';
import { type Logger, silentLogger, WalvaultError } from '@walvault/wal';
import { compressionOf } from './compression-of.ts';
import { CoreError } from './errors.ts';
import { readReceiverState } from './receiver-state.ts';
import { catalogPath, ensureDirectories, isThere, statePath } from './server-paths.ts';
import { receivedThrough, systemIdentifierOf } from './server-wal.ts';

/** How to run an archiver. */
export interface ArchiveServerOptions {
  readonly signal: AbortSignal;
  /** Archive what is in this directory, all of it, in place of what the configuration says. */
  readonly directory?: string | undefined;
  /** So many files of each directory at most, whatever the configuration says; all unless given. */
  readonly mostFiles?: number | undefined;
  /** So many segments are worked on at the same time, whatever the configuration says. */
  readonly workers?: number | undefined;
  /** Path of the configuration file, which scripts are told. */
  readonly configFile?: string | undefined;
  /** Called for each file when it is safe where it belongs. */
  readonly onFile?: ((result: FileResult) => void) | undefined;
  /** Told how many files of a directory there are to deal with, before the first of them. */
  readonly onBacklog?: ((files: number) => void) | undefined;
  /** Told, once in a process, what of the configuration cannot be done as it says and is done in another way; it is logged unless given. */
  readonly onNotice?: ((notice: string) => void) | undefined;
  readonly log?: Logger | undefined;
  /** What this process remembers from one pass to the next; see `archiveWal`. */
  readonly xlogDbMemory?: XlogDbMemory | undefined;
  /** Memory for segments that this process uses again; see `archiveWal`. */
  readonly spareMemory?: SpareMemory | undefined;
}

/**
 * Archives what is complete in the streaming directory of a server, and what archive_command has brought. What an archiver that is
 * switched off now has left in the streaming directory is archived as well.
 * @returns `busy` when another process is at it
 * @throws {CoreError} `ERR_NOT_SUPPORTED` for encryption
 * @throws {CodecProgramError} when a program that the compression needs is missing; what `archiveWal` throws
 */
export async function archiveServer(server: ServerConfig, options: ArchiveServerOptions): Promise<ArchiveReport | 'busy'> {
  refuseEncryption(server);
  const { compression, notice } = await usableCompression(compressionOf(server));
  if (notice !== undefined) tellOnce(server.name, notice, options);
  const { wals, errors } = server.directories;
  const sources = options.directory === undefined ? await sourcesOf(server) : { incoming: options.directory };
  await ensureDirectories(server.lockDirectory, wals, errors, ...Object.values(sources));
  using catalog = openCatalog(server, options.log);
  try {
    return await archiveWal({
      serverName: server.name,
      directories: { ...sources, wals, errors },
      lockDirectory: server.lockDirectory,
      xlogDbDirectory: server.xlogdbDirectory,
      compression,
      workers: options.workers ?? server.archiveWorkers,
      batchSize: {
        streaming: lesser(server.streamingArchiverBatchSize, options.mostFiles),
        incoming: options.directory === undefined ? lesser(server.archiverBatchSize, options.mostFiles) : 0,
      },
      systemIdentifier: await systemIdentifierOf(server),
      ...(await receiverFacts(server)),
      hooks: hooksOf(server, options.configFile),
      catalog,
      signal: options.signal,
      onFile: options.onFile,
      onBacklog: options.onBacklog,
      log: options.log,
      xlogDbMemory: options.xlogDbMemory,
      spareMemory: options.spareMemory,
    });
  } catch (error) {
    if (error instanceof ArchiverBusyError) return 'busy';
    throw error;
  }
}

/** Nothing, and 0, is no limit. */
function lesser(configured: number, most = 0): number {
  return configured === 0 || most === 0 ? Math.max(configured, most) : Math.min(configured, most);
}

async function sourcesOf(server: ServerConfig): Promise<{ readonly streaming?: string; readonly incoming?: string }> {
  const { streaming, incoming } = server.directories;
  return {
    ...(server.streamingArchiver || (await isThere(streaming)) ? { streaming } : {}),
    ...(server.archiver ? { incoming } : {}),
  };
}

async function receiverFacts(server: ServerConfig): Promise<Pick<ArchiveWalOptions, 'livePartial' | 'receivedThrough'>> {
  const state = await readReceiverState(statePath(server));
  return { livePartial: state?.partialName ?? undefined, receivedThrough: await receivedThrough(server) };
}

/** The catalogue; one that cannot be opened stands for itself, and says so with the first use. */
function openCatalog(server: ServerConfig, log: Logger = silentLogger): ArchiveCatalog & Disposable {
  try {
    return Catalog.open(catalogPath(server));
  } catch (error) {
    if (!WalvaultError.is(error)) log.error({}, `unexpected trouble with the catalogue: ${String(error)}`);
    const fail = (): never => {
      throw error;
    };
    return { note: fail, seamOf: fail, [Symbol.dispose]: () => undefined };
  }
}

function hooksOf({ hooks, hookTimeoutMs }: ServerConfig, configFile: string | undefined): ArchiveHooks | undefined {
  const { preArchive: pre, preArchiveRetry: preRetry, postArchiveRetry: postRetry, postArchive: post } = hooks;
  const scripts = { pre, preRetry, postRetry, post };
  if (Object.values(scripts).every((script) => script === undefined)) return undefined;
  return { scripts, configFile, timeoutMs: hookTimeoutMs };
}

const told = new Set<string>();

/** An archiver that follows would say it again with every segment. */
function tellOnce(serverName: string, notice: string, { onNotice, log = silentLogger }: ArchiveServerOptions): void {
  const key = `${serverName}: ${notice}`;
  if (told.has(key)) return;
  told.add(key);
  if (onNotice === undefined) log.warn({ server: serverName }, notice);
  else onNotice(notice);
}

/** Nothing is archived in the clear that was meant to be encrypted. */
function refuseEncryption(server: ServerConfig): void {
  if (server.encryption.method === 'none') return;
  throw new CoreError(
    'ERR_NOT_SUPPORTED',
    `encryption = ${server.encryption.method} cannot be done by this version of walvault (allowed: none)`,
    {
      hint: `Nothing was archived; the segments wait in "${server.directories.streaming}". Encrypt the file system instead, or archive with a tool that encrypts.`,
    },
  );
}
