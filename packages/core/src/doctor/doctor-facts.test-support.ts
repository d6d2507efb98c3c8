/** Facts of a server with which all is well, to change one thing at a time. */
import type { HostProbe } from '@walvault/protocol';
import { resolveConnection } from '@walvault/protocol';
import { parseLsn, toTimelineId, toWalSegmentSize } from '@walvault/wal';
import { configured } from '../configured.test-support.ts';
import type { SqlFacts } from '../observing/server-observation.ts';
import type { DoctorFacts } from './doctor-facts.ts';
import type { HereFacts } from './look-here.ts';
import type { Way } from './walk-to-server.ts';

const lsn = parseLsn('0/5000000');

/** What a primary says with which all is well. */
export const healthySql: SqlFacts = {
  version: '18.4',
  versionNumber: 180_004,
  systemIdentifier: 7n,
  isInRecovery: false,
  timelineId: toTimelineId(2),
  currentLsn: lsn,
  flushLsn: lsn,
  currentWalFile: undefined,
  walSegmentSize: toWalSegmentSize(16 * 1024 ** 2),
  dataDirectory: '/data',
  startedAt: new Date(0),
  clockAheadMs: 3,
  role: {
    name: 'barman',
    isSuperuser: false,
    mayReplicate: false,
    mayMonitor: true,
    mayBackup: true,
    maySwitchWal: true,
    mayCheckpoint: true,
  },
  settings: new Map([
    ['wal_level', 'replica'],
    ['max_wal_senders', '10'],
    ['max_replication_slots', '10'],
    ['wal_keep_size', '0'],
    ['max_slot_wal_keep_size', '-1'],
    ['idle_replication_slot_timeout', '0'],
    ['synchronous_standby_names', ''],
  ]),
  pendingRestart: [],
  slot: undefined,
  slotCount: 1,
  walSenders: [],
  archiver: {
    archivedCount: 0,
    lastArchivedWal: undefined,
    lastArchivedTime: undefined,
    failedCount: 0,
    lastFailedWal: undefined,
    lastFailedTime: undefined,
    statsReset: undefined,
    archivedPerHour: undefined,
  },
};

const nothingHere: HereFacts = {
  uid: 1000,
  identityPath: '/vault/pg/identity.json',
  identity: { systemIdentifier: 7n, version: '18' },
  directories: [],
  closedFiles: [],
  locks: [],
  receiver: undefined,
  holes: [],
  survey: undefined,
  waiting: { streaming: { count: 0, oldestMs: undefined }, incoming: { count: 0, oldestMs: undefined } },
  failures: [],
  placingTrouble: undefined,
  end: undefined,
};

/** Changes to the facts of a healthy server; `settings` are those of the server. */
export interface FactChanges {
  readonly sql?: Partial<SqlFacts> | undefined;
  readonly settings?: Readonly<Record<string, string>> | undefined;
  readonly here?: Partial<HereFacts> | undefined;
  /** Lines of the server's section. */
  readonly section?: string | undefined;
}

/** The facts, with the changes. */
export async function factsWith(changes: FactChanges = {}): Promise<DoctorFacts> {
  const base = 'conninfo = host=db user=barman\nstreaming_archiver = on\nslot_name = barman\n';
  await using configuration = await configured(`${base}${changes.section ?? ''}`);
  const settings = new Map([...healthySql.settings, ...Object.entries(changes.settings ?? {})]);
  return {
    server: configuration.pg,
    warnings: [],
    streaming: undefined,
    ordinary: undefined,
    sql: { ...healthySql, settings, ...changes.sql },
    here: { ...nothingHere, ...changes.here },
  };
}

/** A way to a server that was reached, and what it ended with. */
export async function wayTo(host: Partial<HostProbe>, trouble: unknown, conninfo = 'host=db user=barman'): Promise<Way<never>> {
  const probe: HostProbe = { host: 'db', port: 5432, isUnixSocket: false, error: undefined, addresses: [], ...host };
  return {
    option: 'streaming_conninfo',
    purpose: 'replication',
    parameters: await resolveConnection(conninfo, { environment: {}, replication: true }),
    notices: [],
    hosts: [probe],
    answer: undefined,
    tlsVersion: undefined,
    trouble,
  };
}
