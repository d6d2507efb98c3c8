/** What is compared: programs that give WAL back, each by the restore_command that its user would write. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Barman, runAsServerUser } from '@walvault/testkit';
import type { ProgramKind } from '../built-program.ts';
import { BenchFailure } from '../failure.ts';
import { unreachable } from '../archive/archivers.ts';
import { installedExecutable } from './installed-program.ts';
import type { PgBackRest } from './pgbackrest.ts';
import type { RecoveryStock } from './recovery-stock.ts';

/** Where one recovery works. */
export interface RecoveryPlace {
  readonly dataDirectory: string;
  /** For whatever else the program keeps. */
  readonly home: string;
}

/** One of them. */
export interface Restorer {
  readonly name: string;
  /** Version and manner, for the report. */
  readonly description: string;
  restoreCommand(place: RecoveryPlace): Promise<string>;
}

/** `cp` from a folder of uncompressed segments: nothing can be much quicker. */
export function copying({ plain }: RecoveryStock): Restorer {
  return {
    name: 'cp',
    description: 'from a folder of uncompressed segments',
    restoreCommand: async () => `cp "${join(plain, '%f')}" "%p"`,
  };
}

/** The command that walvault prints. */
export async function walvault(stock: RecoveryStock, program: ProgramKind): Promise<Restorer> {
  const executable = await installedExecutable(program, stock.home);
  const config = stock.walvaultConfig;
  const { version } = JSON.parse(readFileSync(join(dirname(executable), '../package.json'), 'utf8')) as { version: string };
  const argv = [process.execPath, executable, '-c', config, 'restore-wal', '--print-command', 'bench'];
  const { code, stdout, stderr } = await runAsServerUser(argv);
  const quoted = /^restore_command = '(.*)'\n$/.exec(stdout)?.[1];
  if (code !== 0 || quoted === undefined)
    throw new BenchFailure(`restore-wal --print-command ended with ${code}\n${stdout}${stderr}`);
  const command = quoted.replaceAll(/''|\\(.)/g, (all, escaped: string | undefined) => escaped ?? all.slice(1));
  return {
    name: 'walvault',
    description: `${version} (${program}) on Node.js ${process.versions.node}, restore-wal --print-command, archived with ${stock.codec}`,
    restoreCommand: async () => command,
  };
}

/** Barman on this machine: `barman get-wal`, as its recover writes it without --remote-ssh-command. */
export async function barman(stock: RecoveryStock): Promise<Restorer & AsyncDisposable> {
  const section = { conninfo: unreachable, streaming_conninfo: unreachable, streaming_archiver: 'on', slot_name: 'bench' };
  const installed = await Barman.create({ bench: section }, { home: stock.barmanHome });
  const version = /^[\d.]+/.exec(await installed.succeed('--version'))?.[0] ?? 'unknown';
  const [program = ''] = installed.argv();
  return {
    name: 'barman',
    description: `${version}, get-wal, archived with ${stock.codec === 'none' ? 'none' : 'gzip'}`,
    restoreCommand: async () => `"${program}" get-wal bench %f > "%p"`,
    [Symbol.asyncDispose]: () => installed[Symbol.asyncDispose](),
  };
}

/** pgBackRest's archive-get, which prefetches. */
export function pgBackRest(stock: RecoveryStock, repository: PgBackRest): Restorer {
  return {
    name: 'pgbackrest',
    description: `${repository.version}, archive-get with archive-async, process-max 2, archived with ${stock.codec}`,
    restoreCommand: ({ dataDirectory, home }) => repository.restoreCommand(dataDirectory, home),
  };
}
