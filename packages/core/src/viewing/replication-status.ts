/** Who streams from a server, as it says itself, and what of it is durable here. */
import type { ServerConfig } from '@walvault/config';
import { type Lsn, parseLsn } from '@walvault/wal';
import { type ObserveOptions, observeSql } from '../observing/observe-server.ts';
import type { SqlFacts, WalSender } from '../observing/server-observation.ts';
import { isReportedError, readReceiverState, type ReportedError } from '../receiver-state.ts';
import { statePath } from '../server-paths.ts';
import { pidOf } from '../stop-task.ts';

/** What to show. */
export interface ReplicationStatusOptions extends ObserveOptions {
  /** Who replays what it gets, who does not, or both. */
  readonly target: 'all' | 'hot-standby' | 'wal-streamer';
}

/** The answer. */
export interface ReplicationStatus {
  /** Where the server writes, or has received to where it is a standby itself. */
  readonly currentLsn: Lsn;
  /** Physical ones, synchronous ones first. */
  readonly clients: readonly WalSender[];
  /** Undefined as long as nothing was received. */
  readonly durable: DurableHere | undefined;
}

/** What the receiver of walvault has made durable, as it published it. */
export interface DurableHere {
  readonly lsn: Lsn;
  readonly timelineId: number | undefined;
  /** ISO 8601. */
  readonly publishedAt: string;
  /** PID of the receiver; undefined when none runs. */
  readonly receiverPid: number | undefined;
}

/** Asks the server, and the state of the receiver; the error that stands in the way where the server cannot be asked, or does not show it. */
export async function replicationStatus(
  server: ServerConfig,
  options: ReplicationStatusOptions,
): Promise<ReplicationStatus | ReportedError> {
  const [sql, durable] = await Promise.all([observeSql(server, options), durableHere(server)]);
  if (isReportedError(sql)) return sql;
  if (!sql.role.mayMonitor) return notShown(sql);
  const physical = sql.walSenders.filter(({ slotType }) => slotType !== 'logical');
  const wanted = physical.filter(({ replayLsn }) => {
    if (options.target === 'all') return true;
    return (replayLsn === undefined) === (options.target === 'wal-streamer');
  });
  return { currentLsn: sql.currentLsn, clients: wanted, durable };
}

async function durableHere(server: ServerConfig): Promise<DurableHere | undefined> {
  const [state, receiverPid] = await Promise.all([readReceiverState(statePath(server)), pidOf(server, 'receive-wal')]);
  if (state?.flushedLsn == null) return undefined;
  const { flushedLsn, timelineId, updatedAt } = state;
  return { lsn: parseLsn(flushedLsn), timelineId: timelineId ?? undefined, publishedAt: updatedAt, receiverPid };
}

/** Without the right the rows are there and nothing is in them. */
function notShown({ role: { name } }: SqlFacts): ReportedError {
  return {
    code: 'ERR_MISSING_PRIVILEGE',
    message: `role '${name}' may not see pg_stat_replication`,
    hint: `Run on the server, as a superuser: GRANT pg_monitor TO "${name.replaceAll('"', '""')}";`,
    at: new Date().toISOString(),
  };
}
