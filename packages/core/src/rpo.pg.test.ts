import { type Cluster, fillSegments } from '@walvault/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CheckedWorld } from './checking/checked-world.test-support.ts';
import { observeFiles } from './observing/observe-files.ts';
import { observeServer } from './observing/observe-server.ts';
import { type Rpo, rpo } from './rpo.ts';

const stack = new AsyncDisposableStack();
let world: CheckedWorld;
let pg: Cluster;

beforeAll(async () => {
  world = stack.use(await CheckedWorld.create());
  ({ pg } = world);
  await pg.query('create table t (i int)');
});

afterAll(() => stack[Symbol.asyncDispose]());

async function look(): Promise<Rpo> {
  const [observation, files] = await Promise.all([
    observeServer(world.server, { patienceMs: 60_000 }),
    observeFiles(world.server),
  ]);
  return rpo(world.server, { observation, files });
}

/** What the clocks of the two machines may be found to differ by, although they are one. */
const clockToleranceMs = 1000;

/** Commits, and gives the times between which that was. */
async function commit(): Promise<{ readonly from: number; readonly to: number }> {
  const from = Date.now();
  await pg.query('insert into t values (1)');
  return { from: from - clockToleranceMs, to: Date.now() + clockToleranceMs };
}

/** A time is that of a commit. */
function expectAt(time: string | undefined, { from, to }: { readonly from: number; readonly to: number }): void {
  expect(Date.parse(time!)).toBeGreaterThanOrEqual(from);
  expect(Date.parse(time!)).toBeLessThanOrEqual(to);
}

/** Ends the segment, receives and archives it, so that nothing is behind the archive but a new segment. */
async function archiveAll(): Promise<void> {
  await pg.switchWal();
  await world.caughtUp();
  await world.archive();
}

test('WAL behind the archive without a commit in it is no loss, and with some it is as old as the first', async () => {
  await archiveAll();
  await pg.query(`select pg_logical_emit_message(false, 'nothing', 'to lose', true)`).catch(() => pg.query('checkpoint'));
  await world.caughtUp();
  const idle = await look();
  expect(idle.durable).toMatchObject({ bytes: 0, seconds: 0 });
  expect(idle.archived).toMatchObject({ seconds: 0, reason: undefined });
  const first = await commit();
  await commit();
  await world.caughtUp();
  const { durable, archived } = await look();
  expect(durable).toMatchObject({ bytes: 0, seconds: 0 });
  expect(archived.bytes).toBeGreaterThan(0);
  expectAt(archived.since, first);
  await archiveAll();
  expect((await look()).archived.bytes).toBeLessThan(1024 ** 2);
});

test('when nobody receives it grows from the moment when all was here, and over the segments that wait it is the first commit', async () => {
  const first = await commit();
  await fillSegments(pg, 2);
  await world.caughtUp();
  await world.stopReceiving();
  const stoppedAt = Date.now();
  await fillSegments(pg, 2);
  const { durable, archived } = await look();
  expect(durable.bytes).toBeGreaterThan(1024 ** 2);
  expect(Date.parse(durable.since!)).toBeLessThanOrEqual(stoppedAt);
  expect(Date.parse(durable.since!)).toBeGreaterThanOrEqual(first.from);
  expect(archived.bytes).toBeGreaterThan(durable.bytes!);
  expectAt(archived.since, first);
  await pg.stop('immediate');
  const gone = await look();
  expect(gone.durable).toMatchObject({ bytes: undefined, reason: 'the server cannot be asked', since: durable.since });
  expect(gone.archived.bytes).toBeUndefined();
  expectAt(gone.archived.since, first);
  await pg.start();
  await world.receive();
  await world.caughtUp();
  expect((await look()).durable).toMatchObject({ bytes: 0, seconds: 0 });
});
