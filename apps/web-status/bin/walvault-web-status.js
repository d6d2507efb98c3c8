#!/usr/bin/env node
// The executable. An installed package runs its built code; a checkout runs its source, without a build.
import { existsSync } from 'node:fs';
import { registerHooks } from 'node:module';

const major = Number.parseInt(process.versions.node, 10);
if (major < 24) {
  process.stderr.write(
    `ERROR: walvault-web-status needs Node.js 24 or later; this is ${process.version} (${process.execPath})\n`,
  );
  process.exit(1);
}
// Many servers share the threads that wait for disks and name servers; one that hangs must leave some to the others.
process.env.UV_THREADPOOL_SIZE ??= '64';
const source = new URL('../src/main.ts', import.meta.url);
if (existsSync(source)) {
  const condition = '@walvault/source';
  registerHooks({
    resolve: (specifier, context, nextResolve) =>
      nextResolve(specifier, { ...context, conditions: [...context.conditions, condition] }),
  });
  await import(source.href);
} else {
  await import(new URL('../dist/main.js', import.meta.url).href);
}
