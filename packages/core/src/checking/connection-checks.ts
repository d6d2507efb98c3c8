/** What Barman checks of the server: connections, role, settings, slot, and that it is the right one. */
import type { ServerConfig } from '@walvault/config';
import type { ReplicationSlot } from '@walvault/slots';
import type { ServerObservation, SqlFacts, StreamingFacts } from '../observing/server-observation.ts';
import { isReportedError, type ReportedError } from '../receiver-state.ts';
import { type CheckResult, failed, judged, passed } from './check-result.ts';
import type { CheckFacts } from './check-facts.ts';

const ofWalHost = ' (WAL streaming)';

/** The server of `conninfo`, and the one that WAL comes from where that is another. */
export function connections(facts: CheckFacts): readonly CheckResult[] {
  const { server, observation, backupHost } = facts;
  if (backupHost === undefined) {
    return [
      ...sqlConnection(server.conninfo, observation.sql),
      ...streaming(server, observation, ''),
      ...slotOf(server, observation, ''),
    ];
  }
  return [
    ...sqlConnection(server.conninfo, backupHost.sql),
    ...streaming(server, backupHost, ''),
    ...monitoring(observation.sql),
    ...streaming(server, observation, ofWalHost),
    ...coherence(facts, observation, ofWalHost),
    ...slotOf(server, observation, ofWalHost),
  ];
}

/** Without `conninfo` all that is asked is asked of the walsender. */
function sqlConnection(conninfo: string | undefined, sql: SqlFacts | ReportedError): readonly CheckResult[] {
  const name = 'PostgreSQL';
  if (conninfo === undefined) return [passed(name, 'no conninfo provided')];
  return [isReportedError(sql) ? failed(name, sql.message) : passed(name)];
}

function streaming(server: ServerConfig, { streaming: walsender, sql }: ServerObservation, of: string): readonly CheckResult[] {
  if (!server.streamingArchiver && server.streamingConninfo === server.conninfo) return walLevel(sql, of);
  const name = `PostgreSQL streaming${of}`;
  return [isReportedError(walsender) ? failed(name, walsender.message) : passed(name), ...walLevel(sql, of)];
}

function walLevel(sql: SqlFacts | ReportedError, of: string): readonly CheckResult[] {
  if (isReportedError(sql)) return [];
  const isEnough = sql.settings.get('wal_level') !== 'minimal';
  return [judged(`wal_level${of}`, isEnough, "please set it to a higher level than 'minimal'")];
}

function monitoring(sql: SqlFacts | ReportedError): readonly CheckResult[] {
  if (isReportedError(sql)) return [failed(`PostgreSQL${ofWalHost}`, sql.message)];
  if (sql.role.mayMonitor) return [passed(`has monitoring privileges${ofWalHost}`)];
  const hint = `privileges for PostgreSQL monitoring functions are required: GRANT pg_monitor TO "${sql.role.name}"`;
  return [failed(`no access to monitoring functions${ofWalHost}`, hint)];
}

function slotOf(server: ServerConfig, observation: ServerObservation, of: string): readonly CheckResult[] {
  const { slotName, streamingArchiver } = server;
  if (slotName === undefined) return [];
  const seen = slotSeen(observation);
  const name = `replication slot${of}`;
  if (seen === 'unknown') return [];
  if (!streamingArchiver) return unneededSlot(name, seen);
  const missing = `replication slot '${slotName}' doesn't exist. Please execute 'walvault receive-wal --create-slot ${server.name}'`;
  if (seen === undefined) return [failed(name, missing)];
  if (seen.restartLsn === undefined) return [failed(name, `slot '${slotName}' not initialised: is 'receive-wal' running?`)];
  return [judged(name, seen.active !== false, `slot '${slotName}' not active: is 'receive-wal' running?`)];
}

function unneededSlot(name: string, slot: ReplicationSlot | undefined): readonly CheckResult[] {
  if (slot === undefined) return [];
  const state = slot.active === true ? 'active' : 'initialised';
  return [passed(name, `WARNING: slot '${slot.slotName}' is ${state} but not required by the current config`)];
}

/** SQL tells more of a slot than a walsender, which tells nothing of it before PostgreSQL 15. */
function slotSeen({ sql, streaming: walsender }: ServerObservation): ReplicationSlot | undefined | 'unknown' {
  if (!isReportedError(sql)) return sql.slot;
  return isReportedError(walsender) || walsender.versionNumber < 150_000 ? 'unknown' : walsender.slot;
}

/** `primary_conninfo`: conninfo leads to a standby, and that to its primary. */
export function standby({ server, backupHost, observation, primary }: CheckFacts): readonly CheckResult[] {
  const { sql } = backupHost ?? observation;
  if (server.primaryConninfo === undefined || primary === undefined || isReportedError(sql)) return [];
  const first = judged(
    'PostgreSQL server is standby',
    sql.isInRecovery,
    'conninfo should point to a standby server if primary_conninfo is set',
  );
  const second = 'Primary server is not a standby';
  if (isReportedError(primary)) return [first, failed(second, primary.message)];
  return [
    first,
    judged(second, !primary.isInRecovery, 'primary_conninfo should point to a primary server, not a standby'),
    judged(
      'Primary and standby have same system ID',
      primary.systemIdentifier === sql.systemIdentifier,
      'primary_conninfo and conninfo should point to primary and standby servers which share the same system identifier',
    ),
  ];
}

/** Both connections lead to the same cluster, and it is the one that the directories belong to. */
export function systemIdCoherence(facts: CheckFacts): readonly CheckResult[] {
  return coherence(facts, facts.backupHost ?? facts.observation, '');
}

function coherence(
  { server, files }: CheckFacts,
  { streaming: walsender, sql }: ServerObservation,
  of: string,
): readonly CheckResult[] {
  const name = `systemid coherence${of}`;
  const [byStreaming, bySql] = [idOf(walsender), idOf(sql)];
  if (byStreaming !== undefined && bySql !== undefined && byStreaming !== bySql)
    return [failed(name, 'is the streaming DSN targeting the same server of the PostgreSQL connection string?')];
  const id = byStreaming ?? bySql;
  if (id === undefined) return [passed(name, 'no system Id available')];
  const { identity } = files;
  if (identity === undefined) return [passed(name, 'no system Id stored on disk')];
  if ('message' in identity) return [failed(name, identity.message)];
  const path = `${server.directories.backup}/identity.json`;
  const hint = `the system Id of the connected PostgreSQL server changed, stored in "${path}"`;
  return [judged(name, identity.systemIdentifier === id, hint)];
}

function idOf(part: StreamingFacts | SqlFacts | ReportedError): bigint | undefined {
  return isReportedError(part) ? undefined : part.systemIdentifier;
}
