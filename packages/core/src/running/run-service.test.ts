import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Configuration, loadConfiguration } from '@walvault/config';
import { lockOwner } from '@walvault/durable-fs';
import { silentLogger } from '@walvault/wal';
import { expect, test } from 'vitest';
import { configured, nowhere } from '../configured.test-support.ts';
import { lockPath } from '../server-paths.ts';
import { RunService } from './run-service.ts';

const options = { logOf: () => silentLogger };

/** Another configuration in the same home. */
async function changed(home: string, global: string, section = ''): Promise<Configuration> {
  const file = join(home, 'changed.conf');
  await writeFile(file, `[barman]\nbarman_home = ${home}\n${global}[pg]\n${nowhere}${section}`);
  return loadConfiguration({ explicit: file });
}

test('a lock directory that cannot be used changes nothing: the server is looked after as before', async () => {
  await using fixture = await configured();
  await using service = await RunService.begin(fixture.configuration, options);
  await writeFile(join(fixture.home, 'file'), '');
  const changes = await service.apply(await changed(fixture.home, `barman_lock_directory = ${fixture.home}/file/locks\n`));
  expect(changes).toMatchObject([{ name: 'pg', kind: 'failed' }]);
  expect([...service.receivers.keys()]).toEqual(['pg']);
  expect(await lockOwner(lockPath(fixture.pg, 'run'))).toMatchObject({ pid: process.pid });
});

test('another lock directory: the lock is there, and the old one is given back', async () => {
  await using fixture = await configured();
  await using service = await RunService.begin(fixture.configuration, options);
  const next = await changed(fixture.home, `barman_lock_directory = ${fixture.home}/locks\n`);
  expect(await service.apply(next)).toMatchObject([{ name: 'pg', kind: 'restarted' }]);
  expect(await lockOwner(lockPath(next.servers.get('pg')!, 'run'))).toMatchObject({ pid: process.pid });
  expect(await lockOwner(lockPath(fixture.pg, 'run'))).toBeUndefined();
});

test('what ends while it takes over another configuration begins nothing any more', async () => {
  await using fixture = await configured();
  const service = await RunService.begin(fixture.configuration, options);
  const applying = service.apply(await changed(fixture.home, '', `wals_directory = ${fixture.home}/other\n`)).catch(String);
  await service[Symbol.asyncDispose]();
  await applying;
  expect([...service.receivers.keys()]).toEqual([]);
  expect(await lockOwner(lockPath(fixture.pg, 'run'))).toBeUndefined();
});

test('an option that only archiving or deletion looks at is told as a change, too', async () => {
  await using fixture = await configured();
  await using service = await RunService.begin(fixture.configuration, options);
  const changes = { atOnce: ['compression', 'wal_retention_policy'], newStream: [], restart: [] };
  const next = await changed(fixture.home, '', 'compression = gzip\nwal_retention_policy = RECOVERY WINDOW OF 2 DAYS\n');
  expect(await service.apply(next)).toMatchObject([{ name: 'pg', kind: 'changed', changes }]);
  expect(await service.apply(next)).toEqual([]);
});
