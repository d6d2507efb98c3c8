import { defineConfig, type ViteUserConfig } from 'vitest/config';
import { keptDirectory } from './kept-directory.ts';

/** The vitest configuration of every package: source without a build, and a report that `npm test` adds up. */
export function packageTests(): ViteUserConfig {
  // What tests make is for the user that servers run as, too, whatever the umask of whoever runs them.
  process.umask(0o022);
  return defineConfig({
    // Node gets these conditions too, for `require` as for `import`: with `import` among them, pg's require('pg-pool') breaks.
    ssr: { resolve: { conditions: ['@walvault/source', 'node'] } },
    test: {
      include: ['src/**/*.test.ts'],
      passWithNoTests: false,
      maxWorkers: 2,
      // Against hanging only, not to measure: a machine may have other things to do, or be slow.
      testTimeout: 300_000,
      hookTimeout: 300_000,
      expect: { poll: { timeout: 60_000 } },
      // Of the programs that tests start some thousand times: what Node has made of their source serves all of them.
      env: { NODE_COMPILE_CACHE: keptDirectory('compiled-code') },
      reporters: ['default', ['json', { outputFile: 'test-report.json' }]],
    },
  });
}
