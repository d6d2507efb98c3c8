// Runs a command of the workspace with the workspace's own tools. This is the one way in: it needs only
// Node >= 20 and npm, installs the pinned pnpm and the frozen lockfile when they are not there yet, and
// puts node_modules/.bin (Node 24, pnpm, turbo, ...) first on the PATH.
//
//   node scripts/ws.mjs [--only PACKAGE] COMMAND [ARG ...]
//
// With --only, a checkout that has nothing installed yet gets no more than what that package needs to run.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const stamp = join(root, 'node_modules/.ws-stamp');
const rootManifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const { name: rootName } = rootManifest;
const packageManager = rootManifest.packageManager.split('+')[0];

const manifests = ['packages', 'apps']
  .flatMap((group) => readdirSync(join(root, group)).map((name) => join(group, name, 'package.json')))
  .concat('package.json', 'bench/package.json', 'pnpm-workspace.yaml', 'pnpm-lock.yaml')
  .filter((path) => existsSync(join(root, path)))
  .toSorted((a, b) => (a < b ? -1 : 1));

function environment() {
  const env = { ...process.env, TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1', TURBO_NO_UPDATE_NOTIFIER: '1' };
  // npm's own settings must not leak into pnpm; the registry that the user chose may.
  for (const key of Object.keys(env)) if (/^npm_/i.test(key) && key !== 'npm_config_registry') delete env[key];
  return env;
}

/** Installs when the lockfile or a manifest changed since the last time. The stamp says what for, and of which package only. */
function install(env, only) {
  const hash = createHash('sha256').update(packageManager);
  for (const path of manifests) hash.update(path).update(readFileSync(join(root, path)));
  const whole = hash.digest('hex');
  const installed = existsSync(stamp) ? readFileSync(stamp, 'utf8') : '';
  // What is installed never gets less: the part is for a checkout that has nothing, or that part, so far.
  const isPart = only !== undefined && (installed.endsWith(` ${only}`) || !existsSync(join(root, 'node_modules')));
  const wanted = isPart ? `${whole} ${only}` : whole;
  if (installed === wanted) return;
  console.error(`walvault: installing with ${packageManager} from the npm registry (once)`);
  const part = !isPart ? [] : ['--prod', `--filter=${only}...`, `--filter=${rootName}`];
  const args = ['--yes', packageManager, 'install', '--frozen-lockfile', '--reporter=append-only', ...part];
  const result = spawnSync('npx', args, {
    cwd: root,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (result.error !== undefined || result.status !== 0) {
    console.error(result.stdout, result.stderr);
    console.error(`walvault: the install failed${result.error === undefined ? '' : `: ${result.error.message}`}`);
    process.exit(result.status ?? 1);
  }
  writeFileSync(stamp, wanted);
}

const words = process.argv.slice(2);
const only = words[0] === '--only' ? words.splice(0, 2)[1] : undefined;
const [command, ...args] = words;
if (command === undefined) {
  console.error('usage: node scripts/ws.mjs [--only PACKAGE] COMMAND [ARG ...]');
  process.exit(2);
}
const env = environment();
install(env, only);
const bin = join(root, 'node_modules/.bin');
const child = spawn(command, args, { cwd: root, env: { ...env, PATH: bin + delimiter + env.PATH }, stdio: 'inherit' });
// A terminal sends Ctrl-C to the whole group; a supervisor sends it only to us. Either way the child decides
// when it is done, and we leave with its answer.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    if (!process.stdin.isTTY || signal !== 'SIGINT') child.kill(signal);
  });
}
child.on('error', (error) => {
  console.error(`walvault: cannot run ${command}: ${error.message}`);
  process.exit(127);
});
child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 143)));
