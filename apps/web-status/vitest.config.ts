import { packageTests } from '@walvault/testkit/vitest';
import type { ViteUserConfig } from 'vitest/config';

const config = packageTests();
const withPage: ViteUserConfig = { ...config, test: { ...config.test, include: ['src/**/*.test.ts', 'page/**/*.test.ts'] } };

export default withPage;
