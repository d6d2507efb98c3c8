import { testGuide } from './follow-guide.test-support.ts';

testGuide('synchronous', { hosts: { pg: 'running' } });
