import { packageTests } from '@walvault/testkit/vitest';
import type { ViteUserConfig } from 'vitest/config';

const config = packageTests();
const withProgram: ViteUserConfig = {
  ...config,
  test: { ...config.test, globalSetup: './src/acceptance/built-program.test-support.ts' },
};

export default withProgram;
