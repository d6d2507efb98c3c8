// `npm run check`: everything that can be said about the source without running it. Each check must be able to fail:
// the rules about layers and public names are shown to catch a planted violation every time.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

const checks = [
  ['format', ['biome', 'format', '.']],
  ['types', ['tsc', '--noEmit', '-p', 'tsconfig.json']],
  ['types of the page', ['tsc', '-p', 'apps/web-status/page/tsconfig.json']],
  ['lint', ['oxlint', '--type-aware', '.']],
  ['layers', ['turbo', 'boundaries']],
  ['unused', ['knip']],
  ['documents', ['node', '--conditions=@walvault/source', 'scripts/docs.mjs', '--check']],
];

/** Each plant is a small violation; the check named with it must turn it down, for the reason given. */
const plants = [
  {
    name: 'a stage that imports its sibling',
    check: ['turbo', 'boundaries'],
    files: {
      'packages/slots/src/planted.ts': "import { receiveWal } from '@walvault/receiver';\nexport const planted = receiveWal;\n",
    },
    manifest: { path: 'packages/slots/package.json', dependency: '@walvault/receiver' },
    mustSay: /receiver/,
  },
  {
    name: 'an arrow that points up',
    check: ['turbo', 'boundaries'],
    files: {
      'packages/wal/src/planted.ts': "import { connectSql } from '@walvault/protocol';\nexport const planted = connectSql;\n",
    },
    manifest: { path: 'packages/wal/package.json', dependency: '@walvault/protocol' },
    mustSay: /protocol/,
  },
  {
    name: 'a package that is reached past its public names',
    check: ['oxlint', '--type-aware', 'packages/core/src/planted.ts'],
    files: { 'packages/core/src/planted.ts': "export { backoffMs } from '@walvault/wal/src/lsn.ts';\n" },
    mustSay: /no-restricted-imports/,
  },
  {
    name: 'an app that reaches past core',
    check: ['oxlint', '--type-aware', 'apps/cli/src/planted.ts'],
    files: { 'apps/cli/src/planted.ts': "export { archiveWal } from '@walvault/archiver';\n" },
    mustSay: /no-restricted-imports/,
  },
  {
    name: 'pg-protocol outside of @walvault/protocol',
    check: ['oxlint', '--type-aware', 'packages/core/src/planted.ts'],
    files: { 'packages/core/src/planted.ts': "export { serialize } from 'pg-protocol';\n" },
    mustSay: /no-restricted-imports/,
  },
  {
    name: 'an error code without its page of the manual',
    check: ['node', '--conditions=@walvault/source', 'scripts/docs.mjs', '--check'],
    files: { 'packages/core/src/planted.ts': "export type PlantedErrorCode =\n  /** Something is wrong. */\n  'ERR_PLANTED';\n" },
    mustSay: /ERR_PLANTED lacks a useful entry/,
  },
  {
    name: 'a promise that nobody awaits, from another package',
    check: ['oxlint', '--type-aware', 'packages/core/src/planted.ts'],
    files: {
      'packages/core/src/planted.ts':
        "import { syncFile } from '@walvault/durable-fs';\nexport function planted(): void {\n  syncFile('/tmp/x');\n}\n",
    },
    mustSay: /no-floating-promises/,
  },
];

let failures = 0;
for (const [name, command] of checks) report(name, run(command));
for (const plant of plants) report(`catches ${plant.name}`, planted(plant));
process.exit(failures === 0 ? 0 : 1);

function run([command, ...args]) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 26 });
  return { ok: status === 0, output: `${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}` };
}

function planted({ check, files, manifest, mustSay }) {
  const before = manifest === undefined ? undefined : readFileSync(manifest.path, 'utf8');
  try {
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, content);
    }
    if (before !== undefined) {
      const changed = JSON.parse(before);
      changed.dependencies[manifest.dependency] = 'workspace:^';
      writeFileSync(manifest.path, `${JSON.stringify(changed, undefined, 2)}\n`);
    }
    const { ok, output } = run(check);
    return { ok: !ok && mustSay.test(output), output: ok ? 'the check let it pass' : output };
  } finally {
    for (const path of Object.keys(files)) rmSync(path, { force: true });
    if (before !== undefined) writeFileSync(manifest.path, before);
  }
}

function report(name, { ok, output }) {
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${name}`);
  if (ok) return;
  failures += 1;
  console.log(output);
}
