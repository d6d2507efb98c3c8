/** What was found out about a server at its last check: `/checks` and `/clients`. */
import { endOfServer, isReportedError, type WalSender } from '@walvault/core/observing';
import { formatLsn, type Lsn, lsnDistance } from '@walvault/wal';
import type { Sampled, ServerSnapshot } from '../collector/server-snapshot.ts';
import type { CheckList } from '../schema/checks.ts';
import type { ClientList, ReplicationClient } from '../schema/clients.ts';

/** When a sample was taken, as answers have it. */
export function sampledAt(
  server: string,
  sample: Sampled<unknown> | undefined,
  nowMs: number,
): { server: string; sampledAt: string | null; ageMs: number | null; reason: string | null } {
  if (sample === undefined) return { server, sampledAt: null, ageMs: null, reason: 'this was not looked at yet' };
  return { server, sampledAt: new Date(sample.at).toISOString(), ageMs: Math.max(0, nowMs - sample.at), reason: null };
}

/** See {@link CheckList}. */
export function checksView({ server, inspection }: ServerSnapshot, nowMs: number): CheckList {
  const results = inspection?.value.results.map(({ name, status, hint, numbers, isOurs }) => ({
    name,
    status,
    hint,
    numbers: { ...numbers },
    isOurs,
  }));
  return { ...sampledAt(server.name, inspection, nowMs), results: results ?? null };
}

/** See {@link ClientList}. */
export function clientsView({ server, inspection }: ServerSnapshot, nowMs: number): ClientList {
  const about = sampledAt(server.name, inspection, nowMs);
  if (inspection === undefined) return { ...about, clients: null };
  const { facts } = inspection.value;
  if (facts === undefined) return { ...about, reason: 'the server was not asked in time', clients: null };
  const { observation } = facts;
  if (isReportedError(observation.sql)) return { ...about, reason: observation.sql.message, clients: null };
  const end = endOfServer(observation);
  const view = (sender: WalSender): ReplicationClient => clientView(sender, typeof end === 'string' ? undefined : end.lsn);
  const clients = observation.sql.walSenders.map((sender) => {
    const isOurs = sender.applicationName === server.streamingArchiverName && sender.slotName === server.slotName;
    return { ...view(sender), isOurs };
  });
  return { ...about, clients };
}

function clientView(sender: WalSender, endLsn: Lsn | undefined): ReplicationClient {
  const { flushLsn } = sender;
  return {
    pid: sender.pid,
    userName: sender.userName ?? null,
    applicationName: sender.applicationName ?? null,
    clientAddress: sender.clientAddress ?? null,
    state: sender.state ?? null,
    syncState: sender.syncState ?? null,
    slotName: sender.slotName ?? null,
    backendStart: sender.backendStart?.toISOString() ?? null,
    sentLsn: lsnOrNull(sender.sentLsn),
    writeLsn: lsnOrNull(sender.writeLsn),
    flushLsn: lsnOrNull(flushLsn),
    replayLsn: lsnOrNull(sender.replayLsn),
    behindBytes: endLsn === undefined || flushLsn === undefined ? null : Math.max(0, lsnDistance(flushLsn, endLsn)),
    writeLagMs: sender.writeLagMs ?? null,
    flushLagMs: sender.flushLagMs ?? null,
    replayLagMs: sender.replayLagMs ?? null,
    replyTime: sender.replyTime?.toISOString() ?? null,
    isOurs: false,
  };
}

function lsnOrNull(lsn: Lsn | undefined): string | null {
  return lsn === undefined ? null : formatLsn(lsn);
}
