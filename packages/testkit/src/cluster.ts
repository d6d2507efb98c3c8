/**
 * A throw-away PostgreSQL cluster: a real server of a chosen major with data directory, Unix socket and TCP port of its own.
 *
 * It runs as a child of the test process and goes with it. What a test arranges most is one call: query, WAL switch, crash,
 * restart, copy of the data directory. Made by startCluster, startExisting and createStandby.
 */
import { access, readFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, type ClientConfig, type QueryResult } from 'pg';
import type { PostgresMajor } from './binaries.ts';
import { baseBackup, copyDirectory, writeServerFile } from './copy-cluster.ts';
import type { Postmaster, StopMode } from './postmaster.ts';
import { conninfoText } from './server-settings.ts';
import { releaseSharedMemory } from './shared-memory.ts';

/** A row as `pg` gives it, by column name. */
export type Row = Record<string, unknown>;

/** Parameters of a connection, by libpq keyword; `socket: true` takes the Unix socket instead of TCP. */
export type ConninfoOverrides = Readonly<Record<string, string | number | boolean | undefined>> & {
  readonly socket?: boolean | undefined;
};

/** What a {@link Cluster} is made of; the functions that start one fill it in. */
export interface ClusterParts {
  readonly major: PostgresMajor;
  readonly version: string;
  readonly segmentSizeMb: number;
  readonly superuser: string;
  readonly dataDirectory: string;
  readonly socketDirectory: string;
  readonly port: number;
  readonly logFile: string;
  readonly postmaster: Postmaster;
  /** PEM file of the authority that signed the server's certificate, when the cluster has TLS. */
  readonly tlsAuthorityFile: string | undefined;
  /** Settings and access rules that the cluster was started with beyond the defaults. */
  readonly startTimeoutMs: number;
  /** Removes what belongs to the cluster. */
  readonly remove: () => Promise<void>;
}

/** A running (or stopped) PostgreSQL cluster; disposing it stops the server and removes its files. */
export class Cluster implements AsyncDisposable {
  /** Major version, 10 to 18. */
  readonly major: PostgresMajor;
  /** Full version, `18.4`. */
  readonly version: string;
  /** Size of a WAL segment in MiB. */
  readonly segmentSizeMb: number;
  /** Name of the superuser, who is trusted without a password. */
  readonly superuser: string;
  readonly dataDirectory: string;
  /** `pg_wal` of the data directory. */
  readonly walDirectory: string;
  readonly socketDirectory: string;
  readonly host = '127.0.0.1';
  /** TCP port, the same over all restarts; also the number in the socket's name. */
  readonly port: number;
  /** For `sslrootcert`: PEM file of the authority behind the server's certificate. Undefined without TLS. */
  readonly tlsAuthorityFile: string | undefined;
  readonly #parts: ClusterParts;

  constructor(parts: ClusterParts) {
    this.#parts = parts;
    this.major = parts.major;
    this.version = parts.version;
    this.segmentSizeMb = parts.segmentSizeMb;
    this.superuser = parts.superuser;
    this.dataDirectory = parts.dataDirectory;
    this.walDirectory = join(parts.dataDirectory, 'pg_wal');
    this.socketDirectory = parts.socketDirectory;
    this.port = parts.port;
    this.tlsAuthorityFile = parts.tlsAuthorityFile;
  }

  /** Whether the server process runs. */
  get running(): boolean {
    return this.#parts.postmaster.running;
  }

  /** Process ID of the postmaster, undefined while it does not run. */
  get pid(): number | undefined {
    return this.#parts.postmaster.pid;
  }

  /** A keyword/value conninfo string for the superuser over TCP; overrides replace or add keywords, `undefined` takes one out. */
  conninfo(overrides: ConninfoOverrides = {}): string {
    const { socket, ...others } = overrides;
    const host = socket === true ? this.socketDirectory : this.host;
    const parameters = { host, port: this.port, user: this.superuser, dbname: 'postgres', ...others };
    const given = Object.entries(parameters).filter(([, value]) => value !== undefined);
    return conninfoText(Object.fromEntries(given.map(([keyword, value]) => [keyword, String(value)])));
  }

  /** Opens a connection through the Unix socket. The caller ends it; a server that goes away does not throw, the next query does. */
  async client(config: ClientConfig = {}): Promise<Client> {
    const client = new Client({
      host: this.socketDirectory,
      port: this.port,
      user: this.superuser,
      database: 'postgres',
      ...config,
    });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  }

  /** Runs SQL on a connection of its own and gives the rows; those of the last statement when there are several. */
  async query<T extends object = Row>(sql: string, params?: unknown[]): Promise<T[]> {
    const client = await this.client();
    try {
      const result: QueryResult | QueryResult[] = await client.query(sql, params);
      return ((Array.isArray(result) ? result.at(-1) : result)?.rows ?? []) as T[];
    } finally {
      await client.end();
    }
  }

  /** The first column of the first row, as text; undefined when there is no row or it is NULL. */
  async value(sql: string, params?: unknown[]): Promise<string | undefined> {
    const [row] = await this.query(sql, params);
    const first = Object.values(row ?? {})[0] as string | number | boolean | Date | null | undefined;
    return first === undefined || first === null ? undefined : String(first);
  }

  /** Waits until a query that gives one boolean gives true (polled), for at most `timeoutMs`. */
  async waitFor(sql: string, timeoutMs = 60_000): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    const client = await this.client();
    const isSo = async (): Promise<boolean> => Object.values((await client.query(sql)).rows[0] ?? {})[0] === true;
    try {
      for (; !(await isSo()); await sleep(20))
        if (performance.now() > deadline) throw new Error(`still not true after ${timeoutMs} ms: ${sql}`);
    } finally {
      await client.end();
    }
  }

  /** The server's log so far. */
  async log(): Promise<string> {
    return readFile(this.#parts.logFile, 'utf8');
  }

  /** Starts the server after a stop or a crash, on the same port, and waits until it takes connections. */
  async start(): Promise<void> {
    await this.#parts.postmaster.start(this.#parts.startTimeoutMs);
  }

  /** Stops the server and waits until it is gone. */
  async stop(mode: StopMode = 'fast'): Promise<void> {
    await this.#parts.postmaster.stop(mode);
  }

  /** Stops and starts the server. */
  async restart(mode: StopMode = 'fast'): Promise<void> {
    await this.stop(mode);
    await this.start();
  }

  /** Kills the postmaster and all its children with SIGKILL and waits until all are gone. */
  async kill(): Promise<void> {
    await this.#parts.postmaster.kill();
  }

  /** Waits until the server stops by itself (a recovery that ends in a shutdown); its exit code. */
  async exited(timeoutMs = 60_000): Promise<number | null> {
    return this.#parts.postmaster.exited(timeoutMs);
  }

  /** Makes the server read its configuration again, as after `alter system`, and waits until every new connection is under it. */
  async reload(): Promise<void> {
    const loadedAt = async (): Promise<string | undefined> => this.value('select pg_conf_load_time()::text');
    const before = await loadedAt();
    this.#parts.postmaster.reload();
    while ((await loadedAt()) === before) await sleep(10);
  }

  /** Names of the segment files in `pg_wal`, oldest first. Those at the end may be recycled ones that wait for their turn. */
  async walFiles(): Promise<string[]> {
    return (await readdir(this.walDirectory)).filter((name) => /^[0-9A-F]{24}$/.test(name)).toSorted();
  }

  /** Where the server is in its WAL, as text: the end of what it wrote, or replayed if it is a standby. */
  async currentLsn(): Promise<string> {
    const sql = 'select case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end';
    return (await this.value(sql)) ?? '0/0';
  }

  /** Ends the current segment, writing something into it first, so that it ends in any case; the name of the file that is full now. */
  async switchWal(): Promise<string> {
    await this.query(`select pg_logical_emit_message(false, 'testkit', 'switch')`);
    return (await this.value('select pg_walfile_name(pg_switch_wal())')) ?? '';
  }

  /** Turns a standby into a primary of a new timeline and waits until it is. */
  async promote(): Promise<void> {
    if (this.major < 12) return this.#promoteBySignal();
    if ((await this.value('select pg_promote(true, 60)')) !== 'true') throw new Error('the standby was not promoted within 60 s');
  }

  /** The disaster: removes the data directory. The server must be down (see {@link kill}). */
  async destroyData(): Promise<void> {
    this.#mustBeDown('destroy the data directory');
    await this.#releaseSharedMemory();
    await rm(this.dataDirectory, { recursive: true, force: true });
  }

  /** Copies the data directory of the stopped server to a directory that is made, or empty. */
  async coldCopy(target: string): Promise<void> {
    this.#mustBeDown('copy the data directory cold');
    copyDirectory(this.dataDirectory, target);
  }

  /** Takes a base backup of the running server, as pg_basebackup does without WAL; the segments it needs are still in `pg_wal` or archived. */
  async baseBackup(target: string): Promise<void> {
    const client = await this.client();
    try {
      await baseBackup(client, this.dataDirectory, target);
    } finally {
      await client.end();
    }
  }

  /** What `pg_ctl promote` does, before there was a function for it. */
  async #promoteBySignal(): Promise<void> {
    writeServerFile(join(this.dataDirectory, 'promote'), '');
    this.#parts.postmaster.promote();
    await this.waitFor('select not pg_is_in_recovery()', 60_000);
  }

  #mustBeDown(what: string): void {
    if (this.running) throw new Error(`cannot ${what}: the server runs`);
  }

  /** A killed server leaves its shared memory to the next start; where there is no next start somebody must return it. */
  async #releaseSharedMemory(): Promise<void> {
    const file = join(this.dataDirectory, 'postmaster.pid');
    const exists = await access(file).then(
      () => true,
      () => false,
    );
    if (exists) releaseSharedMemory(await readFile(file, 'utf8'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.running) await this.stop('immediate').catch(() => this.kill());
    await this.#releaseSharedMemory();
    await this.#parts.remove();
  }
}
