import { join } from 'node:path';
import { testReadmeExamples } from '@walvault/testkit/readme';

testReadmeExamples(join(import.meta.dirname, '..'));
