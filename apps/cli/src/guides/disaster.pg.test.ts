import { testGuide } from './follow-guide.test-support.ts';

testGuide('disaster', { hosts: { pg: 'running', pg2: 'empty' } });
