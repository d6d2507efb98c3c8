/**
 * A configuration with many servers that nobody listens for, each with its directories and what a receiver has published last. The first one
 * has an archive of very many segments, all catalogued.
 */
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeSyntheticArchive } from '../find/synthetic-archive.ts';

/** Name of the server with the large archive. */
export const largeServer = 'large';

/** Makes it in an empty directory. @returns the configuration file */
export async function makeManyServers(
  home: string,
  { servers, segments }: { servers: number; segments: number },
): Promise<string> {
  const names = [largeServer, ...Array.from({ length: servers - 1 }, (_, index) => `server-${index + 1}`)];
  for (const name of names) {
    for (const directory of ['wals', 'streaming']) await mkdir(join(home, name, directory), { recursive: true });
    await writeFile(join(home, name, 'receive-wal.json'), JSON.stringify(stateOf(name)));
  }
  await makeSyntheticArchive(join(home, largeServer), segments);
  // The program runs as another user when the bench is root's, and whoever reads a catalogue opens its files for writing.
  for (const name of ['', 'walvault.sqlite']) await chmod(join(home, largeServer, name), 0o777);
  const configFile = join(home, 'walvault.conf');
  await writeFile(configFile, [`[barman]\nbarman_home = ${home}`, ...names.map(sectionOf)].join('\n\n'));
  return configFile;
}

/** Port 1 refuses at once. */
function sectionOf(name: string): string {
  const nobody = 'host=127.0.0.1 port=1 user=barman';
  return `[${name}]\nconninfo = ${nobody}\nstreaming_conninfo = ${nobody}\nstreaming_archiver = on\nslot_name = barman`;
}

const buckets = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000];
const lsn = '0/3000148';

/** Of a receiver that was killed while all was well. */
function stateOf(server: string): object {
  const at = new Date().toISOString();
  return {
    version: 1,
    server,
    pid: 1,
    phase: 'streaming',
    phaseSince: at,
    startedAt: at,
    updatedAt: at,
    lastMessageAt: at,
    systemIdentifier: '7711030578120921605',
    serverVersion: 180_004,
    walSegmentSize: 16_777_216,
    slotName: 'barman',
    syncState: 'async',
    timelineId: 1,
    writtenLsn: lsn,
    verifiedLsn: lsn,
    flushedLsn: lsn,
    acknowledgedLsn: lsn,
    serverLsn: lsn,
    partialName: '000000010000000000000003.partial',
    receivedBytes: 512,
    bytesPerSecond: 17,
    segmentsCompleted: 12,
    reconnects: 3,
    failedAttempts: 0,
    gapPolicy: 'stop',
    holes: [],
    flushLatency: { count: 9, sumMs: 12, p50Ms: 1, p99Ms: 2, maxMs: 2, buckets: buckets.map((upToMs) => ({ upToMs, count: 9 })) },
    slotSafety: { level: 'ok', retainedBytes: 52_428_800, safeBytes: null, reason: 'keeps 50MB of WAL' },
  };
}
