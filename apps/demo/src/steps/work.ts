/** Step 5: clients commit, WAL flows, segments are archived, and the figures show it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { listServerArchive } from '@walvault/core';
import type { Cluster } from '@walvault/testkit';
import { count } from '../figures.ts';
import { Load, startLoad } from '../load.ts';
import type { Stage } from '../stage.ts';
import { whileWatching } from '../watch.ts';
import { workFrame } from '../work-frame.ts';
import { type Archive, serverName } from './start-receiver.ts';

const archiveEveryMs = 1500;

/** Starts the clients and lets them work for the time that was asked for. They still work when this returns; the caller stops them. */
export async function work(stage: Stage, pg: Cluster, archive: Archive): Promise<Load> {
  const { narrator, options } = stage;
  stage.step(
    `Let ${Load.clients} clients commit for ${options.seconds} s:`,
    'each remembers every commit that the server acknowledged. Meanwhile archive-wal moves finished segments to the archive.',
  );
  await using stack = new AsyncDisposableStack();
  const load = stack.use(await startLoad(pg));
  const segmentsBefore = await archivedSegments(archive);
  const runs = await watched(stage, archive, load);
  const segments = (await archivedSegments(archive)) - segmentsBefore;
  narrator.command(`walvault archive-wal ${serverName}`, `(${count(runs, 'time')}: ${count(segments, 'segment')} archived)`);
  if (load.commits === 0) throw new Error(`not one commit was acknowledged in ${options.seconds} s`);
  stack.move();
  return load;
}

/** Archives now and then while the clients work, under live figures; how often. */
async function watched(stage: Stage, archive: Archive, load: Load): Promise<number> {
  const startedAt = performance.now();
  const totalMs = stage.options.seconds * 1000;
  using view = stage.narrator.live();
  const look = async () => {
    const [state, segments] = [await archive.receiver(), await archivedSegments(archive)];
    const elapsedMs = performance.now() - startedAt;
    view.show(workFrame({ elapsedMs, totalMs, state, commits: load.commits, segments }, stage.narrator.paint));
  };
  return await whileWatching(look, async () => archiveUntil(startedAt + totalMs, { stage, archive, load }));
}

interface Working {
  readonly stage: Stage;
  readonly archive: Archive;
  readonly load: Load;
}

async function archiveUntil(deadline: number, { stage, archive, load }: Working): Promise<number> {
  for (let runs = 0; ; runs += 1) {
    const leftMs = Math.max(0, deadline - performance.now());
    await sleep(Math.min(archiveEveryMs, leftMs), undefined, { signal: stage.signal });
    load.mustBeWell();
    await archive.receiver();
    if (performance.now() >= deadline) return runs;
    await archive.walvault.run('archive-wal', serverName);
  }
}

async function archivedSegments({ server }: Archive): Promise<number> {
  const { timelines } = await listServerArchive(server);
  return timelines.reduce((sum, timeline) => sum + timeline.count, 0);
}
