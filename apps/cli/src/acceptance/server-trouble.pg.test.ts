/** What happens to a busy server, and to the way to it, while we are attached. */
import {
  type Cluster,
  faultProxy,
  fillSegments,
  recordingProxy,
  startCluster,
  startWorkload,
  type Workload,
} from '@walvault/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectSameWal } from './expectations.test-support.ts';
import { caughtUp, sectionFor, Vault } from './vault.test-support.ts';

describe('a busy server', () => {
  const stack = new AsyncDisposableStack();
  let pg: Cluster;
  let vault: Vault;
  let workload: Workload;

  beforeAll(async () => {
    pg = stack.use(await startCluster({ segmentSizeMb: 1 }));
    vault = stack.use(await Vault.create({ pg: sectionFor(pg) }));
    workload = stack.use(await startWorkload(pg, { rowBytes: 4000 }));
    await vault.startReceiving();
  });

  afterAll(() => stack[Symbol.asyncDispose]());

  /** Lets the clients commit for a while, which they go on with as soon as a server is there again. */
  async function work(): Promise<void> {
    await workload.reached(workload.acknowledged.count + 200);
  }

  /** Milliseconds that a fast shutdown under load takes. */
  async function fastShutdown(): Promise<number> {
    await work();
    const before = performance.now();
    await pg.stop('fast');
    const ms = performance.now() - before;
    await pg.start();
    return ms;
  }

  async function expectGoesOn(): Promise<void> {
    await work();
    const [full] = await fillSegments(pg, 1);
    await expect.poll(() => vault.names('streaming')).toContain(full);
    await caughtUp(pg);
    await expectSameWal(pg, vault);
  }

  test.for(['immediate shutdown', 'crash', 'terminated walsender'] as const)(
    '%s: we are back by ourselves, without a hole',
    async (event) => {
      await work();
      const { pid, reconnects } = await vault.state();
      if (event === 'terminated walsender') await pg.query('select pg_terminate_backend(pid) from pg_stat_replication');
      else {
        await (event === 'crash' ? pg.kill() : pg.stop('immediate'));
        await expect.poll(() => vault.state()).toMatchObject({ phase: 'waiting', lastError: { code: 'ERR_CONNECT' } });
        await pg.start();
      }
      await expectGoesOn();
      const after = await vault.reaches({ phase: 'streaming', pid });
      expect(after.reconnects).toBeGreaterThan(reconnects);
    },
  );

  test('a fast shutdown takes no longer with us attached than without, give or take what a busy machine adds', async () => {
    const attached: number[] = [];
    for (let round = 0; round < 3; round += 1) {
      attached.push(await fastShutdown());
      await expect.poll(() => vault.state()).toMatchObject({ phase: 'streaming' });
    }
    await vault.stopReceiver(pg);
    const alone: number[] = [];
    for (let round = 0; round < 3; round += 1) alone.push(await fastShutdown());
    // The quickest of each. A server that waits for a receiver in vain does so for a minute.
    const [ours, others] = [Math.min(...attached), Math.min(...alone)];
    expect(ours, `${attached.join(', ')} ms attached, ${alone.join(', ')} ms alone`).toBeLessThan(others + 10_000);
    await vault.startReceiver();
    await expectGoesOn();
  });
});

describe('the way to the server', () => {
  const stack = new AsyncDisposableStack();
  /** A receiver on a loaded machine must get its turn within half of it. */
  const walSenderTimeoutMs = 4000;
  let pg: Cluster;

  beforeAll(async () => {
    pg = stack.use(await startCluster({ segmentSizeMb: 1, settings: { wal_sender_timeout: `${walSenderTimeoutMs}ms` } }));
  });

  afterAll(() => stack[Symbol.asyncDispose]());

  /** The section whose stream goes through a proxy, while the ordinary connection does not. */
  const throughProxy = (port: number): ReturnType<typeof sectionFor> =>
    sectionFor(pg, { streaming_conninfo: pg.conninfo({ port, dbname: undefined, sslmode: 'disable' }) });

  test('an idle server is not taken for a dead one, however short its wal_sender_timeout', async () => {
    await using vault = await Vault.create({ pg: sectionFor(pg) });
    await vault.startReceiving();
    const walsender = await pg.value('select pid from pg_stat_replication');
    await new Promise((resolve) => setTimeout(resolve, 2 * walSenderTimeoutMs));
    expect(await pg.value('select pid from pg_stat_replication')).toBe(walsender);
    await vault.reaches({ phase: 'streaming', reconnects: 0, lastError: null });
    await vault.stopReceiver(pg);
  });

  test('a connection that carries nothing any more is noticed on both sides, and we are back when packets flow', async () => {
    await using proxy = await faultProxy({ target: pg });
    await using vault = await Vault.create({ pg: throughProxy(proxy.port) });
    await vault.startReceiving();
    const start = performance.now();
    proxy.stall();
    await expect.poll(() => vault.state()).toMatchObject({ lastError: { code: 'ERR_SERVER_SILENT' } });
    expect(performance.now() - start, 'not before the server would give us up').toBeGreaterThan(walSenderTimeoutMs / 2);
    await pg.waitFor('select count(*) = 0 from pg_stat_replication');
    expect(await pg.log()).toContain('terminating walsender process due to replication timeout');
    proxy.resume();
    await expect.poll(() => vault.state()).toMatchObject({ phase: 'streaming' });
    const last = await pg.switchWal();
    await expect.poll(() => vault.names('streaming')).toContain(last);
    await expectSameWal(pg, vault);
    await vault.stopReceiver(pg);
  });

  // A known bug of pg_receivewal: it does not remember which cluster it has received from before the reconnect.
  test('a reconnect that leads to another cluster is refused, and nothing of that cluster is received', async () => {
    await using other = await startCluster({ segmentSizeMb: 1 });
    await other.query(`select pg_create_physical_replication_slot('barman', true)`);
    await using proxy = await recordingProxy({ target: pg });
    await using vault = await Vault.create({ pg: throughProxy(proxy.port) });
    await vault.startReceiving();
    const full = await fillSegments(pg, 1);
    await expect.poll(() => vault.names('streaming')).toContain(full.at(-1));
    await fillSegments(other, 3);
    const names = vault.names('streaming');
    const asked = proxy.commands.length;
    proxy.retarget(other);
    await expect.poll(() => vault.state()).toMatchObject({ lastError: { code: 'ERR_OTHER_CLUSTER' } });
    expect(vault.names('streaming')).toEqual(names);
    await expectSameWal(pg, vault);
    expect(new Set(proxy.commands.slice(asked))).toEqual(new Set(['IDENTIFY_SYSTEM']));
    expect(await other.value('select count(*) from pg_stat_replication')).toBe('0');
  });
});
