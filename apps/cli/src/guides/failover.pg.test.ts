import { testGuide } from './follow-guide.test-support.ts';

testGuide('failover', { hosts: { pg1: 'running', pg2: 'standby' } });
