import { copyFile, readFile, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { type Cluster, type ProgramResult, startCluster } from '@walvault/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { caughtUp, plant, type Section, sectionFor, Vault } from './vault.test-support.ts';

const stack = new AsyncDisposableStack();
const hba = ['host replication walled 127.0.0.1/32 reject', 'host all,replication known 127.0.0.1/32 scram-sha-256'];
let pg: Cluster;
let systemIdentifier: string;

beforeAll(async () => {
  pg = stack.use(await startCluster({ segmentSizeMb: 1, hba }));
  await pg.query(`
    create role walled login replication; create role known login replication password 'right'; create role plain login;
    select pg_create_physical_replication_slot('barman', true)`);
  systemIdentifier = (await pg.value('select system_identifier from pg_control_system()'))!;
});

afterAll(() => stack[Symbol.asyncDispose]());

/** What a receiver that could not start says, and nothing else. */
function refusal(result: ProgramResult): { readonly message: string; readonly hint: string } {
  expect(result).toMatchObject({ code: 1, stdout: 'Starting receive-wal for server pg\n' });
  const [, message, hint] = /^ERROR: (.*)\nHINT: (.*)\n$/.exec(result.stderr) ?? [];
  expect(message, result.stderr).toBeDefined();
  return { message: message!, hint: hint! };
}

describe('a receiver does not start, and says why and what to do,', () => {
  const cases: readonly { name: string; section: () => Section; message: RegExp; hint: RegExp; code: string }[] = [
    {
      name: 'when the server is down',
      section: () => ({ conninfo: 'host=127.0.0.1 port=1 user=x' }),
      message: /^ArchiverFailure:connection to server at "127\.0\.0\.1", port 1 failed: connection refused$/i,
      hint: /server/,
      code: 'ERR_CONNECT',
    },
    {
      name: 'when the password is wrong',
      section: () => ({ conninfo: pg.conninfo({ user: 'known', password: 'wrong' }) }),
      message: /^ArchiverFailure:.*password authentication failed for user "known"$/,
      hint: /password/,
      code: 'ERR_AUTHENTICATION',
    },
    {
      name: 'when there is no password',
      section: () => ({ conninfo: pg.conninfo({ user: 'known' }) }),
      message: /^ArchiverFailure:.*password/,
      hint: /password/,
      code: 'ERR_AUTHENTICATION',
    },
    {
      name: 'when pg_hba.conf lets nobody in',
      section: () => ({ conninfo: pg.conninfo({ user: 'walled' }) }),
      message: /^ArchiverFailure:.*pg_hba\.conf rejects replication connection for host "127\.0\.0\.1", user "walled"/,
      hint: /pg_hba\.conf/,
      code: 'ERR_AUTHENTICATION',
    },
    {
      name: 'when the role lacks REPLICATION',
      section: () => ({ conninfo: pg.conninfo({ user: 'plain' }) }),
      message: /^ArchiverFailure:permission denied to start WAL sender$/,
      hint: /REPLICATION/,
      code: 'ERR_SERVER',
    },
  ];

  test.for(cases)('$name', async ({ section, message, hint, code }) => {
    await using vault = await Vault.create({ pg: sectionFor(pg, section()) });
    const said = refusal(await vault.run('receive-wal', 'pg'));
    expect(said.message).toMatch(message);
    expect(said.hint).toMatch(hint);
    expect(vault.names('streaming')).toEqual([]);
    expect(await vault.state()).toMatchObject({ phase: 'failed', lastError: { code, hint: said.hint }, systemIdentifier: null });
    expect(await vault.log()).toContain(JSON.stringify(said.hint));
    await expect.poll(() => vault.processes()).toEqual([]);
  });
});

test('--create-slot says which server it could not reach', async () => {
  await using vault = await Vault.create({ pg: sectionFor(pg, { conninfo: 'host=127.0.0.1 port=1 user=x' }) });
  const { code, stderr } = await vault.run('receive-wal', '--create-slot', 'pg');
  expect(code).toBe(1);
  expect(stderr).toMatch(
    /^ERROR: Cannot connect to server 'pg': connection to server at "127\.0\.0\.1", port 1 failed: .+\nHINT: .+\n$/,
  );
});

test('status of a server that is down still tells everything else', async () => {
  await using vault = await Vault.create({ pg: sectionFor(pg, { conninfo: 'host=127.0.0.1 port=1 user=x' }) });
  const { code, stdout, stderr } = await vault.run('status', 'pg');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/\tPostgreSQL version: FAILED trying to get PostgreSQL version \(connection to server .+\)\n/);
  expect(stdout).toContain('\tReceiver: not running (never started)\n');
  expect(stdout).toContain('\tLast WAL in the archive: none\n');
});

describe('with segments of an earlier run', () => {
  let vault: Vault;
  const streaming = (...names: string[]): string => vault.path('streaming', ...names);

  beforeAll(async () => {
    vault = stack.use(await Vault.create({ pg: sectionFor(pg) }));
    await vault.startReceiver();
    await pg.switchWal();
    await pg.query(`select pg_logical_emit_message(true, 'test', 'in the middle of a segment')`);
    await caughtUp(pg);
    await vault.succeed('receive-wal', '--stop', 'pg');
    await pg.waitFor('select not active from pg_replication_slots');
  });

  /** The files of the directory by name, so that a test can see that nothing was touched. */
  async function contents(): Promise<ReadonlyMap<string, string>> {
    const files = vault
      .names('streaming')
      .map(async (name) => [name, (await readFile(streaming(name))).toString('latin1')] as const);
    return new Map(await Promise.all(files));
  }

  test('another cluster under the same name is refused, by identity.json and by the segments themselves', async () => {
    await using other = await startCluster({ segmentSizeMb: 1 });
    await other.query(`select pg_create_physical_replication_slot('barman', true)`);
    const otherIdentifier = await other.value('select system_identifier from pg_control_system()');
    await vault.configure({ pg: sectionFor(other) });
    const before = await contents();
    const identityFile = vault.path('identity.json');
    const identity = await readFile(identityFile, 'utf8');
    expect(JSON.parse(identity)).toEqual({ systemid: systemIdentifier, version: '18' });

    const first = refusal(await vault.run('receive-wal', 'pg'));
    expect(first.message).toBe(
      `ArchiverFailure:the server has system identifier ${otherIdentifier}, but "${identityFile}" belongs to cluster ${systemIdentifier}`,
    );
    await rm(identityFile);
    const second = refusal(await vault.run('receive-wal', 'pg'));
    expect(second.message).toMatch(
      new RegExp(
        `^ArchiverFailure:the server has system identifier ${otherIdentifier}, but ".+" belongs to cluster ${systemIdentifier}$`,
      ),
    );
    expect(await contents()).toEqual(before);

    // The refused one has left no mark, so the right one is welcome again.
    await vault.configure({ pg: sectionFor(pg) });
    await vault.startReceiver();
    await vault.succeed('receive-wal', '--stop', 'pg');
    expect(await readFile(identityFile, 'utf8')).toBe(identity);
    await pg.waitFor('select not active from pg_replication_slots');
  });

  test('a segment file of a wrong size stops the receiver before it touches anything', async () => {
    const [name] = vault.names('streaming').filter((entry) => /^[0-9A-F]{24}$/.test(entry));
    const partial = vault.names('streaming').find((entry) => entry.endsWith('.partial'))!;
    await copyFile(streaming(name!), streaming('000000010000000000000077'));
    await truncate(streaming('000000010000000000000077'), 4096);
    const before = await contents();
    const { message, hint } = refusal(await vault.run('receive-wal', 'pg'));
    expect(message).toBe(
      `ArchiverFailure:WAL segment file "${streaming('000000010000000000000077')}" has 4096 bytes, should have 1048576`,
    );
    expect(hint).toMatch(/move it out of the directory/);
    expect(await contents()).toEqual(before);
    await rm(streaming('000000010000000000000077'));
    expect(vault.names('streaming')).toContain(partial);
  });

  test('a directory that holds more than the server has written is refused, and the receiver says that it may be a restored one', async () => {
    const [name] = vault.names('streaming').filter((entry) => /^[0-9A-F]{24}$/.test(entry));
    await copyFile(streaming(name!), streaming('000000010000000000000077'));
    const { message, hint } = refusal(await vault.run('receive-wal', 'pg'));
    expect(message).toMatch(/^ArchiverFailure:WAL has been received up to 0\/7800000, the server has written up to \S+ only$/);
    expect(hint).toMatch(/restored from a backup/);
    await rm(streaming('000000010000000000000077'));
  });

  test('a foreign file is named in the log, left alone by the receiver and moved aside by archive-wal', async () => {
    await plant(vault.path('streaming'), 'notes.txt', 'do not lose me');
    await vault.startReceiver();
    expect(await vault.log()).toContain('"name":"notes.txt","msg":"foreign file in the streaming directory');
    const { code, stdout } = await vault.run('archive-wal', 'pg');
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /\nSome unknown objects have been found while processing xlog segments for pg\. Objects moved to errors directory:\n\tnotes\.txt\n$/,
    );
    const [moved] = vault.names('errors');
    expect(moved).toMatch(/^notes\.txt\..+\.unknown$/);
    expect(await readFile(join(vault.path('errors'), moved!), 'utf8')).toBe('do not lose me');
    await vault.succeed('receive-wal', '--stop', 'pg');
    await pg.waitFor('select not active from pg_replication_slots');
  });

  test('encryption, which cannot be done, archives nothing and keeps everything', async () => {
    await vault.configure({ pg: sectionFor(pg, { encryption: 'gpg', encryption_key_id: 'somebody' }) });
    const before = await contents();
    const { code, stdout, stderr } = await vault.run('archive-wal', 'pg');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(
      /^ERROR: encryption = gpg cannot be done by this version of walvault \(allowed: none\)\nHINT: Nothing was archived.+\n$/,
    );
    expect(await contents()).toEqual(before);
    await vault.configure({ pg: sectionFor(pg) });
  });
});
