#!/usr/bin/env node
// The executable. An installed package runs its built code; a checkout runs its source, without a build.
import { existsSync } from 'node:fs';
import * as nodeModule from 'node:module';

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
