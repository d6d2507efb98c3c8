/**
 * An archive of segments of 1 MiB with a base backup before them, and recoveries of that backup through the command that
 * `restore-wal --print-command` prints, as an operator would paste it.
 */
import { existsSync, readFileSync } from 'node:fs';
import { appendFile, chmod, chown, copyFile, cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Cluster,
  type PostgresMajor,
  runAsServerUser,
  serverUser,
  type Settings,
  startCluster,
  temporaryDirectory,
  type TemporaryDirectory,
} from '@walvault/testkit';
import { recover, type Recovery } from './expectations.test-support.ts';
import { type Section, sectionFor, Vault } from './vault.test-support.ts';

/** Fills segments of the server with next to nothing, which takes it no time. */
export async function passSegments(pg: Cluster, count: number): Promise<void> {
  await pg.query(`do $$ begin for i in 1..${count} loop
    perform pg_logical_emit_message(false, 'testkit', 'segment'); perform pg_switch_wal();
  end loop; end $$`);
}

/** A server's archive. */
export class RecoveredArchive implements AsyncDisposable {
  readonly vault: Vault;
  /** Names of the segments and history files that were archived, in order. */
  readonly names: string[] = [];
  readonly #stack: AsyncDisposableStack;

  private constructor(vault: Vault, stack: AsyncDisposableStack) {
    this.vault = vault;
    this.#stack = stack;
  }

  /** Starts a server, takes a backup, lets `work` make WAL, and archives it. The server is gone then. */
  static async create(
    major: PostgresMajor,
    section: Section,
    work: (pg: Cluster) => Promise<unknown>,
  ): Promise<RecoveredArchive> {
    await using stack = new AsyncDisposableStack();
    await using pg = await startCluster({ major, segmentSizeMb: 1, settings: { fsync: false } });
    const vault = stack.use(await Vault.create({ pg: sectionFor(pg, section) }));
    const archive = new RecoveredArchive(vault, stack.move());
    await pg.query('create table marks (name text)');
    await pg.baseBackup(archive.backup);
    await work(pg);
    await archive.take(pg, 1);
    await vault.succeed('archive-wal', 'pg');
    return archive;
  }

  get backup(): string {
    return join(this.vault.home, 'backup');
  }

  /** Takes the complete segments of one timeline of a server, and its history, as a receiver does. */
  async take(pg: Cluster, timelineId: number): Promise<void> {
    const prefix = timelineId.toString(16).toUpperCase().padStart(8, '0');
    const last = await pg.switchWal();
    const segments = (await pg.walFiles()).filter((name) => name.startsWith(prefix) && name <= last);
    const names = [...(timelineId > 1 ? [`${prefix}.history`] : []), ...segments];
    await runAsServerUser(['mkdir', '-p', this.vault.path('streaming')]);
    for (const name of names) await this.#receive(join(pg.walDirectory, name), name);
    this.names.push(...names);
  }

  /** Where a file of the archive is. */
  pathOf(name: string): string {
    return name.endsWith('.history') ? this.vault.path('wals', name) : this.vault.path('wals', name.slice(0, 16), name);
  }

  /** A copy of the backup, to be recovered through the command that is printed with these options. */
  async copy(...options: readonly string[]): Promise<BackupCopy> {
    const home = await temporaryDirectory('recovered');
    const data = join(home.path, 'data');
    await cp(this.backup, data, { recursive: true, preserveTimestamps: true });
    const line = await this.vault.succeed('restore-wal', '--print-command', ...options, 'pg');
    await appendFile(join(data, 'postgresql.auto.conf'), await counted(line, home.path));
    return new BackupCopy(home, line);
  }

  /** The same, recovered to the end of the archive, or as the settings say. */
  async recover(settings: Settings = {}): Promise<BackupCopy> {
    const copy = await this.copy();
    await copy.recover(settings);
    return copy;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack[Symbol.asyncDispose]();
  }

  async #receive(path: string, name: string): Promise<void> {
    const target = this.vault.path('streaming', name);
    await copyFile(path, target);
    await chmod(target, 0o600);
    const owner = serverUser();
    if (owner !== undefined) await chown(target, owner.uid, owner.gid);
  }
}

/** The same line with a program in place of Node.js that keeps count and then becomes it. */
async function counted(line: string, home: string): Promise<string> {
  const wrapper = join(home, 'node');
  await writeFile(wrapper, `#!/bin/sh\necho "$*" >>"${home}/calls"\nexec "${process.execPath}" "$@"\n`, { mode: 0o755 });
  const changed = line.replace(process.execPath, wrapper);
  if (changed === line) throw new Error(`the printed command does not name Node.js by its path: ${line}`);
  return changed;
}

/** A data directory that is recovered, perhaps more than once. */
export class BackupCopy implements AsyncDisposable {
  /** As printed, newline included. */
  readonly line: string;
  readonly #home: TemporaryDirectory;
  #recovery: Recovery | undefined;

  constructor(home: TemporaryDirectory, line: string) {
    this.#home = home;
    this.line = line;
  }

  get data(): string {
    return join(this.#home.path, 'data');
  }

  /** Names of the calls of walvault so far. */
  get calls(): readonly string[] {
    const file = join(this.#home.path, 'calls');
    return existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : [];
  }

  /** Starts the server, which recovers to the end of the archive, or as the settings say; returns when it is a primary, or has stopped. */
  async recover(settings: Settings = {}): Promise<void> {
    this.#recovery = await recover(this.data, { segmentSizeMb: 1, settings: { fsync: false, ...settings } });
  }

  /** The server, which is a primary now. @throws {Error} with the log when it is none */
  get server(): Cluster {
    if (this.#recovery === undefined || 'log' in this.#recovery) throw new Error(`the server stopped:\n${this.#recovery?.log}`);
    return this.#recovery.server;
  }

  /** What the server said when it stopped. @throws {Error} when it has not */
  get stopped(): string {
    if (this.#recovery === undefined || 'server' in this.#recovery) throw new Error('the server has not stopped');
    return this.#recovery.log;
  }

  async marks(): Promise<readonly unknown[]> {
    return (await this.server.query('select name from marks')).map(({ name }) => name);
  }

  /** How many segments the server got from the archive. */
  async restored(): Promise<number> {
    return [...(await this.server.log()).matchAll(/restored log file "[0-9A-F]{24}" from archive/g)].length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#recovery !== undefined && 'server' in this.#recovery) await this.#recovery.server[Symbol.asyncDispose]();
    await this.#home[Symbol.asyncDispose]();
  }
}
