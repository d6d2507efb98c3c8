#!/usr/bin/env node
// The executable. An installed package runs its built code; a checkout runs its source, without a build.
import { existsSync, mkdirSync, statSync } from 'node:fs';
import * as nodeModule from 'node:module';
import { join } from 'node:path';

const major = Number.parseInt(process.versions.node, 10);
if (major < 24) {
  process.stderr.write(`ERROR: walvault needs Node.js 24 or later; this is ${process.version} (${process.execPath})\n`);
  // 255, not 1: PostgreSQL takes 1 from a restore_command as "the archive ends here" and would promote.
  process.exit(255);
}
if (process.argv.includes('restore-wal') || process.argv.includes('get-wal')) {
  // Whatever ends this process before the command has answered, a crash included, is no answer either.
  process.exitCode = 255;
  process.on('uncaughtException', (error) => {
    process.stderr.write(`ERROR: unexpected: ${error instanceof Error ? error.stack : String(error)}\n`);
    process.exit(255);
  });
}
keepCompiledCode();
if (['run', 'check', 'status'].some((command) => process.argv.includes(command))) {
  // Many servers share the threads that wait for disks and name servers; one that hangs must leave some to the others.
  process.env.UV_THREADPOOL_SIZE ??= '32';
}
const source = new URL('../src/main.ts', import.meta.url);
if (existsSync(source)) {
  const condition = '@walvault/source';
  nodeModule.registerHooks({
    resolve: (specifier, context, nextResolve) =>
      nextResolve(specifier, { ...context, conditions: [...context.conditions, condition] }),
  });
  await import(source.href);
} else {
  await import(new URL('../dist/main.js', import.meta.url).href);
}

/**
 * Node keeps what it has compiled for the next start, which takes half the time then. Whoever can write there can make this program do
 * anything, so it is a directory of the user's own, below one of his own; without one it is done without.
 */
function keepCompiledCode() {
  const { CACHE_DIRECTORY, XDG_CACHE_HOME, HOME } = process.env;
  const base = CACHE_DIRECTORY || XDG_CACHE_HOME || HOME;
  if (!base?.startsWith('/')) return;
  const directory = join(base === HOME ? join(HOME, '.cache') : base, 'walvault', 'compiled');
  try {
    if (!isOurs(base)) return;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    if (isOurs(join(directory, '..')) && isOurs(directory)) nodeModule.enableCompileCache(directory);
  } catch {
    // It was to save time only.
  }
}

/** Whether nobody else may write there. */
function isOurs(directory) {
  const { uid, mode } = statSync(directory);
  return uid === process.getuid?.() && (mode & 0o022) === 0;
}
