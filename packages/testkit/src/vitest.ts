import { defineConfig, type ViteUserConfig } from 'vitest/config';

/** The vitest configuration of every package: source without a build, and a report that `npm test` adds up. */
export function packageTests(): ViteUserConfig {
  return defineConfig({
    ssr: { resolve: { conditions: ['@walvault/source', 'node', 'import', 'module', 'default'] } },
    test: {
      include: ['src/**/*.test.ts'],
      passWithNoTests: false,
      maxWorkers: 2,
      testTimeout: 60_000,
      hookTimeout: 60_000,
      reporters: ['default', ['json', { outputFile: 'test-report.json' }]],
    },
  });
}
