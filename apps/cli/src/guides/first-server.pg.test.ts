import { testGuide } from './follow-guide.test-support.ts';

testGuide('first-server', { hosts: { pg: 'running' }, isSetUp: false, major: 18 });
