/**
 * A configured walvault for one test: a main directory, a configuration file, and the real executable, run as the user that
 * the test servers run as. Disposing of it kills every process that was started with its configuration.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ReceiverState } from '@walvault/core';
import {
  type Cluster,
  type ProgramResult,
  type RunningProgram,
  type RunOptions,
  runAsServerUser,
  startAsServerUser,
  type TemporaryDirectory,
  temporaryDirectory,
} from '@walvault/testkit';
import { expect, inject } from 'vitest';
import { expectValidResult } from '../json-results/validate-result.test-support.ts';

/** Options of a server's section by name. */
export type Section = Readonly<Record<string, string>>;

/** The program, built. */
export const executable = inject('executable');

/** The section that receives from a cluster by the slot `barman`, as the superuser. */
export function sectionFor(pg: Cluster, more: Section = {}): Section {
  return { conninfo: pg.conninfo(), streaming_archiver: 'on', slot_name: 'barman', ...more };
}

/** A main directory with a configuration file. */
export class Vault implements AsyncDisposable {
  readonly #directory: TemporaryDirectory;
  readonly configFile: string;

  private constructor(directory: TemporaryDirectory) {
    this.#directory = directory;
    this.configFile = join(directory.path, 'walvault.conf');
  }

  /** Makes the directory and writes the sections of the servers. */
  static async create(servers: Readonly<Record<string, Section>>, globals: Section = {}): Promise<Vault> {
    const vault = new Vault(await temporaryDirectory('vault'));
    await vault.configure(servers, globals);
    return vault;
  }

  /** Directory that everything is below, `barman_home`. */
  get home(): string {
    return this.#directory.path;
  }

  /** Writes the configuration anew. */
  async configure(servers: Readonly<Record<string, Section>>, globals: Section = {}): Promise<void> {
    const sections = { barman: { barman_home: this.home, ...globals }, ...servers };
    const text = Object.entries(sections).map(([name, options]) => `[${name}]\n${lines(options)}`);
    await writeFile(this.configFile, text.join('\n'));
  }

  /** A path in the directory of the server `pg`. */
  path(...names: readonly string[]): string {
    return join(this.home, 'pg', ...names);
  }

  /** The command line of walvault with this configuration. */
  argv(...args: readonly string[]): readonly string[] {
    return [process.execPath, executable, '-c', this.configFile, ...args];
  }

  /** For `restore_command` of a recovering server. */
  restoreCommand(...options: readonly string[]): string {
    const program = this.argv('restore-wal', ...options).map((word) => `"${word}"`);
    return `${program.join(' ')} pg %f "%p"`;
  }

  /** Makes a program of another name in a directory that is walvault with this configuration. */
  async installAs(name: string, directory: string): Promise<void> {
    const words = this.argv().map((word) => `"${word}"`);
    const path = await plant(directory, name, `#!/bin/sh\nexec ${words.join(' ')} "$@"\n`);
    await chmod(path, 0o755);
  }

  /** Runs walvault to its end. */
  async run(...args: readonly string[]): Promise<ProgramResult> {
    return this.runWith({}, ...args);
  }

  /** The same with an environment or a working directory of its own. */
  async runWith(options: RunOptions, ...args: readonly string[]): Promise<ProgramResult> {
    const result = await runAsServerUser(this.argv(...args), options);
    expectValidResult(args, result.stdout);
    return result;
  }

  /** Runs walvault to its end and gives its standard output; anything but exit code 0 is an error. */
  async succeed(...args: readonly string[]): Promise<string> {
    const { code, signal, stdout, stderr } = await this.run(...args);
    if (code !== 0) throw new Error(`walvault ${args.join(' ')} ended with ${code ?? signal}:\n${stdout}${stderr}`);
    return stdout;
  }

  /** Starts walvault and leaves it running. */
  async start(...args: readonly string[]): Promise<RunningProgram> {
    return startAsServerUser(this.argv(...args));
  }

  /** Creates the slot and starts the receiver of the server `pg` in the background; its PID. */
  async startReceiving(): Promise<number> {
    await this.succeed('receive-wal', '--create-slot', '--if-not-exists', 'pg');
    return this.startReceiver();
  }

  /** Starts the receiver of `pg` in the background, waiting for the slot where the server still thinks it in use; its PID. */
  async startReceiver(): Promise<number> {
    const pid = /\(pid (\d+),/.exec(await this.succeed('receive-wal', '--wait', 'pg'))?.[1];
    if (pid === undefined) throw new Error('receive-wal did not name its process');
    await this.#published(Number(pid));
    return Number(pid);
  }

  /** The state is published beside the report of the start, a moment later. */
  async #published(pid: number): Promise<void> {
    for (const deadline = performance.now() + 60_000; performance.now() < deadline; await sleep(20)) {
      const state = await this.state().catch(() => undefined);
      if (state?.pid === pid && state.startLsn !== null) return;
    }
    throw new Error(`the receiver ${pid} has not published its state`);
  }

  /** Ends the receiver of `pg` in good order, and waits until its server knows. */
  async stopReceiver(pg: Cluster): Promise<void> {
    await this.succeed('receive-wal', '--stop', 'pg');
    await pg.waitFor('select count(*) = 0 from pg_replication_slots where active');
  }

  /** PID in the lock file of the receiver of `pg`; whether it is alive does not matter. */
  async lockedBy(): Promise<number> {
    return Number(await readFile(join(this.home, '.pg-receive-wal.lock'), 'utf8'));
  }

  /** What the receiver of `pg` published. */
  async state(): Promise<ReceiverState> {
    return JSON.parse(await readFile(this.path('receive-wal.json'), 'utf8')) as ReceiverState;
  }

  /** Waits until the published state is so, and gives the very one that was: a moment later it may be another. */
  async reaches(expected: Partial<ReceiverState> | object): Promise<ReceiverState> {
    let state: ReceiverState | undefined;
    await expect.poll(async () => (state = await this.state())).toMatchObject(expected);
    return state!;
  }

  /** The log of the receiver of `pg`. */
  async log(): Promise<string> {
    return readFile(this.path('receive-wal.log'), 'utf8');
  }

  /** Names in a directory of `pg`, sorted, without hidden ones, which are on their way; none when it is not there. */
  names(directory: 'streaming' | 'errors'): readonly string[] {
    if (!existsSync(this.path(directory))) return [];
    return readdirSync(this.path(directory))
      .filter((name) => !name.startsWith('.'))
      .toSorted();
  }

  /** Complete segments, wherever they are: path by name, in order. What is archived meanwhile is found in one of the two. */
  segments(): ReadonlyMap<string, string> {
    const paths = ['streaming', 'wals']
      .filter((name) => existsSync(this.path(name)))
      .flatMap((name) => filesBelow(this.path(name)));
    const segments = paths.filter((path) => /^[0-9A-F]{24}$/.test(basename(path)));
    return new Map(segments.map((path) => [basename(path), path] as const).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** Bytes of a complete segment, which may be archived at any moment: looked for where it comes from, then where it goes. */
  async readSegment(name: string): Promise<Buffer> {
    return readFile(this.path('streaming', name)).catch(() => readFile(this.path('wals', name.slice(0, 16), name)));
  }

  /** Process IDs of all that runs with this configuration. */
  processes(): readonly number[] {
    const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
    return all.filter((pid) => commandLine(pid).includes(this.configFile)).map(Number);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (let pids = this.processes(); pids.length > 0; pids = this.processes()) {
      for (const pid of pids) kill(pid);
      await sleep(10);
    }
    await this.#directory[Symbol.asyncDispose]();
  }
}

/** Kills a process and waits until it is gone. */
export async function killHard(pid: number): Promise<void> {
  kill(pid);
  while (commandLine(String(pid)).length > 0) await sleep(5);
}

/** Waits until the server knows that everything up to its current position is durable at the other end. */
export async function caughtUp(pg: Cluster): Promise<void> {
  const lsn = await pg.value('select pg_current_wal_flush_lsn()');
  await pg.waitFor(`select coalesce(bool_or(flush_lsn >= '${lsn}'), false) from pg_stat_replication`);
}

/** Makes a directory, writes a file into it. */
export async function plant(directory: string, name: string, content: string | Uint8Array): Promise<string> {
  await mkdir(directory, { recursive: true });
  const path = join(directory, name);
  await writeFile(path, content);
  return path;
}

/** The words of a process's command line; none when it is gone or a zombie. */
export function commandLine(pid: string | number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      .split('\0')
      .filter((word) => word !== '');
  } catch {
    return [];
  }
}

function lines(options: Section): string {
  return Object.entries(options)
    .map(([name, value]) => `${name} = ${value}\n`)
    .join('');
}

function filesBelow(directory: string): readonly string[] {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
