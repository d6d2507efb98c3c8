/**
 * The PostgreSQL servers that npm brought: packages `postgres-MAJOR-CPU`, optional dependencies of the workspace, each with
 * initdb, pg_ctl and postgres and the libraries they need. A server of the same major from the system stands in where there is
 * no package for this CPU.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, lstatSync, mkdtempSync, readFileSync, realpathSync, symlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { canLendCapabilities, serverUserReaches } from './server-user.ts';
import { processTemporaryDirectory } from './temporary-directory.ts';

/** The majors that the tests know. */
export const postgresMajors = [10, 11, 12, 13, 14, 15, 16, 17, 18] as const;

/** A major version of PostgreSQL. */
export type PostgresMajor = (typeof postgresMajors)[number];

/** Where the programs of one server version are. */
export interface Binaries {
  readonly major: PostgresMajor;
  /** The full version, `18.4`. */
  readonly version: string;
  /** Directory of the programs. */
  readonly directory: string;
  readonly initdb: string;
  readonly postgres: string;
  readonly pgCtl: string;
}

const known = new Map<PostgresMajor, Binaries>();

/**
 * The programs of a major version, ready to run.
 * @throws {Error} that says what to install when there are none for this machine
 */
export function binaries(major: PostgresMajor): Binaries {
  const found = known.get(major) ?? locate(major);
  known.set(major, found);
  return found;
}

/** The majors whose programs are on this machine. */
export function installedMajors(): PostgresMajor[] {
  return postgresMajors.filter((major) => packageDirectory(major) !== undefined || existsSync(systemDirectory(major)));
}

function locate(major: PostgresMajor): Binaries {
  const native = packageDirectory(major);
  if (native !== undefined) restoreLinks(native);
  const directory = native === undefined ? systemDirectory(major) : join(reachableCopy(native), 'bin');
  const postgres = join(directory, 'postgres');
  if (!existsSync(postgres)) throw new Error(missing(major));
  const version = /\d+\.\d+/.exec(spawnSync(postgres, ['--version'], { encoding: 'utf8' }).stdout ?? '')?.[0];
  if (version === undefined) throw new Error(`"${postgres}" does not run on this machine`);
  return { major, version, directory, postgres, initdb: join(directory, 'initdb'), pgCtl: join(directory, 'pg_ctl') };
}

function packageName(major: PostgresMajor): string {
  return `postgres-${major}-${process.arch}`;
}

/** Who has the packages: the newest major is this package's own, so that the demo need not fetch the others. */
const owners = ['testkit', 'postgres-majors'];

/** The `native` directory of the package, by its real path: pnpm's links may lead through a directory that is closed to the server's user. */
function packageDirectory(major: PostgresMajor): string | undefined {
  const paths = owners.map((owner) => join(import.meta.dirname, '../..', owner, 'node_modules', packageName(major), 'native'));
  const path = paths.find((candidate) => existsSync(candidate));
  return path === undefined ? undefined : realpathSync(path);
}

function systemDirectory(major: PostgresMajor): string {
  return `/usr/lib/postgresql/${major}/bin`;
}

function missing(major: PostgresMajor): string {
  return (
    `PostgreSQL ${major} is not installed for ${process.platform} ${process.arch}: npm brings it as the optional dependency ` +
    `"${packageName(major)}" (run "pnpm install" without --no-optional), or install Debian's postgresql-${major}`
  );
}

/** npm tarballs cannot carry symbolic links; the package restores them in a postinstall script that may have been forbidden. */
function restoreLinks(native: string): void {
  const links = JSON.parse(readFileSync(join(native, 'pg-symlinks.json'), 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const path = join(dirname(native), target);
    if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) continue;
    try {
      symlinkSync(basename(source), path);
    } catch (error) {
      // Another test process was quicker.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

/** The last resort for a closed checkout where setpriv(1) cannot help: the programs are copied to where all can see them. */
function reachableCopy(native: string): string {
  if (serverUserReaches(join(native, 'bin/postgres')) || canLendCapabilities()) return native;
  const copy = mkdtempSync(join(processTemporaryDirectory(), 'postgres-'));
  cpSync(native, copy, { recursive: true, verbatimSymlinks: true });
  chmodSync(copy, 0o755);
  return copy;
}
