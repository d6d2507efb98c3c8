/**
 * Starts clusters: a fresh one, one on a data directory that was restored, or a standby of another one.
 */
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Binaries, type PostgresMajor, binaries, postgresMajors } from './binaries.ts';
import { Cluster } from './cluster.ts';
import { giveTreeToServer } from './copy-cluster.ts';
import { freePort } from './free-port.ts';
import { Postmaster, ServerStartError } from './postmaster.ts';
import { makeRecover } from './recovery-settings.ts';
import { type Settings, defaultSettings, hbaText, settingsText } from './server-settings.ts';
import { type TemporaryDirectory, temporaryDirectory } from './temporary-directory.ts';
import { makeDataDirectory } from './template-cluster.ts';
import { type ServerTls, writeServerTls } from './server-tls.ts';

/** What any cluster can be started with. */
export interface ServerOptions {
  /** Server settings, added to or in place of the defaults (see defaultSettings). */
  readonly settings?: Settings | undefined;
  /** Lines of pg_hba.conf, before those that trust everybody on this machine. */
  readonly hba?: readonly string[] | undefined;
  /** Turns TLS on: with a certificate for `localhost` and `127.0.0.1` made for the purpose (`true`), or with the one given. */
  readonly tls?: boolean | ServerTls | undefined;
  /** Size of a WAL segment in MiB, a power of two from 1 to 1024. Default 16, which is the only one that PostgreSQL 10 has. */
  readonly segmentSizeMb?: number | undefined;
  /** Name of the superuser. Default `postgres`. */
  readonly user?: string | undefined;
  /** How long a start may take. Default two minutes. */
  readonly startTimeoutMs?: number | undefined;
}

/** Options of {@link startCluster}. */
export interface StartClusterOptions extends ServerOptions {
  /** Major version, 10 to 18. Default the newest. */
  readonly major?: PostgresMajor | undefined;
  /** Further arguments for initdb, such as `--data-checksums`. */
  readonly initdb?: readonly string[] | undefined;
}

/** Options of {@link startExisting}. */
export interface StartExistingOptions extends ServerOptions {
  /** Makes the server recover from an archive (`recovery`) or go on as a standby (`standby`) when it starts. */
  readonly recover?: 'recovery' | 'standby' | undefined;
}

/** Where a new cluster lives, and what removes it. */
interface Place {
  readonly home: TemporaryDirectory;
  readonly dataDirectory: string;
}

/** Makes a cluster with initdb and starts it. `await using pg = await startCluster({ major: 18, segmentSizeMb: 1 })`. */
export async function startCluster(options: StartClusterOptions = {}): Promise<Cluster> {
  const programs = binaries(options.major ?? 18);
  await using stack = new AsyncDisposableStack();
  const home = stack.use(await temporaryDirectory(`pg${programs.major}`));
  const place = { home, dataDirectory: join(home.path, 'data') };
  await makeDataDirectory(programs, place.dataDirectory, initdbArguments(programs.major, options));
  const cluster = await launch(programs, place, options);
  stack.move();
  return cluster;
}

/**
 * Starts a server on a data directory that somebody restored or copied. Settings are those given here, never those of the data
 * directory's postgresql.conf (its postgresql.auto.conf counts). The data directory stays the caller's; it is given to the user
 * that servers run as, but not removed.
 * @throws {ServerStartError} when the server stops before it takes connections
 */
export async function startExisting(dataDirectory: string, options: StartExistingOptions = {}): Promise<Cluster> {
  const programs = binaries(await majorOf(dataDirectory));
  await using stack = new AsyncDisposableStack();
  const home = stack.use(await temporaryDirectory(`pg${programs.major}`));
  const { recover } = options;
  const settings =
    recover === undefined
      ? options.settings
      : await makeRecover({ major: programs.major, dataDirectory, as: recover }, options.settings);
  await chmod(dataDirectory, 0o700);
  giveTreeToServer(dataDirectory);
  const cluster = await launch(programs, { home, dataDirectory }, { ...options, settings });
  stack.move();
  return cluster;
}

/** Options of {@link createStandby}. */
export interface CreateStandbyOptions extends ServerOptions {
  /** Name of an existing physical slot of the primary to stream through. */
  readonly slot?: string | undefined;
  /** Name by which the primary knows the standby. Default `standby`. */
  readonly applicationName?: string | undefined;
}

/** Starts a streaming standby from a base backup of a running primary. */
export async function createStandby(primary: Cluster, options: CreateStandbyOptions = {}): Promise<Cluster> {
  const programs = binaries(primary.major);
  await using stack = new AsyncDisposableStack();
  const home = stack.use(await temporaryDirectory(`pg${programs.major}`));
  const dataDirectory = join(home.path, 'data');
  await primary.baseBackup(dataDirectory);
  const conninfo = primary.conninfo({ dbname: undefined, application_name: options.applicationName ?? 'standby' });
  const slot = options.slot === undefined ? {} : { primary_slot_name: options.slot };
  const wanted = { primary_conninfo: conninfo, recovery_target_timeline: 'latest', ...slot, ...options.settings };
  const settings = await makeRecover({ major: programs.major, dataDirectory, as: 'standby' }, wanted);
  const cluster = await launch(programs, { home, dataDirectory }, { segmentSizeMb: primary.segmentSizeMb, ...options, settings });
  stack.move();
  return cluster;
}

function initdbArguments(
  major: PostgresMajor,
  { user = 'postgres', segmentSizeMb = 16, initdb = [] }: StartClusterOptions,
): string[] {
  if (major < 11 && segmentSizeMb !== 16) throw new Error('PostgreSQL 10 has segments of 16 MiB only');
  const segmentSize = major < 11 ? [] : [`--wal-segsize=${segmentSizeMb}`];
  return ['-U', user, '-A', 'trust', '--no-locale', '--encoding=UTF8', ...segmentSize, ...initdb];
}

/** Writes the configuration and starts the server, on another port when somebody was quicker. */
async function launch(programs: Binaries, place: Place, options: ServerOptions): Promise<Cluster> {
  for (let attempt = 1; ; attempt += 1) {
    const cluster = await prepare(programs, place, options);
    try {
      await cluster.start();
      return cluster;
    } catch (error) {
      const portTaken = error instanceof ServerStartError && error.log.includes('could not bind IPv4 address');
      if (!portTaken || attempt === 10) throw error;
    }
  }
}

async function prepare(programs: Binaries, { home, dataDirectory }: Place, options: ServerOptions): Promise<Cluster> {
  const [port, segmentSizeMb] = [await freePort(), options.segmentSizeMb ?? 16];
  const inHome = (name: string) => join(home.path, name);
  const tls = options.tls === undefined || options.tls === false ? undefined : await writeServerTls(home.path, options.tls);
  const own = { port, unix_socket_directories: home.path, hba_file: inHome('pg_hba.conf'), ident_file: inHome('pg_ident.conf') };
  const settings = { ...defaultSettings(programs.major, segmentSizeMb), ...own, ...tls?.settings, ...options.settings };
  await writeFile(inHome('postgresql.conf'), settingsText(settings));
  await writeFile(inHome('pg_hba.conf'), hbaText(options.hba ?? []));
  await writeFile(inHome('pg_ident.conf'), '');
  const logFile = inHome('server.log');
  return new Cluster({
    major: programs.major,
    version: programs.version,
    segmentSizeMb,
    superuser: options.user ?? 'postgres',
    dataDirectory,
    socketDirectory: home.path,
    port,
    logFile,
    tlsAuthorityFile: tls?.authorityFile,
    startTimeoutMs: options.startTimeoutMs ?? 120_000,
    postmaster: new Postmaster({ program: programs.postgres, dataDirectory, configFile: inHome('postgresql.conf'), logFile }),
    remove: async () => home[Symbol.asyncDispose](),
  });
}

async function majorOf(dataDirectory: string): Promise<PostgresMajor> {
  const text = (await readFile(join(dataDirectory, 'PG_VERSION'), 'utf8')).trim();
  const major = postgresMajors.find((known) => String(known) === text);
  if (major === undefined)
    throw new Error(`"${dataDirectory}" is a data directory of PostgreSQL ${text}, which the tests do not know`);
  return major;
}
