import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { type Cluster, startCluster } from '@walvault/testkit';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { caughtUp, commandLine, sectionFor, Vault } from './vault.test-support.ts';

const stack = new AsyncDisposableStack();
let pg: Cluster;
let vault: Vault;

beforeAll(async () => {
  pg = stack.use(await startCluster({ segmentSizeMb: 1 }));
  vault = stack.use(await Vault.create({ pg: sectionFor(pg) }));
  await vault.succeed('receive-wal', '--create-slot', 'pg');
});

afterAll(() => stack[Symbol.asyncDispose]());

/** What a test has left running ends in good order, and the server knows. */
afterEach(async () => {
  await vault.run('receive-wal', '--stop', 'pg');
  await pg.waitFor('select count(*) = 0 from pg_stat_replication');
});

/** Whether a process is the client of a TCP connection that begins at this port. */
function ownsPort(pid: number, port: number): boolean {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const sockets = readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/));
  const inode = sockets.find((fields) => fields[1]?.endsWith(local))?.[9];
  const links = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkIfThere(`/proc/${pid}/fd/${fd}`));
  return inode !== undefined && links.includes(`socket:[${inode}]`);
}

function readlinkIfThere(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

test('receive-wal returns when the stream runs, and names the process, where it began, and its log', async () => {
  const { code, stdout, stderr } = await vault.run('receive-wal', 'pg');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const line = /^Starting receive-wal for server pg\npg: streaming \(pid (\d+), timeline 1, LSN (\S+), log file (\S+)\)\n$/.exec(
    stdout,
  );
  expect(line, stdout).not.toBeNull();
  const [, pid, lsn, logFile] = line!;
  const [walsender] = await pg.query<{ client_port: number; state: string }>(
    'select client_port, state from pg_stat_replication',
  );
  expect(walsender?.state).toMatch(/streaming|catchup/);
  expect(ownsPort(Number(pid), walsender!.client_port)).toBe(true);
  expect(commandLine(pid!)).toEqual(expect.arrayContaining(['receive-wal', '--foreground', 'pg']));
  expect(await vault.lockedBy()).toBe(Number(pid));
  expect(logFile).toBe(vault.path('receive-wal.log'));
  expect(await vault.log()).toContain(`"lsn":"${lsn}","timelineId":1,"source":"slot","msg":"starting log streaming"`);
  await expect
    .poll(() => vault.state())
    .toMatchObject({ phase: 'streaming', pid: Number(pid), startLsn: lsn, slotName: 'barman' });
});

test('a second receiver for the same server is refused, and told who is there', async () => {
  const pid = await vault.startReceiver();
  for (const args of [
    ['receive-wal', 'pg'],
    ['receive-wal', '--foreground', 'pg'],
  ]) {
    const { code, stderr } = await vault.run(...args);
    expect(code).toBe(1);
    expect(stderr).toContain(
      `ERROR: Another receive-wal process is already running for server pg.\n` +
        `HINT: Process ${pid} is at work (it holds the lock). Stop it with: walvault receive-wal --stop pg\n`,
    );
  }
  await expect.poll(() => vault.state()).toMatchObject({ phase: 'streaming', pid });
});

test('--stop ends the receiver in good order: all that came is durable and the server knows', async () => {
  const pid = await vault.startReceiver();
  await pg.query(`select pg_logical_emit_message(true, 'test', 'the last one')`);
  await caughtUp(pg);
  expect(await vault.run('receive-wal', '--stop', 'pg')).toMatchObject({
    code: 0,
    stdout: `Stopped process receive-wal(${pid})\n`,
    stderr: '',
  });
  await expect.poll(() => commandLine(pid)).toEqual([]);
  const state = await vault.state();
  expect(state).toMatchObject({ phase: 'stopped', lastError: null, writtenLsn: state.flushedLsn });
  expect(await vault.run('receive-wal', '--stop', 'pg')).toMatchObject({
    code: 1,
    stdout: '',
    stderr: 'ERROR: Termination of receive-wal failed: no such process for server pg\n',
  });
});

// Trap T6: up to version 15 pg_receivewal dies of SIGTERM, and with it goes what it had not written yet.
test.each(['SIGTERM', 'SIGINT'] as const)('--foreground stays, and ends with 0 on %s with everything flushed', async (signal) => {
  await using receiver = await vault.start('receive-wal', '--foreground', 'pg');
  await receiver.waitForOutput(/"msg":"starting log streaming"/);
  await pg.waitFor(`select count(*) = 1 from pg_stat_replication where state = 'streaming'`);
  await pg.query(`select pg_logical_emit_message(true, 'test', repeat('y', 100000))`);
  const written = await pg.value('select pg_current_wal_flush_lsn()');
  await caughtUp(pg);
  expect(await receiver.kill(signal)).toMatchObject({ code: 0, signal: null, stdout: '' });
  const state = await vault.state();
  expect(state).toMatchObject({ phase: 'stopped', logFile: null, writtenLsn: state.flushedLsn });
  const kept = await pg.value(`select $1::pg_lsn >= $2 and restart_lsn >= $2 from pg_replication_slots`, [
    state.flushedLsn,
    written,
  ]);
  expect(kept).toBe('true');
});

test('--foreground ends within its time also while the server is not there', async () => {
  await using vault = await Vault.create({ pg: sectionFor(pg, { conninfo: 'host=127.0.0.1 port=1 user=x' }) });
  await using receiver = await vault.start('receive-wal', '--foreground', '--wait', 'pg');
  await receiver.waitForOutput(/"msg":"streaming was interrupted; trying again"/);
  expect(await receiver.kill('SIGTERM')).toMatchObject({ code: 0, signal: null });
  expect(await vault.state()).toMatchObject({ phase: 'stopped', lastError: { code: 'ERR_CONNECT' } });
});

test.each([
  { name: 'barman_receive_wal', from: 'by default', section: {} },
  { name: 'archive_of_pg', from: 'as streaming_archiver_name says', section: { streaming_archiver_name: 'archive_of_pg' } },
  {
    name: 'own',
    from: 'as the connection string says, which wins',
    section: { streaming_archiver_name: 'archive_of_pg', application_name: 'own' },
  },
])('the server knows the receiver as $name, $from', async ({ name, section: { application_name, ...section } }) => {
  await using vault = await Vault.create({
    pg: sectionFor(pg, { streaming_conninfo: pg.conninfo({ application_name, dbname: undefined }), ...section }),
  });
  await vault.startReceiver();
  expect(await pg.value('select application_name from pg_stat_replication')).toBe(name);
  await vault.succeed('receive-wal', '--stop', 'pg');
});
