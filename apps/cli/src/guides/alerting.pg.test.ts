import { testGuide } from './follow-guide.test-support.ts';

testGuide('alerting', { hosts: { pg: 'running' } });
