/** Steps 6 and 7: the server dies in the middle of its work, its data is gone, and the archive is brought to rest. */
import { globSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { statePath } from '@walvault/core';
import type { Acknowledged, Cluster } from '@walvault/testkit';
import { count } from '../figures.ts';
import type { Load } from '../load.ts';
import type { Stage } from '../stage.ts';
import { until } from '../watch.ts';
import { type Archive, serverName } from './start-receiver.ts';

const noticeTimeoutMs = 60_000;

/** Kills the server under its clients and removes its data; what the clients know to be committed. */
export async function destroyServer(stage: Stage, pg: Cluster, load: Load): Promise<Acknowledged> {
  stage.step(
    'Kill the server (SIGKILL) under its clients, destroy its data directory:',
    'no shutdown, no last words. What walvault has not got is gone for ever.',
  );
  await pg.kill();
  const acknowledged = await load.stop();
  await pg.destroyData();
  const unsure = unsureCommits(acknowledged);
  const inFlight =
    unsure === 0 ? '' : `; ${count(unsure, 'more commit')} under way and not acknowledged, which may survive or not`;
  stage.narrator.note(`${count(acknowledged.count, 'commit')} had been acknowledged${inFlight}`);
  return acknowledged;
}

/** Commits that were sent and never answered. */
export function unsureCommits({ clients }: Acknowledged): number {
  return clients.reduce((sum, { unsure }) => sum + unsure.length, 0);
}

/** Stops the receiver, which waits for a server that will not come back, and archives what is complete. */
export async function bringToRest(stage: Stage, archive: Archive): Promise<void> {
  stage.step(
    'Stop the receiver and archive the rest:',
    'the last segment is incomplete and stays in the streaming directory, where the restore finds it.',
  );
  const { narrator, signal } = stage;
  const hasNoticed = async () => (await archive.receiver())?.phase !== 'streaming';
  await until(hasNoticed, { what: 'the receiver to notice that the server is gone', timeoutMs: noticeTimeoutMs, signal });
  const state = await archive.receiver();
  narrator.note(`The receiver is ${state?.phase} (${state?.lastError?.message}); on disk up to ${state?.flushedLsn}`);
  await archive.stopReceiver();
  await archive.walvault.tell(narrator, 'archive-wal', serverName);
  if (stage.options.sabotage) await sabotage(stage, archive);
}

/**
 * Removes the end of the archive behind everybody's back: the incomplete segment and the newest complete one, if it is not the only
 * one; and what is on record of them, by which restore-wal would know, and stop PostgreSQL.
 */
async function sabotage({ narrator }: Stage, { server }: Archive): Promise<void> {
  const { streaming, wals } = server.directories;
  const partials = globSync(join(streaming, '*.partial'));
  const segments = globSync(join(wals, '*', '????????????????????????')).toSorted();
  for (const path of [...partials, ...segments.slice(1).slice(-1), join(wals, 'xlog.db'), statePath(server)]) {
    await rm(path);
    narrator.trouble(`    --sabotage: deleted ${path}`);
  }
}
