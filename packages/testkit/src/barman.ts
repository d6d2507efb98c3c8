/**
 * A real Barman (Debian 12 has 3.4.0) in a directory of its own: configuration file, and its programs run as the user that
 * servers run as. It is the oracle for archives that walvault shares with it, so it may be given the main directory of one.
 */
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Cluster } from './cluster.ts';
import { findProgram } from './find-program.ts';
import { type ProgramResult, type RunOptions, runAsServerUser } from './run-program.ts';
import { serverUserName } from './server-user.ts';
import { type TemporaryDirectory, temporaryDirectory } from './temporary-directory.ts';

/** Options of a section of Barman's configuration, by name. */
export type BarmanSection = Readonly<Record<string, string>>;

/** Options of {@link Barman.create}. */
export interface BarmanOptions {
  /** `barman_home`: the main directory, which stays the caller's. Default one of its own, which goes with it. */
  readonly home?: string | undefined;
  /** Options of the section `[barman]` beside those that must be. */
  readonly globals?: BarmanSection | undefined;
}

/** The programs that Debian's packages barman and barman-cli bring. */
const programs = ['barman', 'barman-wal-archive', 'barman-wal-restore'] as const;

/**
 * The section of a server that streams from a cluster as its superuser by the slot `barman`, and whose base backups are
 * pg_basebackup's. Options given replace or add to these.
 */
export function barmanSectionFor(pg: Cluster, more: BarmanSection = {}): BarmanSection {
  const conninfo = pg.conninfo();
  return { conninfo, streaming_conninfo: conninfo, streaming_archiver: 'on', slot_name: 'barman', ...more };
}

/** An installation of Barman with a configuration file. */
export class Barman implements AsyncDisposable {
  /** `barman_home`. */
  readonly home: string;
  readonly configFile: string;
  /**
   * A directory of `barman`, `barman-wal-archive` and `barman-wal-restore` that run by themselves and `barman` with this
   * configuration: to put on the PATH of a script or of a fake ssh.
   */
  readonly programDirectory: string;
  readonly #directory: TemporaryDirectory;

  private constructor(directory: TemporaryDirectory, home: string) {
    this.#directory = directory;
    this.home = home;
    this.configFile = join(directory.path, 'barman.conf');
    this.programDirectory = join(directory.path, 'bin');
  }

  /** Makes the directory and writes the sections of the servers. Runs nothing. */
  static async create(servers: Readonly<Record<string, BarmanSection>>, options: BarmanOptions = {}): Promise<Barman> {
    const directory = await temporaryDirectory('barman');
    const barman = new Barman(directory, options.home ?? directory.path);
    await barman.configure(servers, options.globals);
    await mkdir(barman.programDirectory);
    for (const name of programs) await barman.#writeProgram(name);
    return barman;
  }

  /** Writes the configuration anew. */
  async configure(servers: Readonly<Record<string, BarmanSection>>, globals: BarmanSection = {}): Promise<void> {
    const own = { barman_home: this.home, barman_user: serverUserName(), log_file: this.logFile, log_level: 'INFO', ...globals };
    const needed = { backup_method: 'postgres', path_prefix: dirname(findProgram('pg_basebackup').path) };
    const sections = Object.entries(servers).map(([name, options]) => [name, { ...needed, ...options }] as const);
    const text = [['barman', own] as const, ...sections].map(([name, options]) => `[${name}]\n${lines(options)}`);
    await writeFile(this.configFile, text.join('\n'));
  }

  /** Where Barman logs. */
  get logFile(): string {
    return join(this.#directory.path, 'barman.log');
  }

  /** A path in the directory of the server `pg`. */
  path(...names: readonly string[]): string {
    return join(this.home, 'pg', ...names);
  }

  /** The command line of `barman` with this configuration. */
  argv(...args: readonly string[]): readonly string[] {
    return [join(this.programDirectory, 'barman'), ...args];
  }

  /** Runs `barman` to its end. */
  async run(...args: readonly string[]): Promise<ProgramResult> {
    return this.runWith({}, ...args);
  }

  /** The same with options, such as its standard input. */
  async runWith(options: RunOptions, ...args: readonly string[]): Promise<ProgramResult> {
    return runAsServerUser(this.argv(...args), options);
  }

  /** Runs `barman` to its end and gives its standard output; anything but exit code 0 is an error. */
  async succeed(...args: readonly string[]): Promise<string> {
    const { code, signal, stdout, stderr } = await this.run(...args);
    if (code !== 0) throw new Error(`barman ${args.join(' ')} ended with ${code ?? signal}:\n${stdout}${stderr}`);
    return stdout;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#directory[Symbol.asyncDispose]();
  }

  /** A script that runs an own program with what it needs to find its modules and libraries. */
  async #writeProgram(name: (typeof programs)[number]): Promise<void> {
    const { argv, env } = findProgram(name);
    // rsync, which barman recover copies by, is found beside Barman.
    const path = `PATH="${dirname(findProgram('rsync').path)}:$PATH"`;
    const configuration = name === 'barman' ? [`--config=${this.configFile}`] : [];
    const settings = Object.entries(env).map(([key, value]) => `${key}=${quoted(value)}`);
    const words = [...argv, ...configuration].map(quoted);
    const script = join(this.programDirectory, name);
    await writeFile(script, `#!/bin/sh\nexec env ${[...settings, path, ...words].join(' ')} "$@"\n`);
    await chmod(script, 0o755);
  }
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

function lines(options: BarmanSection): string {
  return Object.entries(options)
    .map(([name, value]) => `${name} = ${value}\n`)
    .join('');
}
