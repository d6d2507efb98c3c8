/**
 * diagnose: everything that a bug report needs, as one value for JSON, in Barman's shape with ours under `walvault`. There is no password in
 * it. What could not be found out is the error that stood in the way.
 */
import { readXlogDb, xlogDbPath, type XlogDbEntry } from '@walvault/archiver';
import { type Configuration, redactPasswords, type ServerConfig } from '@walvault/config';
import { tryParseWalFileName } from '@walvault/wal';
import { listServerBackups } from '../base-backups.ts';
import { readHoles } from '../holes.ts';
import { readLastVerification } from '../last-verification.ts';
import { listServerProcesses } from '../operating/list-processes.ts';
import { readSoundReceiverState, type ReportedError } from '../receiver-state.ts';
import { readRunState } from '../running/run-state.ts';
import { listServerArchive } from '../server-archive.ts';
import { holesPath, receiverLogPath, statePath } from '../server-paths.ts';
import { reportError } from '../state-publisher.ts';
import { backupFacts } from './backup-facts.ts';
import { shownSettings } from './configured-settings.ts';
import { directoryFacts } from './directory-facts.ts';
import { cleanFacts, serverLiveFacts, sharedConfigFacts } from './show-server.ts';
import { systemInfo } from './system-info.ts';
import { tailOf } from './tail-of.ts';
import { withoutSecret } from './without-secrets.ts';

/** What to gather. */
export interface DiagnoseOptions {
  /** Version of the program. */
  readonly version: string;
  /** Give each option with the place where it was written. */
  readonly showConfigSource: boolean;
  readonly signal: AbortSignal;
}

/** What was gathered. All of it can be written as JSON. */
export interface Diagnosis {
  readonly global: Readonly<Record<'config' | 'system_info', Readonly<Record<string, unknown>>>>;
  readonly models: Readonly<Record<string, never>>;
  /** By name. */
  readonly servers: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

const patienceMs = 10_000;
const logLines = 50;

/** Gathers it, of all servers at once. Never rejects because of a server. */
export async function diagnose(configuration: Configuration, options: DiagnoseOptions): Promise<Diagnosis> {
  const { globals, servers, warnings, file, files } = configuration;
  const all = await Promise.all(
    [...servers.values()].map(async (server) => [server.name, await diagnoseServer(server, configuration, options)] as const),
  );
  const settings = options.showConfigSource ? sourced(globals.settings) : plain(globals.settings);
  return {
    global: {
      config: { ...settings, errors_list: [], configuration_file: file, files, warnings },
      system_info: await systemInfo(options.version),
    },
    models: {},
    servers: Object.fromEntries(all),
  };
}

async function diagnoseServer(server: ServerConfig, { globals }: Configuration, { showConfigSource, signal }: DiagnoseOptions) {
  const [status, backups, wals, ours] = await Promise.all([
    serverLiveFacts(server, { patienceMs, signal }),
    listServerBackups(server).then(backupFacts).catch(reportError),
    lastArchived(server).catch(reportError),
    ownFacts(server),
  ]);
  return {
    config: showConfigSource ? sourced(server.settings) : sharedConfigFacts(server, globals),
    status: cleanFacts(status),
    backups,
    wals: { last_archived_wal_per_timeline: wals },
    msg_list: [],
    active_model: null,
    walvault: ours,
  };
}

async function ownFacts(server: ServerConfig) {
  const { backup, incoming, streaming, wals, errors } = server.directories;
  const [receiver, run, processes, holes, archive, verification, directories, log] = await Promise.all([
    orError(readSoundReceiverState(statePath(server))),
    orError(readRunState(server)),
    orError(listServerProcesses(server)),
    orError(readHoles(holesPath(server))),
    orError(listServerArchive(server)),
    orError(readLastVerification(server)),
    directoryFacts({ backup, incoming, streaming, wals, errors, locks: server.lockDirectory }),
    orError(tailOf(receiverLogPath(server), logLines)),
  ]);
  return {
    receiver: receiver ?? null,
    run: run ?? null,
    processes,
    holes,
    archive,
    last_verification: verification ?? null,
    directories,
    log_tail: Array.isArray(log) ? log.map((line) => redactPasswords(line)) : log,
  };
}

async function orError<T>(work: Promise<T>): Promise<T | ReportedError> {
  return work.catch(reportError);
}

/** Barman's form: of each timeline, by its eight digits, the last segment. */
async function lastArchived({ name, directories: { wals }, xlogdbDirectory }: ServerConfig) {
  const entries = await readXlogDb(await xlogDbPath({ serverName: name, walsDirectory: wals, xlogDbDirectory: xlogdbDirectory }));
  const last = new Map<string, XlogDbEntry>();
  for (const entry of entries) {
    if (tryParseWalFileName(entry.name)?.kind !== 'segment') continue;
    const timeline = entry.name.slice(0, 8);
    if (entry.name > (last.get(timeline)?.name ?? '')) last.set(timeline, entry);
  }
  return Object.fromEntries([...last].map(([timeline, entry]) => [timeline, walFacts(entry)]));
}

function walFacts({ name, size, modifiedAt, compression }: XlogDbEntry) {
  return { name, size, time: modifiedAt, compression: compression ?? null };
}

type Settings = ServerConfig['settings'];

function plain(settings: Settings) {
  return Object.fromEntries(
    Object.entries(shownSettings(settings, true)).map(([name, { value }]) => [name, withoutSecret(name, value)]),
  );
}

function sourced(settings: Settings) {
  const shown = Object.entries(shownSettings(settings, true));
  return Object.fromEntries(shown.map(([name, { value, source }]) => [name, { value: withoutSecret(name, value), source }]));
}
