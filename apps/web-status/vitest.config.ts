import { packageTests } from '@walvault/testkit/vitest';

export default packageTests();
