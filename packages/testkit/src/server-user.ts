/**
 * Who runs the servers. PostgreSQL refuses to run as root, so a test run of root starts it, and everything that shares files
 * with it, as another user; a test run of an ordinary user starts everything as itself.
 *
 * Uses `postgres` where that user exists, else `nobody`: the server wants its user ID to have a name. A checkout that this user
 * cannot reach (a clone below /root with mode 0700) is no obstacle: setpriv(1) hands the program the ambient capabilities
 * CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH, which postgres, looking at the user ID only, does not mind.
 */
import { type ChildProcess, type SpawnOptions, spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { isAbsolute } from 'node:path';

/** The user that servers run as when the tests run as root. */
export interface ServerUser {
  readonly uid: number;
  readonly gid: number;
}

/** A program with arguments and spawn options that run it as the server's user. */
interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly uid?: number;
  readonly gid?: number;
}

const capabilities = '+dac_override,+dac_read_search';
const reachable = new Map<string, boolean>();
let user: ServerUser | undefined;
let setprivWorks: boolean | undefined;

/** The user that servers must run as: undefined unless we are root; then `postgres` if it exists, else `nobody`. */
export function serverUser(): ServerUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  return (user ??= findUser('postgres') ?? findUser('nobody') ?? { uid: 65534, gid: 65534 });
}

function findUser(name: string): ServerUser | undefined {
  const line = readFileSync('/etc/passwd', 'utf8').split('\n');
  const fields = line.find((entry) => entry.startsWith(`${name}:`))?.split(':');
  return fields === undefined ? undefined : { uid: Number(fields[2]), gid: Number(fields[3]) };
}

/** Name of the user that servers run as, which is who we are unless we are root. */
export function serverUserName(): string {
  const uid = serverUser()?.uid;
  if (uid === undefined) return userInfo().username;
  const entry = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((line) => line.split(':')[2] === String(uid));
  return entry?.split(':')[0] ?? 'nobody';
}

/** Whether the server's user can reach a file or directory by itself. Asked of the kernel once a path; true when we are that user. */
export function serverUserReaches(path: string): boolean {
  const owner = serverUser();
  if (owner === undefined) return true;
  let answer = reachable.get(path);
  if (answer === undefined) {
    answer = spawnSync('test', ['-x', path], { ...owner, cwd: '/' }).status === 0;
    reachable.set(path, answer);
  }
  return answer;
}

/** Whether setpriv(1) is there and may hand out the capabilities that reach files below a closed directory. */
export function canLendCapabilities(): boolean {
  const owner = serverUser();
  if (owner === undefined) return false;
  setprivWorks ??= spawnSync('setpriv', [...setprivArguments(owner), 'true'], { cwd: '/' }).status === 0;
  return setprivWorks;
}

function setprivArguments(owner: ServerUser): string[] {
  const identity = [`--reuid=${owner.uid}`, `--regid=${owner.gid}`, '--clear-groups', '--securebits=+no_setuid_fixup'];
  return [...identity, `--inh-caps=${capabilities}`, `--ambient-caps=${capabilities}`];
}

/** Everything a program may need is reachable: the program itself, and this checkout, of which it may be a part. */
function launch(command: string, args: readonly string[]): Launch {
  const owner = serverUser();
  if (owner === undefined) return { command, args };
  const needed = [import.meta.dirname, ...(isAbsolute(command) && existsSync(command) ? [command] : [])];
  if (needed.every(serverUserReaches) || !canLendCapabilities()) return { command, args, ...owner };
  return { command: 'setpriv', args: [...setprivArguments(owner), command, ...args] };
}

/**
 * `spawn` of node:child_process as the server's user (as ourselves unless we are root). The process ID is that of the program.
 * Without an `env` the program inherits ours, less the settings that would steer a PostgreSQL program (`PG...`), with a home
 * directory that is not root's. Without a `cwd` it runs in `/`, since the user may not be able to see ours.
 */
export function spawnAsServerUser(command: string, args: readonly string[], options: SpawnOptions = {}): ChildProcess {
  const { command: program, args: words, ...owner } = launch(command, args);
  const marker = { WALVAULT_TEST_DIRECTORY: process.env['WALVAULT_TEST_DIRECTORY'] };
  return spawn(program, words, { cwd: '/', ...options, env: { ...(options.env ?? neutralEnvironment()), ...marker }, ...owner });
}

/** Our environment without what would steer PostgreSQL programs by accident. */
export function neutralEnvironment(): NodeJS.ProcessEnv {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('PG')));
  return { ...env, LC_ALL: 'C', TZ: 'UTC', ...(serverUser() === undefined ? {} : { HOME: '/nonexistent' }) };
}
