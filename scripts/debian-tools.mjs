// Makes sure that PostgreSQL's own programs (pg_receivewal, pg_waldump and those beside them) are there for the tests, which
// compare our work with theirs. npm does not carry them, Debian does. Where the system has none, its packages are fetched by apt
// with private state and cache and unpacked into .tools of this checkout: this needs no rights and leaves the system as it is.
// Plain Node >= 20; quick and silent when there is nothing to do.
//
//   node scripts/debian-tools.mjs
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const tools = join(root, '.tools');
const programs = ['pg_receivewal', 'pg_waldump', 'pgbench'];
// Debian 12 has 15, later ones have later ones. Any does: a program works with servers up to its own major.
const majors = [15, 17, 18, 16, 14];
const triplet = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' }[process.arch] ?? '';

class Failure extends Error {}

/** Directories of PostgreSQL programs below a root, `/` or `.tools`. The tests (packages/testkit) look in the same places. */
function versionDirectories(top) {
  const base = join(top, 'usr/lib/postgresql');
  return existsSync(base) ? readdirSync(base).map((major) => join(base, major, 'bin')) : [];
}

function isThere(program) {
  const path = (process.env.PATH ?? '').split(delimiter).filter((directory) => directory !== '');
  const directories = [...versionDirectories(tools), ...versionDirectories('/'), ...path];
  return directories.some((directory) => existsSync(join(directory, program)));
}

function run(command, args, options = {}) {
  const result = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 28, ...options });
  if (result.error?.code === 'ENOENT') {
    throw new Failure(
      `"${command}" is not on this machine, which is no Debian. Install the client programs of PostgreSQL 15 to 18 on the PATH.`,
    );
  }
  if (result.status !== 0) throw new Failure(`${command} ${args.at(-1)} failed:\n${result.stdout ?? ''}${result.stderr ?? ''}`);
  return result.stdout;
}

/** Options that make apt-get work on directories of ours, with the system's sources, keys and list of installed packages. */
function privateApt(directory) {
  for (const name of ['state/lists/partial', 'cache/archives/partial']) mkdirSync(join(directory, name), { recursive: true });
  const settings = {
    'Dir::State': join(directory, 'state'),
    'Dir::State::lists': join(directory, 'state/lists'),
    'Dir::State::status': '/var/lib/dpkg/status',
    'Dir::Cache': join(directory, 'cache'),
    'Debug::NoLocking': '1',
    'APT::Sandbox::User': 'root',
    'Acquire::Languages': 'none',
  };
  return ['-q', ...Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`])];
}

/** The first major that Debian's sources here offer. */
function offeredMajor(apt) {
  const offered = run('apt-cache', [...apt, 'pkgnames', 'postgresql-client-']).split('\n');
  const major = majors.find((candidate) => offered.includes(`postgresql-client-${candidate}`));
  if (major === undefined) throw new Failure('the sources of apt offer no postgresql-client of 14 to 18');
  return major;
}

/** Downloads the client programs with all libraries that are not installed, and of the server's package itself, for pg_waldump. */
function download(directory) {
  const apt = privateApt(directory);
  run('apt-get', [...apt, 'update']);
  const major = offeredMajor(apt);
  const archives = join(directory, 'cache/archives');
  const fetch = ['--yes', '--download-only', '--no-install-recommends', '--reinstall'];
  const client = [`postgresql-client-${major}`, 'libpq5'];
  try {
    run('apt-get', [...apt, ...fetch, 'install', ...client]);
  } catch {
    // apt refuses to think about libraries while any installed package lacks something: then without, which mostly does.
    run('apt-get', [...apt, 'download', ...client], { cwd: archives });
  }
  run('apt-get', [...apt, 'download', `postgresql-${major}`], { cwd: archives });
  return readdirSync(archives)
    .filter((name) => name.endsWith('.deb'))
    .map((name) => join(archives, name));
}

/** Unpacks beside .tools and renames, so that a half-done .tools is never seen. */
function unpack(packages) {
  const fresh = mkdtempSync(join(root, '.tools-'));
  try {
    for (const path of packages) run('dpkg-deb', ['-x', path, fresh]);
    const env = {
      ...process.env,
      LD_LIBRARY_PATH: [join(fresh, 'usr/lib', triplet), join(fresh, 'lib', triplet)].join(delimiter),
    };
    for (const program of programs) {
      const directory = versionDirectories(fresh).find((candidate) => existsSync(join(candidate, program)));
      if (directory === undefined) throw new Failure(`Debian's packages hold no ${program}`);
      run(join(directory, program), ['--version'], { env });
    }
    rmSync(tools, { recursive: true, force: true });
    renameSync(fresh, tools);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

function main() {
  const missing = programs.filter((program) => !isThere(program));
  if (missing.length === 0) return;
  console.error(`debian-tools: fetching ${missing.join(' and ')} from Debian into .tools (once)`);
  const directory = mkdtempSync(join(tmpdir(), 'walvault-apt-'));
  try {
    unpack(download(directory));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

try {
  main();
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  console.error(`debian-tools: ${error.message}`);
  process.exitCode = 1;
}
