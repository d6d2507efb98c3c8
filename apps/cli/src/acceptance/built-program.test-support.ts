/**
 * The program as it is installed: the tests start it some two thousand times, and from its source that takes three times as long. Built
 * before the first test, into a directory that says by its name what is in it: another run at the same time may use it, too.
 */
import { execFileSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
} from 'node:fs';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** Path of the executable. */
    executable: string;
  }
}

const packageDirectory = join(import.meta.dirname, '../..');
/** Below the dependencies, where the program finds them. */
const programs = join(packageDirectory, 'node_modules/.built-programs');
/** What is in the package beside the code (its manifest, `files`). */
const others = ['bin', 'man', 'manual', 'package.json', 'results.schema.json'];
const dayMs = 86_400_000;

/** Called by vitest before the first test. */
export default function setup(project: TestProject): void {
  const made = join(programs, `new-${randomUUID()}`);
  mkdirSync(made, { recursive: true });
  for (const name of others) cpSync(join(packageDirectory, name), join(made, name), { recursive: true });
  execFileSync(process.execPath, [join(packageDirectory, 'build.mjs'), join(made, 'dist')]);
  const program = join(programs, hashOf(made));
  if (existsSync(program)) rmSync(made, { recursive: true });
  else renameSync(made, program);
  utimesSync(program, new Date(), new Date());
  removeUnused();
  project.provide('executable', join(program, 'bin/walvault.js'));
}

function hashOf(directory: string): string {
  const hash = createHash('sha256');
  for (const name of globSync('**/*.*', { cwd: directory }).toSorted()) {
    const path = join(directory, name);
    if (statSync(path).isFile()) hash.update(`${name}\0`).update(readFileSync(path));
  }
  return hash.digest('hex').slice(0, 16);
}

function removeUnused(): void {
  for (const name of readdirSync(programs)) {
    const { mtimeMs } = statSync(join(programs, name));
    if (mtimeMs < Date.now() - dayMs) rmSync(join(programs, name), { recursive: true, force: true });
  }
}
