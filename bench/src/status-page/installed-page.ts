/**
 * The status page as npm lays it out, in a directory of its own: a checkout would run its sources in place of what was built, and its built page
 * may be made anew meanwhile.
 */
import { spawnSync } from 'node:child_process';
import { cp, mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { type ProgramKind, statusPagePackage } from '../built-program.ts';
import { BenchFailure } from '../failure.ts';

/** The executable, to be run by Node.js; what is made for it is below `home`. @throws {BenchFailure} when it cannot be built */
export async function installedStatusPage(kind: ProgramKind, home: string): Promise<string> {
  const source = statusPagePackage(kind);
  const target = join(home, 'installed-page');
  await mkdir(target);
  const names = ['package.json', 'bin', kind === 'built' ? 'dist' : 'src'];
  for (const name of names) await cp(join(source, name), join(target, name), { recursive: true });
  await symlink(join(source, 'node_modules'), join(target, 'node_modules'));
  if (kind === 'source') buildPage(source, join(target, 'dist/page'));
  return join(target, 'bin/walvault-web-status.js');
}

function buildPage(source: string, outDir: string): void {
  const vite = join(source, 'node_modules/vite/bin/vite.js');
  const args = [vite, 'build', '--outDir', outDir, '--logLevel', 'error'];
  const { status, stderr } = spawnSync(process.execPath, args, { cwd: source, encoding: 'utf8' });
  if (status !== 0) throw new BenchFailure(`the page cannot be built\n${stderr}`);
}
