/** Steps 1 and 2: a server with work to lose, and the base backup that a restore begins with. */
import { join } from 'node:path';
import { type Cluster, serverUser, startCluster } from '@walvault/testkit';
import type { Stage } from '../stage.ts';

/** The role that walvault connects as: it may stream WAL and nothing else. */
export const streamingRole = 'streaming_barman';

/** A fresh cluster of PostgreSQL 18. The caller disposes of it. */
export async function startServer(stage: Stage): Promise<Cluster> {
  stage.step('Start PostgreSQL 18 in a temporary folder:', 'a real server, nothing in this demo is simulated.');
  const pg = await startCluster({ major: 18, settings: { log_replication_commands: false } });
  stage.rememberLog('the server', async () => pg.log());
  await pg.query(`create role ${streamingRole} login replication`);
  const owner = serverUser() === undefined ? '' : `, as user ID ${serverUser()?.uid}, since PostgreSQL refuses to run as root`;
  stage.narrator.note(`PostgreSQL ${pg.version} on ${pg.host}:${pg.port}, WAL segments of ${pg.segmentSizeMb} MiB${owner}`);
  return pg;
}

/** Copies the data directory while the server is down; the path of the copy. */
export async function takeBase(stage: Stage, pg: Cluster, directory: string): Promise<string> {
  stage.step(
    'Stop it, copy its data directory, start it again:',
    'the copy is the base of the restore. Whatever happens from now on exists only as WAL.',
  );
  const base = join(directory, 'base');
  await pg.stop();
  await pg.coldCopy(base);
  await pg.start();
  return base;
}
