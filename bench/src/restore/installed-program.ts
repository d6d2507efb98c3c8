/**
 * walvault as npm lays it out: its package in a directory of its own, without the TypeScript beside it that a checkout runs in place of
 * what was built. The command that it prints, and what it starts in the background, are then those of an installed package.
 */
import { cp, mkdir, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type ProgramKind, walvaultProgram } from '../built-program.ts';

/** The executable, to be run by Node.js; what is made for it is below `home`. */
export async function installedExecutable(kind: ProgramKind, home: string): Promise<string> {
  const { manifest } = walvaultProgram(kind);
  const source = dirname(manifest);
  if (kind === 'source') return join(source, 'bin/walvault.js');
  const target = join(home, 'installed');
  await mkdir(target);
  for (const name of ['package.json', 'bin', 'dist']) await cp(join(source, name), join(target, name), { recursive: true });
  await symlink(join(source, 'node_modules'), join(target, 'node_modules'));
  return join(target, 'bin/walvault.js');
}
