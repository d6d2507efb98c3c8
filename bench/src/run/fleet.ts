/**
 * Many servers for one `walvault run`. As many real PostgreSQL servers would need more memory than the machine has, so a few clusters stand
 * for them: each section has a slot, a connection and directories of its own, as if it were another server. Half of all are down: nobody
 * listens where they should be.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Cluster,
  type FaultProxy,
  faultProxy,
  type PostgresMajor,
  startCluster,
  type TemporaryDirectory,
  temporaryDirectory,
} from '@walvault/testkit';

/** The servers, by what is the matter with them. Disposing of it ends the clusters and removes everything. */
export interface Fleet extends AsyncDisposable {
  readonly home: string;
  readonly configFile: string;
  /** Streams to all of {@link quiet}. Its segments are small, since a segment that is ended early is filled up with zeros, to each of them. */
  readonly quietCluster: Cluster;
  /** Streams to `flooding` and `slow`. */
  readonly floodingCluster: Cluster;
  /** Before the stream of `slow`. */
  readonly proxy: FaultProxy;
  readonly quiet: readonly string[];
  readonly down: readonly string[];
}

/** What a fleet is made of. */
export interface FleetOptions {
  readonly servers: number;
  readonly major: PostgresMajor;
}

/** Names of those that are not alike. */
export const flooding = 'flooding';
export const slow = 'slow';

/** The least with which there is one of each kind. */
export const leastServers = 6;

/** Starts the clusters and writes the configuration. */
export async function startFleet({ servers, major }: FleetOptions): Promise<Fleet> {
  await using stack = new AsyncDisposableStack();
  const settings = { max_wal_senders: servers + 10, max_replication_slots: servers + 10, wal_keep_size: 0 };
  const directory: TemporaryDirectory = stack.use(await temporaryDirectory('fleet'));
  const quietCluster = stack.use(await startCluster({ major, settings, segmentSizeMb: 1 }));
  const floodingCluster = stack.use(await startCluster({ major, settings: { ...settings, max_wal_size: '4GB' } }));
  const proxy = stack.use(await faultProxy({ target: floodingCluster }));
  const up = Math.floor(servers / 2);
  const quiet = Array.from({ length: up - 2 }, (_, index) => `quiet${index + 1}`);
  const down = Array.from({ length: servers - up }, (_, index) => `down${index + 1}`);
  const slowConninfo = floodingCluster.conninfo({ host: proxy.host, port: proxy.port });
  const sections = [
    ...quiet.map((name) => section(name, quietCluster.conninfo())),
    section(flooding, floodingCluster.conninfo()),
    section(slow, floodingCluster.conninfo(), `streaming_conninfo = ${slowConninfo}\n`),
    ...down.map((name) => section(name, 'host=127.0.0.1 port=1 user=nobody')),
  ];
  const configFile = join(directory.path, 'walvault.conf');
  await writeFile(configFile, [`[barman]\nbarman_home = ${directory.path}\n`, ...sections].join('\n'));
  const owned = stack.move();
  const dispose = { [Symbol.asyncDispose]: () => owned.disposeAsync() };
  return { home: directory.path, configFile, quietCluster, floodingCluster, proxy, quiet, down, ...dispose };
}

function section(name: string, conninfo: string, more = ''): string {
  return `[${name}]\nconninfo = ${conninfo}\nstreaming_archiver = on\nslot_name = ${name}\ncreate_slot = auto\n${more}`;
}
