/**
 * A server whose commits can wait for a receiver: one name is its only synchronous standby, but nobody waits for it who does not
 * ask for it, so that the bench itself never hangs where there is no receiver. It runs with fsync, on the disk that the receiver
 * writes to unless told otherwise.
 */
import { type Cluster, type PostgresMajor, type Settings, startCluster } from '@walvault/testkit';

/** Name of the only synchronous standby. */
export const standbyName = 'bench_standby';

/** For the environment of a libpq program, or as `options` of a connection: this one waits for the standby, or does not. */
export const commitOptions = {
  synchronous: '-c synchronous_commit=on',
  local: '-c synchronous_commit=local',
} as const;

/** How a server differs from the ordinary one. */
export interface CommitServerOptions {
  readonly major: PostgresMajor;
  readonly segmentSizeMb?: number | undefined;
  readonly settings?: Settings | undefined;
}

/** Starts the server. No checkpoint comes while it is measured, unless a lot of WAL is written. */
export async function startCommitServer({ major, segmentSizeMb, settings }: CommitServerOptions): Promise<Cluster> {
  return startCluster({
    major,
    segmentSizeMb,
    settings: {
      synchronous_standby_names: standbyName,
      synchronous_commit: 'local',
      shared_buffers: '256MB',
      max_wal_size: '16GB',
      checkpoint_timeout: '1d',
      ...settings,
    },
  });
}
