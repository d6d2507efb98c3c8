import { defineConfig, type ViteUserConfig } from 'vitest/config';

/** The vitest configuration of every package: source without a build, and a report that `npm test` adds up. */
export function packageTests(): ViteUserConfig {
  return defineConfig({
    // Node gets these conditions too, for `require` as for `import`: with `import` among them, pg's require('pg-pool') breaks.
    ssr: { resolve: { conditions: ['@walvault/source', 'node'] } },
    test: {
      include: ['src/**/*.test.ts'],
      passWithNoTests: false,
      maxWorkers: 2,
      testTimeout: 60_000,
      hookTimeout: 60_000,
      // How long expect.poll waits: a second, as by default, is nothing on a machine that has other things to do.
      expect: { poll: { timeout: 20_000 } },
      reporters: ['default', ['json', { outputFile: 'test-report.json' }]],
    },
  });
}
