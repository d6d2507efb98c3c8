// `npm run pack:check`: what a stranger gets from the registry. Builds and packs every public package, checks the tarballs
// (publint, are-the-types-wrong), installs them in an empty folder, type-checks ten lines against @walvault/protocol there,
// runs them, and runs the packed command line.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const folders = [...readdirSync('packages').map((name) => join('packages', name)), 'apps/cli', 'apps/web-status'];
const publicFolders = folders.filter((folder) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).private !== true);
const scratch = mkdtempSync(join(tmpdir(), 'walvault-pack-'));

try {
  must('build and check the packages', ['turbo', 'run', 'build', 'pack:check', '--output-logs=errors-only', '--ui=stream']);
  const tarballs = publicFolders.map(pack);
  const consumer = join(scratch, 'consumer');
  mkdirSync(consumer);
  writeFileSync(join(consumer, 'package.json'), JSON.stringify(consumerManifest(tarballs), undefined, 2));
  writeFileSync(join(consumer, 'tsconfig.json'), JSON.stringify(consumerTsconfig(), undefined, 2));
  writeFileSync(join(consumer, 'main.ts'), consumerProgram());
  must('install the tarballs in an empty folder', ['npm', 'install', '--no-audit', '--no-fund', '--loglevel=error'], consumer);
  must(
    'type-check ten lines against @walvault/protocol',
    [resolve('node_modules/.bin/tsc'), '--noEmit', '-p', 'tsconfig.json'],
    consumer,
  );
  expect('run them', run(['node', 'main.ts'], consumer), /^0\/3000148 000000010000000000000003 host=db port=5433 .*\n$/);
  const version = JSON.parse(readFileSync('apps/cli/package.json', 'utf8')).version;
  expect(
    'run the packed command line',
    run([join(consumer, 'node_modules/.bin/walvault'), '--version'], consumer),
    new RegExp(`^walvault ${version}\n$`),
  );
  expect(
    'its help',
    run([join(consumer, 'node_modules/.bin/walvault'), 'receive-wal', '--help'], consumer),
    /--create-slot[^]*\nExamples:\n/,
  );
  expect(
    'its manual of errors',
    run([join(consumer, 'node_modules/.bin/walvault'), 'explain', 'slot_missing'], consumer),
    /^ERR_SLOT_MISSING\n/,
  );
  expect('its manual page', run(['cat', join(consumer, 'node_modules/walvault/man/walvault.1')], consumer), /^\.TH WALVAULT 1/m);
  expect(
    'run the packed status page',
    run([join(consumer, 'node_modules/.bin/walvault-web-status'), '--version'], consumer),
    new RegExp(`^${version}\n$`),
  );
  expect(
    'its page',
    run(['cat', join(consumer, 'node_modules/@walvault/web-status/dist/page/index.html')], consumer),
    /<script type="module"/,
  );
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

function pack(folder) {
  const { output } = must(`pack ${folder}`, ['pnpm', '--dir', folder, 'pack', '--pack-destination', scratch]);
  const tarball = output.trim().split('\n').at(-1).trim();
  const { name } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return [name, `file:${tarball.startsWith('/') ? tarball : join(scratch, tarball)}`];
}

/** Overrides make the packages find each other's tarballs: none of them is on the registry yet. */
function consumerManifest(tarballs) {
  const dependencies = Object.fromEntries(tarballs);
  return { name: 'consumer', private: true, type: 'module', dependencies, overrides: dependencies };
}

function consumerTsconfig() {
  const types = [resolve('node_modules/@types')];
  return {
    compilerOptions: {
      target: 'esnext',
      module: 'nodenext',
      strict: true,
      skipLibCheck: false,
      lib: ['es2024', 'esnext.disposable'],
      types: ['node'],
      typeRoots: types,
    },
    files: ['main.ts'],
  };
}

function consumerProgram() {
  return `import { describeConnection, ServerError, resolveConnection, type ReplicationMessage } from '@walvault/protocol';
import { defaultWalSegmentSize, firstTimelineId, formatLsn, parseLsn, walFileNameAt } from '@walvault/wal';

const parameters = await resolveConnection('postgresql://me@db:5433/postgres?sslmode=disable', { environment: {} });
export function sizeOf(message: ReplicationMessage): number {
  return message.kind === 'walData' ? message.data.length : 0;
}
if (!(ServerError.prototype instanceof Error)) throw new Error('ServerError is no error');
const lsn = parseLsn('0/3000148');
console.log(formatLsn(lsn), walFileNameAt(firstTimelineId, lsn, defaultWalSegmentSize), describeConnection(parameters));
`;
}

function run([command, ...args], cwd = '.') {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8', maxBuffer: 1 << 26 });
  return { ok: status === 0, output: stdout ?? '', trouble: `${stderr ?? ''}${error?.message ?? ''}` };
}

function must(name, command, cwd) {
  const result = run(command, cwd);
  expect(name, result, /(?:)/);
  return result;
}

function expect(name, { ok, output, trouble }, pattern) {
  const good = ok && pattern.test(output);
  console.log(`${good ? 'ok    ' : 'FAILED'} ${name}`);
  if (good) return;
  console.log(output, trouble);
  rmSync(scratch, { recursive: true, force: true });
  process.exit(1);
}
