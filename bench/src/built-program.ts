/** The program as it is installed from npm: JavaScript, without the work of stripping types at each start. */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { BenchFailure } from './failure.ts';

/** `built`: what npm installs; `source`: the TypeScript of the checkout, which starts more slowly and needs more memory. */
export type ProgramKind = 'built' | 'source';

/** The version of walvault in its package, and the file that node runs. */
export interface WalvaultProgram {
  readonly manifest: string;
  readonly main: string;
}

/**
 * Finds the command line of walvault, and builds it (with turbo, which knows what is up to date).
 * @throws {BenchFailure} with what the build said, when it fails
 */
export function walvaultProgram(kind: ProgramKind): WalvaultProgram {
  const manifest = createRequire(import.meta.url).resolve('walvault/package.json');
  const directory = dirname(manifest);
  if (kind === 'source') return { manifest, main: join(directory, 'bin/walvault.js') };
  build('walvault', directory);
  return { manifest, main: join(directory, 'dist/main.js') };
}

/** Directory of the package of the status page, which is built for `built`. @throws {BenchFailure} likewise */
export function statusPagePackage(kind: ProgramKind): string {
  const directory = dirname(createRequire(import.meta.url).resolve('@walvault/web-status/package.json'));
  if (kind === 'built') build('@walvault/web-status', directory);
  return directory;
}

function build(name: string, directory: string): void {
  const turbo = join(import.meta.dirname, '../../node_modules/.bin/turbo');
  const args = ['run', 'build', `--filter=${name}`, '--output-logs=errors-only'];
  const { status, stdout, stderr, error } = spawnSync(turbo, args, { cwd: directory, encoding: 'utf8' });
  if (status !== 0) throw new BenchFailure(`${name} cannot be built: ${error?.message ?? ''}\n${stdout}${stderr}`);
}
