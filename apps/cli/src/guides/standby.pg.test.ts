import { testGuide } from './follow-guide.test-support.ts';

testGuide('standby', { hosts: { pg1: 'running', pg2: 'standby' } });
