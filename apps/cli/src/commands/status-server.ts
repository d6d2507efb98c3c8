/** What `status` says of the server itself and its configuration, most of it in Barman's lines. */
import { type ArchiverStatistics, isReportedError, type ServerStatus, type SqlFacts } from '@walvault/core/observing';
import { formatLsn } from '@walvault/wal';
import type { Fact } from './status-fact.ts';

/** The lines. */
export function serverFacts(status: ServerStatus): readonly Fact[] {
  const { server } = status;
  const described =
    server.description === undefined ? [] : [{ key: 'description', description: 'Description', message: server.description }];
  return [
    ...described,
    { key: 'active', description: 'Active', message: server.active ? 'True' : 'False' },
    { key: 'disabled', description: 'Disabled', message: 'False' },
    ...(server.passive ? [] : liveFacts(status)),
    { key: 'passive_node', description: 'Passive node', message: server.passive ? 'True' : 'False' },
    { key: 'retention_policies', description: 'Retention policies', message: retentionWords(status) },
  ];
}

function liveFacts({ server, observation: { sql, streaming } }: ServerStatus): readonly Fact[] {
  const version = { key: 'pg_version', description: 'PostgreSQL version' };
  const sqlFacts = isReportedError(sql) ? [] : ordinaryFacts(sql, server.archiver);
  if (isReportedError(streaming)) {
    if (isReportedError(sql)) return [{ ...version, message: `FAILED trying to get PostgreSQL version (${streaming.message})` }];
    const failure = {
      key: 'streaming_connection',
      description: 'Streaming connection',
      message: `FAILED (${streaming.message})`,
    };
    return [{ ...version, message: numberOf(sql.version) }, ...sqlFacts, failure];
  }
  const { flushLsn, timelineId, systemIdentifier } = streaming;
  return [
    { ...version, message: numberOf(streaming.version) },
    ...sqlFacts,
    { key: 'system_identifier', description: 'System identifier', message: systemIdentifier.toString() },
    { key: 'server_lsn', description: 'Server has written up to', message: `${formatLsn(flushLsn)} (timeline ${timelineId})` },
  ];
}

/** Without what the package adds: `15.18 (Debian 15.18-1)`. */
function numberOf(version: string): string {
  return version.split(' ', 1)[0] ?? version;
}

/** What only SQL tells. */
function ordinaryFacts(sql: SqlFacts, archiver: boolean): readonly Fact[] {
  const state = sql.isInRecovery ? 'in archive recovery' : 'in production';
  const facts: Fact[] = [{ key: 'is_in_recovery', description: 'Cluster state', message: state }];
  const { dataDirectory, currentWalFile } = sql;
  if (dataDirectory !== undefined)
    facts.push({ key: 'data_directory', description: 'PostgreSQL Data directory', message: dataDirectory });
  if (currentWalFile !== undefined)
    facts.push({ key: 'current_xlog', description: 'Current WAL segment', message: currentWalFile });
  return archiver ? [...facts, ...archiverFacts(sql)] : facts;
}

/** How archive_command gets on. */
function archiverFacts({ settings, archiver }: SqlFacts): readonly Fact[] {
  const { failedCount, lastFailedWal, lastFailedTime, archivedPerHour } = archiver;
  const failures =
    lastFailedWal === undefined || lastFailedTime === undefined ? '' : ` (${lastFailedWal} at ${ctime(lastFailedTime)})`;
  const facts: Fact[] = [
    {
      key: 'archive_command',
      description: "PostgreSQL 'archive_command' setting",
      message: settings.get('archive_command') ?? 'None',
    },
    { key: 'last_archived_wal', description: 'Last archived WAL', message: lastArchivedWords(archiver) },
    { key: 'failed_count', description: 'Failures of WAL archiver', message: `${failedCount}${failures}`, value: failedCount },
  ];
  if (archivedPerHour !== undefined && archivedPerHour > 0) {
    const message = `${archivedPerHour.toFixed(2)}/hour`;
    facts.push({
      key: 'server_archived_wals_per_hour',
      description: 'Server WAL archiving rate',
      message,
      value: Number(archivedPerHour.toFixed(2)),
    });
  }
  return facts;
}

function lastArchivedWords({ lastArchivedWal, lastArchivedTime }: ArchiverStatistics): string {
  if (lastArchivedWal === undefined) return 'No WAL segment shipped yet';
  return lastArchivedTime === undefined ? lastArchivedWal : `${lastArchivedWal}, at ${ctime(lastArchivedTime)}`;
}

/** `Fri Nov 27 11:02:03 2026`, as the C library writes it, in local time. */
function ctime(time: Date): string {
  const [day, month, date, year, clock] = time.toString().split(' ');
  return `${day} ${month} ${String(Number(date)).padStart(2)} ${clock} ${year}`;
}

function retentionWords({ server }: ServerStatus): string {
  const retention = server.settings.get('retention_policy')?.text;
  const wal = server.settings.get('wal_retention_policy')?.text;
  if (server.retentionPolicy === undefined && server.walRetentionPolicy.kind === 'main') return 'not enforced';
  return `enforced (mode: auto, retention: ${(retention ?? 'none').toUpperCase()}, WAL retention: ${(wal ?? 'main').toUpperCase()})`;
}
