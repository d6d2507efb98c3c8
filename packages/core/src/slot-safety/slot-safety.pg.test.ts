/** A receiver that cannot receive, and a server that goes on writing: what becomes of the slot. */
import type { ServerConfig } from '@walvault/config';
import { type Cluster, type FaultProxy, faultProxy, fillSegments, startCluster } from '@walvault/testkit';
import { type Lsn, parseLsn, type Logger, silentLogger } from '@walvault/wal';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Configured, configured } from '../configured.test-support.ts';
import { readHoles } from '../holes.ts';
import { runReceiver } from '../receive-service.ts';
import { readReceiverState, type ReceiverState } from '../receiver-state.ts';
import { LiveServerConfig } from '../live-server-config.ts';
import { holesPath, statePath } from '../server-paths.ts';

const stack = new AsyncDisposableStack();
let pg: Cluster;

beforeAll(async () => {
  pg = stack.use(await startCluster({ segmentSizeMb: 1, settings: { wal_keep_size: 0, max_wal_size: '4MB' } }));
});

afterAll(() => stack[Symbol.asyncDispose]());

/** A server whose stream goes through a proxy; questions are asked past it. */
async function blockable(more: string): Promise<Configured & { readonly proxy: FaultProxy }> {
  const proxy = await faultProxy({ target: pg });
  const fixture = await configured(
    `conninfo = ${pg.conninfo()}\nstreaming_conninfo = ${pg.conninfo({ host: proxy.host, port: proxy.port })}\n` +
      `streaming_archiver = on\nslot_name = barman\ncreate_slot = auto\n${more}`,
  );
  return {
    ...fixture,
    proxy,
    [Symbol.asyncDispose]: async () => {
      await proxy[Symbol.asyncDispose]();
      await fixture[Symbol.asyncDispose]();
      await pg.query('select pg_drop_replication_slot(slot_name) from pg_replication_slots where not active');
    },
  };
}

function receive({ pg: server }: { readonly pg: ServerConfig | LiveServerConfig }, log: Logger = silentLogger): AsyncDisposable {
  const stop = new AbortController();
  const ended = runReceiver({ server, stop: stop.signal, firstAttempt: 'retry', log });
  return {
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await ended;
    },
  };
}

async function stateOf({ pg: server }: Configured): Promise<ReceiverState | undefined> {
  return readReceiverState(statePath(server));
}

async function flushedLsn(fixture: Configured): Promise<Lsn> {
  return parseLsn((await stateOf(fixture))?.flushedLsn ?? '0/0');
}

/** Writes, and lets the server remove what nobody needs. */
async function write(segments: number): Promise<void> {
  await fillSegments(pg, segments);
  await pg.query('checkpoint');
}

test('protect-server: warned first, then the slot is dropped with the hole on record, made anew, and receiving goes on', async () => {
  await using fixture = await blockable('slot_policy = protect-server\nslot_retained_limit = 12MB\n');
  const said: string[] = [];
  const note = (_: object, message: string): void => void said.push(message);
  await using _ = receive(fixture, { debug: () => undefined, info: note, warn: note, error: note });
  await expect.poll(() => stateOf(fixture)).toMatchObject({ phase: 'streaming', slotSafety: { level: 'ok' } });
  await write(2);
  await expect.poll(() => flushedLsn(fixture)).toBeGreaterThan(0n);
  fixture.proxy.stall();
  await write(7);
  await expect.poll(() => stateOf(fixture)).toMatchObject({ slotSafety: { level: 'warning' } });
  const before = await flushedLsn(fixture);
  await write(6);
  await expect.poll(() => readHoles(holesPath(fixture.pg))).toMatchObject([{ reason: 'slotDropped' }]);
  // The connection stays stalled: a walsender that hangs in a send hears it only when it is told again.
  await expect
    .poll(() =>
      pg.value(`select count(*) from pg_replication_slots where restart_lsn < '0/0'::pg_lsn + ${before + 6n * 1024n * 1024n}`),
    )
    .toBe('0');
  fixture.proxy.resume();
  await expect.poll(() => stateOf(fixture)).toMatchObject({ phase: 'streaming', blockingHole: null });
  const [hole] = await readHoles(holesPath(fixture.pg));
  expect(hole).toMatchObject({ reason: 'slotDropped', resolvedBy: 'continued' });
  expect(parseLsn(hole!.fromLsn)).toBe(before);
  expect(parseLsn(hole!.toLsn!)).toBeGreaterThan(before);
  await write(1);
  const now = parseLsn((await pg.value('select pg_current_wal_flush_lsn()'))!);
  await expect.poll(() => flushedLsn(fixture)).toBeGreaterThanOrEqual(now);
  expect(await pg.value(`select count(*) from pg_replication_slots where slot_name = 'barman' and active`)).toBe('1');
  expect(said).toEqual(
    expect.arrayContaining([
      expect.stringMatching(
        /^the replication slot keeps \d+MB of WAL of the 12MB of slot_retained_limit; at the limit it is dropped/,
      ),
      expect.stringMatching(/^slot_policy = protect-server: dropping the replication slot/),
      'slot_policy = protect-server: going on behind the hole',
    ]),
  );
});

test('protect-server: a receiver that comes back over the limit and catches up keeps its slot', async () => {
  await using fixture = await blockable('slot_policy = protect-server\nslot_retained_limit = 4MB\n');
  {
    await using _ = receive(fixture);
    await expect.poll(() => stateOf(fixture)).toMatchObject({ phase: 'streaming', slotSafety: { level: 'ok' } });
  }
  await write(10);
  // So slowly that the slot is looked at meanwhile.
  fixture.proxy.throttle(256 * 1024);
  const said: string[] = [];
  const note = (_: object, message: string): void => void said.push(message);
  await using _ = receive(fixture, { debug: () => undefined, info: note, warn: note, error: note });
  await expect.poll(() => said).toContainEqual(expect.stringContaining('is not dropped as long as it keeps less with each look'));
  fixture.proxy.throttle(Infinity);
  const end = parseLsn((await pg.value('select pg_current_wal_flush_lsn()'))!);
  await expect.poll(() => flushedLsn(fixture)).toBeGreaterThanOrEqual(end);
  expect(await readHoles(holesPath(fixture.pg))).toEqual([]);
});

test('protect-server: what the configuration says when the stream has ended counts, and so does where the slot stands then', async () => {
  await using fixture = await blockable('slot_policy = protect-server\nslot_retained_limit = 4MB\n');
  const live = new LiveServerConfig(fixture.pg);
  const said: string[] = [];
  const note = (_: object, message: string): void => void said.push(message);
  const error = (_: object, message: string): void => {
    said.push(message);
    live.apply({ ...fixture.pg, slotPolicy: 'protect-archive' });
  };
  await using _ = receive({ pg: live }, { debug: () => undefined, info: note, warn: note, error });
  await expect.poll(() => stateOf(fixture)).toMatchObject({ phase: 'streaming', slotSafety: { level: 'ok' } });
  fixture.proxy.stall();
  await write(3);
  await fillSegments(pg, 3);
  await expect.poll(() => stateOf(fixture)).toMatchObject({ slotSafety: { level: 'critical' } });
  await expect.poll(() => stateOf(fixture)).not.toMatchObject({ phase: 'streaming' });
  fixture.proxy.resume();
  await expect.poll(() => stateOf(fixture)).toMatchObject({ phase: 'streaming', slotSafety: { level: 'ok' } });
  expect(await readHoles(holesPath(fixture.pg))).toEqual([]);
  expect(said.filter((line) => line.includes('dropping'))).toEqual([]);
});

test('protect-archive: there are warnings, and the slot stays', async () => {
  await using fixture = await blockable('slot_retained_limit = 4MB\n');
  await using _ = receive(fixture);
  await expect.poll(() => stateOf(fixture)).toMatchObject({ phase: 'streaming' });
  fixture.proxy.stall();
  await write(6);
  await expect
    .poll(() => stateOf(fixture))
    .toMatchObject({
      slotSafety: {
        level: 'critical',
        safeBytes: 0,
        reason: expect.stringMatching(/^keeps \d+MB of WAL of the 4MB of slot_retained_limit$/),
      },
    });
  expect(await readHoles(holesPath(fixture.pg))).toEqual([]);
  fixture.proxy.resume();
  await expect.poll(() => stateOf(fixture)).toMatchObject({ slotSafety: { level: 'ok' } });
  expect(await readHoles(holesPath(fixture.pg))).toEqual([]);
});
