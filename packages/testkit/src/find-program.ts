/**
 * Finds programs that npm does not bring: pg_receivewal, pg_waldump, pg_basebackup, pgbench of a PostgreSQL distribution,
 * pgBackRest, Barman, compressors, shells, mandoc, Chromium, nginx. They are oracles of the tests, so a missing one is an error and never a reason to skip.
 */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** A program and what its environment must hold for it to find its libraries. */
export interface FoundProgram {
  /** Absolute path. */
  readonly path: string;
  /** How it is run: its path, with that of an interpreter before where it needs one that is not the system's. */
  readonly argv: readonly string[];
  /** For the `env` of whoever runs it; empty for programs of the system. */
  readonly env: Readonly<Record<string, string>>;
}

/** Where scripts/debian-tools.mjs unpacks Debian's packages. */
const toolsDirectory = join(import.meta.dirname, '../../../.tools');
const shebang = '#!/usr/bin/python3';
const triplets: Readonly<Record<string, string>> = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' };

/**
 * Looks for a program in the checkout's `.tools`, among Debian's PostgreSQL versions and on the PATH, in this order: what stands
 * on Debian's PATH under these names is a Perl wrapper.
 * @throws {Error} that says what to install
 */
export function findProgram(name: string): FoundProgram {
  const unpacked = globSync(join(toolsDirectory, '{usr/lib/postgresql/*/bin,usr/lib/chromium,usr/bin,bin,usr/sbin}', name))
    .toSorted()
    .at(-1);
  if (unpacked !== undefined) return { path: unpacked, argv: unpackedCommand(unpacked), env: unpackedEnvironment() };
  const installed = globSync(`/usr/lib/postgresql/*/bin/${name}`).toSorted().at(-1);
  const onPath = (process.env['PATH'] ?? '').split(delimiter).map((directory) => join(directory, name));
  const path = installed ?? onPath.find((candidate) => existsSync(candidate));
  if (path !== undefined) return { path, argv: [path], env: {} };
  throw new Error(
    `the program "${name}" is not on this machine: run "node scripts/debian-tools.mjs", which needs no rights, ` +
      `or install Debian's package of it`,
  );
}

/** dpkg -x keeps the directories that the packages name, on a merged /usr or not. */
function unpackedEnvironment(): Record<string, string> {
  const triplet = triplets[process.arch] ?? '';
  const directories = [join(toolsDirectory, 'usr/lib', triplet), join(toolsDirectory, 'lib', triplet)];
  // libraries that only some programs use
  const libraries = directories.flatMap((directory) => [directory, join(directory, 'systemd'), join(directory, 'pulseaudio')]);
  return { LD_LIBRARY_PATH: libraries.join(delimiter), PYTHONPATH: join(toolsDirectory, 'usr/lib/python3/dist-packages') };
}

/** A script names the system's interpreter, which is not there when Debian's was unpacked, too. */
function unpackedCommand(path: string): string[] {
  const python = join(toolsDirectory, 'usr/bin/python3');
  const isPythons = readFileSync(path).subarray(0, shebang.length).equals(Buffer.from(shebang));
  return isPythons && existsSync(python) ? [python, path] : [path];
}
