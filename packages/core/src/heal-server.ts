/**
 * heal-wal: segments that are missing in the archive of a server, or not right, are streamed again from where they still are.
 *
 *   what is damaged -> for each source: stream -> look at each whole, with its neighbours -> the bad one aside -> archive -> on record
 *
 * A segment that was streamed is durable in the directory `healing` before anything in the archive is touched, and goes into the archive
 * the way every segment does. A run that ended anywhere is completed by the next one.
 */
import { readdir } from 'node:fs/promises';
import type { DamagedSegment } from '@walvault/archiver';
import type { ServerConfig } from '@walvault/config';
import { errnoOf, FileSystemError, fileSystemError, tryLock } from '@walvault/durable-fs';
import { type Logger, parseWalFileName, silentLogger, tryParseWalFileName, WalFormatError } from '@walvault/wal';
import { healingParameters } from './connections.ts';
import { describeFailure, HealRun, type HealedSegment, type UnhealedSegment } from './heal-run.ts';
import { HealSource } from './heal-source.ts';
import { markHealedHoles } from './healed-holes.ts';
import type { RecordedHole } from './holes.ts';
import { ensureDirectories, healingDirectory, lockPath } from './server-paths.ts';
import { damageOfServer } from './server-damage.ts';

/** How to heal. */
export interface HealServerOptions {
  readonly signal: AbortSignal;
  /** Only say what is damaged, and which server has it. */
  readonly dryRun?: boolean | undefined;
  /** A connection string; from there only. Else the server itself is asked, and then those of `heal_conninfo`. */
  readonly from?: string | undefined;
  /** Names of segments to look at beside what is missing and what a check called bad. */
  readonly names?: readonly string[] | undefined;
  readonly log?: Logger | undefined;
  /** Called for each segment when it is in the archive and on record. */
  readonly onHealed?: ((segment: HealedSegment) => void) | undefined;
}

/** A server that was asked. */
export interface HealSourceReport {
  /** Where to and as whom, without passwords. */
  readonly name: string;
  /** Why it could not be used, or not any more. */
  readonly problem: string | undefined;
}

/** What was done. */
export interface HealReport {
  /** What was found damaged, by name. */
  readonly damaged: readonly DamagedSegment[];
  /** What is right now; in a dry run what a server has. */
  readonly healed: readonly HealedSegment[];
  readonly unhealed: readonly UnhealedSegment[];
  /** Those that were asked, in order. */
  readonly sources: readonly HealSourceReport[];
  /** Holes on record that are none any more. */
  readonly holes: readonly RecordedHole[];
}

/**
 * Heals what can be healed.
 * @returns `busy` when another process heals this server
 * @throws {FileSystemError} when something here cannot be read or written; what is in the archive by then is on record
 * @throws {WalFormatError} for a name that is not one of a segment
 * @throws the signal's reason when it is aborted; what `findDamage` throws
 */
export async function healServer(server: ServerConfig, options: HealServerOptions): Promise<HealReport | 'busy'> {
  for (const name of options.names ?? []) refuseUnlessSegment(name);
  if (options.dryRun === true) return heal(server, options);
  await ensureDirectories(server.lockDirectory, server.directories.wals, server.directories.errors, healingDirectory(server));
  await using lock = await tryLock(lockPath(server, 'heal-wal'));
  return lock === undefined ? 'busy' : await heal(server, options);
}

function refuseUnlessSegment(name: string): void {
  if (parseWalFileName(name).kind === 'segment') return;
  throw new WalFormatError('ERR_INVALID_WAL_FILE_NAME', `"${name}" is not the name of a segment`, {
    hint: 'Only whole segments are streamed again: names of 24 hexadecimal digits.',
  });
}

async function heal(server: ServerConfig, options: HealServerOptions): Promise<HealReport> {
  const { log = silentLogger, dryRun = false } = options;
  // What waits since an earlier run may have no other copy that is good: the bad one is aside already.
  const names = [...(options.names ?? []), ...(await fetchedNames(server))];
  const damage = await damageOfServer(server, names, log);
  const run = new HealRun(server, damage, { ...options, log, dryRun });
  const sources: HealSourceReport[] = [];
  if (!dryRun) await run.adoptFetched();
  for (const conninfo of options.from === undefined ? [undefined, ...server.healConninfo] : [options.from]) {
    if (run.isDone) break;
    sources.push(await askSource(server, conninfo, run, options));
  }
  const holes = dryRun ? [] : await markHealedHoles(server);
  return { damaged: damage.segments, healed: run.healed, unhealed: run.unhealed, sources, holes };
}

/** The segments in the directory `healing`. */
async function fetchedNames(server: ServerConfig): Promise<readonly string[]> {
  const path = healingDirectory(server);
  const names = await readdir(path).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return [];
    throw fileSystemError('read the directory', path, error);
  });
  return names.filter((name) => tryParseWalFileName(name)?.kind === 'segment');
}

async function askSource(
  server: ServerConfig,
  conninfo: string | undefined,
  run: HealRun,
  { signal, log }: HealServerOptions,
): Promise<HealSourceReport> {
  let name = conninfo === undefined ? 'the server' : 'another server';
  try {
    const parameters = await healingParameters(server, conninfo, log);
    await using source = await HealSource.open(parameters, { ...run.sourceFacts, signal, log });
    name = source.name;
    await run.healFrom(source);
    return { name, problem: undefined };
  } catch (error) {
    signal.throwIfAborted();
    // Trouble on this side would be the same with any other source.
    if (error instanceof FileSystemError || error === run.failure) throw error;
    const problem = describeFailure(error);
    run.noteForAll(`${name}: ${problem}`);
    return { name, problem };
  }
}
