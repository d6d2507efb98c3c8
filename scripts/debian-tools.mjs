// Makes sure that the programs are there which the tests and the bench compare our work with: PostgreSQL's own (pg_receivewal,
// pg_waldump and those beside them), Barman, pgBackRest, and the compressors. npm does not carry them, Debian does. Where the
// system has none, Debian's packages are fetched by apt with private state and cache and unpacked into .tools of this checkout:
// this needs no rights and leaves the system as it is. We only run these programs; nothing of them becomes a part of ours.
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
// Debian 12 has 15, later ones have later ones. Any does: a program works with servers up to its own major.
const majors = [15, 17, 18, 16, 14];
const triplet = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' }[process.arch] ?? '';

/**
 * What is fetched together. `packages` are unpacked with those that they need and the system lacks; `alone` without, which is
 * for a package of which one file is wanted. MAJOR stands for the first offered major version.
 */
const groups = [
  {
    name: 'the programs of PostgreSQL 15 to 18',
    programs: ['pg_receivewal', 'pg_basebackup', 'pg_waldump', 'pgbench'],
    packages: ['postgresql-client-MAJOR', 'libpq5'],
    alone: ['postgresql-MAJOR'],
  },
  {
    name: 'Barman with its client programs, and rsync',
    programs: ['barman', 'barman-wal-archive', 'barman-wal-restore', 'rsync'],
    packages: [
      'barman',
      'barman-cli',
      'python3-barman',
      'python3-dateutil',
      'python3-psycopg2',
      'python3-six',
      'rsync',
      'libpopt0',
    ],
    alone: [],
  },
  { name: 'pgBackRest', programs: ['pgbackrest'], packages: ['pgbackrest'], alone: [] },
  {
    name: 'the compressors xz, bzip2, pigz, zstd and lz4',
    programs: ['xz', 'bzip2', 'pigz', 'zstd', 'lz4'],
    packages: ['xz-utils', 'bzip2', 'pigz', 'zstd', 'lz4'],
    alone: [],
  },
  // In usr/bin there is a script that starts the one of the system.
  { name: 'Chromium, with a font', programs: ['chromium'], packages: ['chromium', 'fonts-dejavu-core'], alone: [] },
  {
    name: 'systemd-analyze and systemd-notify',
    programs: ['systemd-analyze', 'systemd-notify'],
    packages: ['systemd', 'libseccomp2'],
    alone: [],
  },
  {
    name: 'the shells zsh (linked statically) and fish, and mandoc, which checks manual pages',
    programs: ['zsh-static', 'fish', 'mandoc'],
    packages: [],
    alone: ['zsh-static', 'zsh-common', 'fish', 'fish-common', 'libpcre2-32-0', 'mandoc'],
  },
  {
    name: 'Prometheus with promtool, which checks alert rules',
    programs: ['prometheus', 'promtool'],
    packages: [],
    alone: ['prometheus'],
  },
  { name: 'nginx', programs: ['nginx'], packages: [], alone: ['nginx'] },
];

class Failure extends Error {}

/** Directories of PostgreSQL programs below a root, `/` or `.tools`. The tests (packages/testkit) look in the same places. */
function versionDirectories(top) {
  const base = join(top, 'usr/lib/postgresql');
  return existsSync(base) ? readdirSync(base).map((major) => join(base, major, 'bin')) : [];
}

/** Where programs are below .tools. */
function unpackedDirectories(top) {
  return [...versionDirectories(top), ...['usr/lib/chromium', 'usr/bin', 'bin', 'usr/sbin'].map((name) => join(top, name))];
}

function isIn(directories, program) {
  return directories.some((directory) => existsSync(join(directory, program)));
}

function isInstalled(program) {
  const path = (process.env.PATH ?? '').split(delimiter).filter((directory) => directory !== '');
  return isIn([...versionDirectories('/'), ...path], program);
}

function run(command, args, options = {}) {
  const result = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 28, ...options });
  if (result.error?.code === 'ENOENT') {
    const wanted = wantedGroups().map((group) => group.name);
    throw new Failure(`"${command}" is not on this machine, which is no Debian. Install on the PATH: ${wanted.join('; ')}.`);
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

/** Packages, and of all that they depend on what is not installed. */
function lackingWith(apt, packages) {
  const others = ['recommends', 'suggests', 'conflicts', 'breaks', 'replaces', 'enhances'].map((kind) => `--no-${kind}`);
  const needed =
    run('apt-cache', [...apt, 'depends', '--recurse', ...others, ...packages]).match(/^[a-z0-9][a-z0-9+.-]*$/gm) ?? [];
  const installed = new Set(run('dpkg-query', ['-W', '-f', '${db:Status-Status} ${Package}\n']).match(/(?<=^installed ).+$/gm));
  return [...new Set([...packages, ...needed.filter((name) => !installed.has(name))])];
}

/** Downloads the packages of the groups with all that they need and is not installed. */
function download(wanted, directory) {
  const apt = privateApt(directory);
  run('apt-get', [...apt, 'update']);
  const named = (kind) => wanted.flatMap((group) => group[kind]).map((name) => name.replace('MAJOR', () => offeredMajor(apt)));
  const archives = join(directory, 'cache/archives');
  const fetch = ['--yes', '--download-only', '--no-install-recommends', '--reinstall'];
  try {
    if (named('packages').length > 0) run('apt-get', [...apt, ...fetch, 'install', ...named('packages')]);
  } catch {
    // apt refuses to think about dependencies while any installed package lacks something: then we do.
    run('apt-get', [...apt, 'download', ...lackingWith(apt, named('packages'))], { cwd: archives });
  }
  const alone = named('alone');
  if (alone.length > 0) run('apt-get', [...apt, 'download', ...alone], { cwd: archives });
  // Another libc than the system's would not work with the system's loader.
  return readdirSync(archives)
    .filter((name) => name.endsWith('.deb') && !/^libc6_|^libc-bin_/.test(name))
    .map((name) => join(archives, name));
}

/** Unpacks beside .tools and renames, so that a half-done .tools is never seen. */
function unpack(wanted, packages) {
  const fresh = mkdtempSync(join(root, '.tools-'));
  try {
    for (const path of packages) run('dpkg-deb', ['-x', path, fresh]);
    for (const program of wanted.flatMap((group) => group.programs)) tryOut(fresh, program);
    rmSync(tools, { recursive: true, force: true });
    renameSync(fresh, tools);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

/** Runs an unpacked program as the tests do (packages/testkit/src/find-program.ts). */
function tryOut(top, program) {
  const directory = unpackedDirectories(top).find((candidate) => existsSync(join(candidate, program)));
  if (directory === undefined) throw new Failure(`Debian's packages hold no ${program}`);
  const path = join(directory, program);
  const env = {
    ...process.env,
    LD_LIBRARY_PATH: ['usr/lib', 'lib']
      .flatMap((name) => [join(top, name, triplet), join(top, name, triplet, 'systemd'), join(top, name, triplet, 'pulseaudio')])
      .join(delimiter),
    PYTHONPATH: join(top, 'usr/lib/python3/dist-packages'),
  };
  // Barman's programs are Python's, Debian's own Python: another one has not the database driver.
  const python = [join(top, 'usr/bin/python3'), '/usr/bin/python3'].find((candidate) => existsSync(candidate));
  const argv = program.startsWith('barman') ? [python ?? 'python3', path] : [path];
  if (program === 'nginx') run(argv[0], ['-v'], { env });
  else if (program === 'mandoc') run(argv[0], [], { env, input: '.Dd January 1, 2026\n.Dt X 1\n.Os\n' });
  else run(argv[0], [...argv.slice(1), program === 'pgbackrest' ? 'version' : '--version'], { env });
}

function wantedGroups() {
  return groups.filter((group) => !group.programs.every(isInstalled));
}

function main() {
  // .tools is made anew as a whole, from all that the system lacks.
  const wanted = wantedGroups();
  const missing = wanted.flatMap((group) => group.programs).filter((program) => !isInstalled(program));
  if (missing.every((program) => isIn(unpackedDirectories(tools), program))) return;
  console.error(`debian-tools: fetching ${missing.join(', ')} from Debian into .tools (once)`);
  const directory = mkdtempSync(join(tmpdir(), 'walvault-apt-'));
  try {
    unpack(wanted, download(wanted, directory));
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
