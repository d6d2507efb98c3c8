/** The two programs that are compared, each as its user would start it: pg_receivewal, and the command line of walvault. */
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findProgram, type FoundProgram, type PostgresMajor, runAsServerUser } from '@walvault/testkit';
import { type ProgramKind, walvaultProgram } from './built-program.ts';
import { BenchFailure } from './failure.ts';
import type { FlushPolicy } from './receive-options.ts';

/** What a program is to receive, and where to. */
export interface Task {
  /** Empty; the segments go there. */
  readonly directory: string;
  /** Empty; for whatever else the program wants to keep. */
  readonly home: string;
  readonly conninfo: string;
  readonly slotName: string;
  /** The last byte to receive. */
  readonly endLsn: string;
  readonly flush: FlushPolicy;
}

/** How to start a program. */
export interface Launch {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** One of the two. */
export interface Contender {
  readonly name: string;
  /** Version, for the report. */
  readonly version: string;
  /** Whether it leaves by itself behind the last byte; the other one is told to (SIGTERM). */
  readonly endsByItself: boolean;
  prepare(task: Task): Promise<Launch>;
}

/**
 * pg_receivewal as its manual says for keeping WAL: with a slot, fsync on, and `--synchronous` where flushing is continuous.
 * @throws {BenchFailure} when it is not there, or too old for the server
 */
export async function pgReceivewal(serverMajor: PostgresMajor): Promise<Contender> {
  const program = find();
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
    prepare: async (task) => {
      const target = ['-d', task.conninfo, '-D', task.directory, '--slot', task.slotName, '--endpos', task.endLsn];
      const manner = ['--no-loop', '--no-password', ...(task.flush === 'continuous' ? ['--synchronous'] : [])];
      return { argv: [program.path, ...target, ...manner], env: program.env };
    },
  };
}

/**
 * `walvault receive-wal --foreground` with a configuration that sets nothing but what it must and `flush`.
 * @throws {BenchFailure} when it cannot be built
 */
export function walvault(kind: ProgramKind): Contender {
  const { manifest, main } = walvaultProgram(kind);
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
  return {
    name: 'walvault',
    version: `${version} (${kind}) on Node.js ${process.versions.node}`,
    endsByItself: false,
    prepare: async (task) => {
      const file = join(task.home, 'walvault.conf');
      await writeFile(file, configurationText(task));
      return { argv: [process.execPath, main, '-c', file, 'receive-wal', '--foreground', 'bench'], env: {} };
    },
  };
}

function configurationText(task: Task): string {
  return `[barman]
barman_home = ${task.home}

[bench]
streaming_conninfo = ${task.conninfo}
streaming_archiver = on
streaming_wals_directory = ${task.directory}
slot_name = ${task.slotName}
flush = ${task.flush}
`;
}

function find(): FoundProgram {
  try {
    return findProgram('pg_receivewal');
  } catch (error) {
    throw new BenchFailure(error instanceof Error ? error.message : String(error));
  }
}
