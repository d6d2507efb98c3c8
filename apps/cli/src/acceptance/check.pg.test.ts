import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { dirname, join } from 'node:path';
import { type Cluster, runAsServerUser, startCluster } from '@walvault/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { caughtUp, sectionFor, Vault } from './vault.test-support.ts';

const stack = new AsyncDisposableStack();
let pg: Cluster;
let vault: Vault;
/** Takes connections and says nothing. */
let silent: Server;

beforeAll(async () => {
  pg = stack.use(await startCluster({ segmentSizeMb: 1 }));
  silent = createServer((socket) => socket.on('error', () => undefined)).listen(0, '127.0.0.1');
  stack.defer(() => void silent.close());
  await once(silent, 'listening');
  const { port } = silent.address() as { port: number };
  const nobody = { ...sectionFor(pg), conninfo: `host=127.0.0.1 port=${port} user=x sslmode=disable` };
  vault = stack.use(await Vault.create({ pg: sectionFor(pg), mute: nobody }));
  await vault.startReceiving();
  await pg.switchWal();
  await caughtUp(pg);
  await vault.succeed('archive-wal', 'pg');
});

afterAll(() => stack[Symbol.asyncDispose]());

test('all is well: exit code 0, for people and for programs, with numbers', async () => {
  const { code, stdout } = await vault.run('check', 'pg');
  expect(stdout).toMatch(/^Server pg:\n(\t[A-Za-z_ -]+: OK( \(.*\))?\n)+$/);
  expect(code).toBe(0);
  const { pg: results } = JSON.parse(await vault.succeed('-f', 'json', 'check', 'pg')) as {
    pg: Record<string, { status: string; hint: string; numbers?: object }>;
  };
  expect(Object.values(results).map(({ status }) => status)).not.toContain('FAILED');
  expect(results['replication_slot']).toEqual({ hint: '', status: 'OK' });
  expect(results['receive_lag']).toEqual({ hint: 'nothing is missing', status: 'OK', numbers: { lag_bytes: 0, lag_seconds: 0 } });
  expect(results['rpo']!.numbers).toMatchObject({ rpo_bytes: 0, rpo_seconds: 0, archived_rpo_bytes: expect.any(Number) });
  expect(await vault.succeed('-q', 'check', 'pg')).toBe('');
});

test('a file system that hangs costs what was agreed on, and holds up neither the others nor the end', async () => {
  // Whoever opens it waits for somebody who writes.
  const hanging = join(vault.home, 'mute', 'identity.json');
  await runAsServerUser(['mkdir', '-p', dirname(hanging)]);
  await runAsServerUser(['mkfifo', hanging]);
  const { code, stdout } = await vault.run('check', '--check-timeout', '4', 'all');
  expect(stdout).toMatch(
    /^Server mute:\n\tcheck timeout: FAILED \(walvault check command timed out\)\nServer pg:\n\tPostgreSQL: OK\n/,
  );
  expect(code).toBe(1);
  await rm(hanging);
});

test('for Nagios: one line with numbers, and what is wrong behind it', async () => {
  const well = await vault.run('check', '--nagios', 'pg');
  expect(well).toMatchObject({ code: 0, stderr: '' });
  const [head, perfdata] = well.stdout.trimEnd().split('|');
  expect(head).toBe('WALVAULT OK - Ready to give back the WAL of pg');
  // https://nagios-plugins.org/doc/guidelines.html: label=value[unit], in between blanks
  expect(perfdata!.split(' ').filter((item) => !/^pg_[a-z_]+=-?\d+(\.\d+)?(B|s)?$/.test(item))).toEqual([]);
  expect(perfdata).toMatch(/\bpg_wals=\d+B .*\bpg_lag_bytes=0B .*\bpg_rpo_seconds=0s\b/);
  const bad = await vault.run('check', '--nagios', '--check-timeout', '4', 'all');
  expect(bad.code).toBe(2);
  expect(bad.stdout).toMatch(
    /^WALVAULT CRITICAL - 1 server out of 2 have issues \* mute FAILED: .*PostgreSQL, .*, check timeout\|.*\n/,
  );
  expect(bad.stdout).toMatch(/\nmute\.PostgreSQL: FAILED \(the server did not answer within 3\.2 s\)\n/);
  expect(bad.stdout).not.toMatch(/\npg\./);
  await pg.query('create role plain login');
  await vault.configure({
    pg: { ...sectionFor(pg), conninfo: pg.conninfo({ user: 'plain' }), streaming_conninfo: pg.conninfo() },
  });
  const warned = await vault.run('check', '--nagios', 'pg');
  expect(warned.stdout).toMatch(/^WALVAULT WARNING - server pg has warnings \* pg WARNING: monitoring privileges\|/);
  expect([warned.code, (await vault.run('check', 'pg')).code]).toEqual([1, 0]);
});

test('bad arguments and a configuration that cannot be read are told with the right exit code', async () => {
  expect(await vault.run('check')).toMatchObject({ code: 2, stderr: expect.stringContaining('missing required argument') });
  expect(await vault.run('check', '--check-timeout', 'soon', 'pg')).toMatchObject({ code: 2 });
  expect(await vault.run('-c', '/nonexistent', 'check', 'pg')).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^ERROR: /),
  });
  expect(await vault.run('-c', '/nonexistent', 'check', '--nagios', 'pg')).toMatchObject({
    code: 2,
    stdout: expect.stringMatching(/^WALVAULT CRITICAL - .*\n$/),
  });
});
