import { binaries } from '@walvault/testkit';
import { testGuide } from './follow-guide.test-support.ts';

const programs = ([14, 15] as const).map((major) => [`/usr/lib/postgresql/${major}/bin`, binaries(major).directory] as const);

testGuide('upgrade', { hosts: { pg: 'running' }, major: 14, names: programs });
