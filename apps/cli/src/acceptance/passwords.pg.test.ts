import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startCluster } from '@walvault/testkit';
import { expect, test } from 'vitest';
import { caughtUp, commandLine, sectionFor, Vault } from './vault.test-support.ts';

const secret = 'Sesame-öffne-dich-4711';
const wrong = 'Mist-vergessen-0815';

test('no password is ever shown: in no output, log, state or command line, whether it is right or wrong', async () => {
  await using pg = await startCluster({ segmentSizeMb: 1, hba: ['host all,replication known 127.0.0.1/32 scram-sha-256'] });
  await pg.query(`create role known login replication password '${secret}'`);
  const conninfo = (password: string): string => pg.conninfo({ user: 'known', password });
  await using vault = await Vault.create({
    pg: sectionFor(pg, { conninfo: conninfo(secret) }),
    refused: sectionFor(pg, { conninfo: conninfo(wrong) }),
    away: sectionFor(pg, { conninfo: `postgresql://known:${wrong}@127.0.0.1:1/postgres` }),
    odd: sectionFor(pg, { streaming_conninfo: `${conninfo(secret)} sslmode=whatever` }),
    torn: sectionFor(pg, { streaming_conninfo: `host=127.0.0.1 user=known password='${secret}` }),
  });
  const said: string[] = [];
  const run = async (...args: readonly string[]): Promise<void> => {
    const { stdout, stderr } = await vault.run('-d', ...args);
    said.push(stdout, stderr);
  };
  await run('list-servers');
  await run('receive-wal', '--create-slot', 'pg');
  await run('receive-wal', 'pg');
  const argv = commandLine(await vault.lockedBy());
  expect(argv).toContain('receive-wal');
  await pg.switchWal();
  await caughtUp(pg);
  for (const server of ['refused', 'away', 'odd', 'torn']) {
    await run('receive-wal', '--create-slot', server);
    await run('receive-wal', server);
  }
  await run('-f', 'json', 'status', 'all');
  await run('receive-wal', '--stop', 'pg');
  await run('archive-wal', 'pg');

  const files = readdirSync(vault.home, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map((entry) => join(entry.parentPath, entry.name)).filter((path) => path !== vault.configFile);
  const logsAndStates = paths.filter((path) => !/[0-9A-F]{24}/.test(path));
  expect(logsAndStates.filter((path) => path.endsWith('receive-wal.log')).length).toBe(5);
  expect(logsAndStates.filter((path) => path.endsWith('receive-wal.json')).length).toBe(5);
  const everything = [...said, argv.join(' '), ...logsAndStates.map((path) => readFileSync(path, 'utf8'))].join('\n');
  expect(everything).toContain('password authentication failed');
  expect(everything).toContain('sslmode');
  expect(everything).toMatch(/unterminated quoted value of password/);
  for (const word of [secret, wrong, encodeURIComponent(secret)]) expect(everything.includes(word), word).toBe(false);
});
