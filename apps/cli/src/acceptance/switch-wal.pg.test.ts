/** switch-wal against a primary and its standby, with and without rights, and beside what Barman says. */
import { existsSync } from 'node:fs';
import { Barman, barmanSectionFor, type Cluster, createStandby, startCluster } from '@walvault/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { caughtUp, sectionFor, Vault } from './vault.test-support.ts';

const stack = new AsyncDisposableStack();
let pg: Cluster;
let vault: Vault;

beforeAll(async () => {
  pg = stack.use(await startCluster({ major: 15, segmentSizeMb: 1 }));
  await pg.query('create role plain login; create role switcher login; grant execute on function pg_switch_wal() to switcher');
  const standby = stack.use(await createStandby(pg));
  const conninfo = pg.conninfo();
  vault = stack.use(
    await Vault.create({
      pg: sectionFor(pg),
      plain: { conninfo: pg.conninfo({ user: 'plain' }), archiver: 'on' },
      switcher: { conninfo: pg.conninfo({ user: 'switcher' }), archiver: 'on' },
      standby: { conninfo: standby.conninfo(), archiver: 'on' },
      'with-primary': { conninfo: standby.conninfo(), primary_conninfo: conninfo, archiver: 'on' },
      'dead-standby': { conninfo: 'host=127.0.0.1 port=1 user=x', primary_conninfo: conninfo, archiver: 'on' },
      dead: { conninfo: 'host=127.0.0.1 port=1 user=x', archiver: 'on' },
      off: { conninfo, active: 'false', archiver: 'on' },
    }),
  );
});

afterAll(() => stack[Symbol.asyncDispose]());

/** Name of the segment that the server writes now. */
async function currentSegment(): Promise<string> {
  return (await pg.value('select pg_walfile_name(pg_current_wal_lsn() + 1)'))!;
}

async function writeSomething(): Promise<void> {
  await pg.query(`select pg_logical_emit_message(true, 'test', 'something')`);
}

test('closes the segment that the server writes, and says when there is nothing to close, as Barman does', async () => {
  await using barman = await Barman.create({ pg: barmanSectionFor(pg) });
  for (const tool of [vault, barman]) {
    await writeSomething();
    const name = await currentSegment();
    expect(await tool.run('switch-wal', 'pg')).toMatchObject({
      code: 0,
      stdout: `The WAL file ${name} has been closed on server 'pg'\n`,
    });
    expect(await currentSegment()).not.toBe(name);
    expect(await tool.run('switch-xlog', 'pg')).toMatchObject({ code: 0, stdout: "No switch required for server 'pg'\n" });
    const forced = await tool.run('switch-wal', '--force', 'pg');
    expect(forced).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^The WAL file \w{24} has been closed on server 'pg'\n$/),
    });
  }
});

test('with --archive it is in the archive when the command returns, though no archiver runs', async () => {
  await vault.startReceiving();
  const { code, stdout } = await vault.run('switch-wal', '--force', '--archive', 'pg');
  const name = /The WAL file (\w+) has been closed/.exec(stdout)?.[1] ?? '';
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: `The WAL file ${name} has been closed on server 'pg'\nWaiting for the WAL file ${name} from server 'pg' (max: 30 seconds)\n`,
  });
  expect(existsSync(vault.path('wals', name.slice(0, 16), name))).toBe(true);
  // Nothing to close is fine when the last closed segment is in the archive, and an error when it does not come.
  const again = JSON.parse(await vault.succeed('-f', 'json', 'switch-wal', '--archive', 'pg')) as Record<string, unknown>;
  expect(again).toMatchObject({
    _INFO: ["No switch required for server 'pg'", `Waiting for the WAL file ${name} from server 'pg' (max: 30 seconds)`],
    pg: { outcome: 'notRequired', closed_wal: null, archived_wal: name },
  });
  await caughtUp(pg);
  await vault.stopReceiver(pg);
  const late = await vault.run('switch-wal', '--force', '--archive', '--archive-timeout', '0', 'pg');
  expect(late).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^ERROR: The WAL file \w{24} has not been received in 0 seconds\nHINT: /),
  });
  const nameless = await vault.run('switch-wal', '--archive', '--archive-timeout', '0', 'pg');
  expect(nameless).toMatchObject({ code: 1, stderr: expect.stringContaining('has not been received in 0 seconds') });
  await vault.startReceiver();
  await vault.succeed('switch-wal', '--archive', 'pg');
  await vault.stopReceiver(pg);
});

test('a standby has nothing to switch; with primary_conninfo the primary does, also when the standby is dead', async () => {
  expect(await vault.run('switch-wal', 'standby')).toMatchObject({
    code: 0,
    stdout: "No switch performed because server 'standby' is a standby.\n",
  });
  expect(await vault.run('switch-wal', '--archive', '--archive-timeout', '0', 'standby')).toMatchObject({
    code: 1,
    stdout: expect.stringContaining("Waiting for a WAL file from server 'standby' to be archived (max: 0 seconds)\n"),
    stderr: expect.stringMatching(/^ERROR: A WAL file has not been received in 0 seconds\n/),
  });
  for (const name of ['with-primary', 'dead-standby']) {
    await writeSomething();
    const segment = await currentSegment();
    expect(await vault.succeed('switch-wal', name)).toBe(`The WAL file ${segment} has been closed on server '${name}'\n`);
  }
});

test('without the right to it says which GRANT is missing', async () => {
  expect(await vault.run('switch-wal', 'plain')).toMatchObject({
    code: 1,
    stderr: `ERROR: the role of the connection may not switch WAL\nHINT: Run on the server, as a superuser: GRANT EXECUTE ON FUNCTION pg_catalog.pg_switch_wal() TO plain;\n`,
  });
  expect(await vault.run('switch-wal', '--force', 'switcher')).toMatchObject({
    code: 1,
    stderr: `ERROR: switch-wal --force requires superuser rights or the 'pg_checkpoint' role\nHINT: Run on the server, as a superuser: GRANT pg_checkpoint TO switcher;\n`,
  });
  await writeSomething();
  expect(await vault.run('switch-wal', 'switcher')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('has been closed'),
  });
});

test('one server in trouble does not keep the others from their turn', async () => {
  await writeSomething();
  const { code, stdout, stderr } = await vault.run('switch-wal', 'dead', 'off', 'pg');
  expect(code).toBe(1);
  expect(stderr).toMatch(/^ERROR: Unable to perform pg_switch_wal for server 'dead': .*127\.0\.0\.1/);
  expect(stdout).toMatch(/^Skipping inactive server 'off'\nThe WAL file \w{24} has been closed on server 'pg'\n$/);
  expect(await vault.run('switch-wal', 'nobody')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("Unknown server 'nobody'"),
  });
  expect(await vault.run('switch-wal', '--archive-timeout', 'soon', 'pg')).toMatchObject({ code: 2 });
});
