/** The programs that are compared, each as its user would start it: pg_receivewal, and the command line of walvault. */
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type FoundProgram, findProgram, type PostgresMajor, runAsServerUser } from '@walvault/testkit';
import { type ProgramKind, walvaultProgram } from './built-program.ts';
import type { FlushPolicy } from './common-options.ts';
import { BenchFailure } from './failure.ts';

/** What a program is to receive, and where to. */
export interface Task {
  /** Empty; the segments go there. */
  readonly directory: string;
  /** Empty; for whatever else the program wants to keep. */
  readonly home: string;
  /** Without an application_name, which is {@link Task.name}. */
  readonly conninfo: string;
  /** Name of the slot, and of the application by which the server knows the receiver. */
  readonly name: string;
  /** The last byte to receive; for ever unless given. */
  readonly endLsn?: string | undefined;
  readonly flush: FlushPolicy;
}

/** How to start a program. */
export interface Launch {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** One of them. */
export interface Contender {
  readonly name: string;
  /** Version, for the report. */
  readonly version: string;
  /** Whether it leaves by itself behind the last byte. */
  readonly endsByItself: boolean;
  /** What makes it leave in good order. */
  readonly stopSignal: NodeJS.Signals;
  prepare(task: Task): Promise<Launch>;
}

/**
 * pg_receivewal as its manual says for keeping WAL: with a slot, fsync on, and `--synchronous` where flushing is continuous.
 * @throws {BenchFailure} when it is not there, or too old for the server
 */
export async function pgReceivewal(serverMajor: PostgresMajor): Promise<Contender> {
  const program = requireProgram('pg_receivewal');
  const { stdout } = await runAsServerUser([program.path, '--version'], { env: program.env });
  const version = /\d+(\.\d+)?/.exec(stdout)?.[0] ?? '0';
  const major = Number.parseInt(version, 10);
  if (major < serverMajor) {
    throw new BenchFailure(`pg_receivewal ${version} does not stream from PostgreSQL ${serverMajor}: give --major ${major}`);
  }
  return {
    name: 'pg_receivewal',
    version,
    endsByItself: true,
    stopSignal: 'SIGINT', // SIGTERM is handled from 16 on only
    prepare: async ({ conninfo, name, directory, endLsn, flush }) => {
      const source = ['-d', `${conninfo} application_name=${name}`, '--slot', name, '-D', directory];
      const end = endLsn === undefined ? [] : ['--endpos', endLsn];
      const manner = ['--no-loop', '--no-password', ...(flush === 'continuous' ? ['--synchronous'] : [])];
      return { argv: [program.path, ...source, ...end, ...manner], env: program.env };
    },
  };
}

/** How walvault is measured. */
export interface WalvaultOptions {
  readonly program: ProgramKind;
  /** `verify_stream`; on unless given. */
  readonly checks?: boolean | undefined;
  /** A module that Node.js loads before the program, and what it finds in its environment. */
  readonly preload?: { readonly module: string; readonly env: Launch['env'] } | undefined;
}

/**
 * `walvault receive-wal --foreground` with a configuration that sets nothing but what it must and `flush`.
 * @throws {BenchFailure} when it cannot be built
 */
export function walvault({ program, checks = true, preload }: WalvaultOptions): Contender {
  const { manifest, main } = walvaultProgram(program);
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
  return {
    name: checks ? 'walvault' : 'walvault unchecked',
    version: `${version} (${program}) on Node.js ${process.versions.node}`,
    endsByItself: false,
    stopSignal: 'SIGTERM',
    prepare: async (task) => {
      const file = join(task.home, 'walvault.conf');
      await writeFile(file, configurationText(task, checks));
      const node = [process.execPath, ...(preload === undefined ? [] : ['--import', preload.module])];
      return { argv: [...node, main, '-c', file, 'receive-wal', '--foreground', 'bench'], env: preload?.env ?? {} };
    },
  };
}

function configurationText(task: Task, checks: boolean): string {
  return `[barman]
barman_home = ${task.home}

[bench]
streaming_conninfo = ${task.conninfo}
streaming_archiver = on
streaming_archiver_name = ${task.name}
streaming_wals_directory = ${task.directory}
slot_name = ${task.name}
flush = ${task.flush}
${checks ? '' : 'verify_stream = off\n'}`;
}

/**
 * Finds a program of a PostgreSQL distribution.
 * @throws {BenchFailure} that says how to get it
 */
export function requireProgram(name: string): FoundProgram {
  try {
    return findProgram(name);
  } catch (error) {
    throw new BenchFailure(error instanceof Error ? error.message : String(error));
  }
}
