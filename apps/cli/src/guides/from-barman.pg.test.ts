import { dirname } from 'node:path';
import { Barman, findProgram, serverUserName } from '@walvault/testkit';
import { afterAll } from 'vitest';
import { testGuide } from './follow-guide.test-support.ts';

const barman = await Barman.create({});
afterAll(async () => barman[Symbol.asyncDispose]());

testGuide('from-barman', {
  hosts: { pg: 'running' },
  home: '/var/lib/barman',
  configFile: '/etc/barman.conf',
  programs: { barman: `exec ${barman.argv().join(' ')} --config=/etc/barman.conf "$@"` },
  names: [
    ['barman_user = barman', `barman_user = ${serverUserName()}`],
    ['/usr/lib/postgresql/15/bin', dirname(findProgram('pg_basebackup').path)],
  ],
});
