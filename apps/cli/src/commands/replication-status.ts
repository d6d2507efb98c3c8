/** `replication-status`: who streams from a server. Lines and JSON are Barman's; the lag in time and what is durable here are ours. */
import {
  type DurableHere,
  isReportedError,
  replicationStatus,
  type ReplicationStatus,
  type ServerConfig,
} from '@walvault/core/viewing';
import { formatLsn, lsnDistance } from '@walvault/wal';
import type { CommandContext } from '../context.ts';
import { exitCode } from '../exit-code.ts';
import { formatAge, formatSignedBytes } from '../format.ts';
import { clientLines, clientResult, minimalLine, minimalResult } from './replication-client.ts';

/** Options of the command. */
export interface ReplicationStatusCommandOptions {
  readonly minimal?: boolean | undefined;
  readonly target: 'all' | 'hot-standby' | 'wal-streamer';
  readonly source: 'backup-host' | 'wal-host';
}

const titles = { all: 'streaming clients', 'hot-standby': 'hot standby servers', 'wal-streamer': 'WAL streamers' } as const;
const patienceMs = 10_000;

/** Runs the command; gives the exit code. Several servers are asked at once. */
export async function replicationStatusCommand(
  context: CommandContext,
  serverNames: readonly string[],
  options: ReplicationStatusCommandOptions,
): Promise<number> {
  const servers = await context.servers(serverNames);
  const host = options.source === 'wal-host' ? 'wal' : 'backup';
  const ask = async (server: ServerConfig) =>
    isAsked(server) ? replicationStatus(server, { target: options.target, host, patienceMs, signal: context.stop }) : undefined;
  let worst: number = exitCode.ok;
  for (const [index, status] of (await Promise.all(servers.map(ask))).entries()) {
    const server = servers[index];
    if (server !== undefined && !tell(context, server, status, options)) worst = exitCode.error;
  }
  return worst;
}

function isAsked({ active, passive }: ServerConfig): boolean {
  return active && !passive;
}

/** Whether there was something to tell. */
function tell(
  { output }: CommandContext,
  server: ServerConfig,
  status: Awaited<ReturnType<typeof replicationStatus>> | undefined,
  options: ReplicationStatusCommandOptions,
): boolean {
  if (status === undefined) {
    output.info(`Skipping ${server.active ? 'passive' : 'inactive'} server '${server.name}'`);
    return true;
  }
  if (isReportedError(status)) {
    output.result(server.name, {});
    const isAboutRights = status.code === 'ERR_MISSING_PRIVILEGE';
    const message = isAboutRights ? status.message : `Unable to connect to server ${server.name}: ${status.message}`;
    output.failure(message, status.hint ?? undefined, status.code);
    return false;
  }
  output.result(server.name, resultOf(status, options));
  const lines = options.minimal === true ? minimalLines(server, status, options) : fullLines(server, status, options);
  if (!output.isJson) for (const line of lines) output.info(line);
  return true;
}

function resultOf({ currentLsn, clients, durable }: ReplicationStatus, { target, minimal }: ReplicationStatusCommandOptions) {
  const key = titles[target].toLowerCase().replaceAll(' ', '_');
  return {
    server_lsn: formatLsn(currentLsn),
    [key]: clients.map((client) => (minimal === true ? minimalResult(client) : clientResult(client, currentLsn))),
    ...(clients.length === 0 ? { standby_info: `No ${titles[target]} attached` } : {}),
    durable_here: durable === undefined ? null : durableResult(durable, lsnDistance(currentLsn, durable.lsn)),
  };
}

function durableResult({ lsn, timelineId, publishedAt, receiverPid }: DurableHere, distance: number) {
  return {
    lsn: formatLsn(lsn),
    lsn_diff: formatSignedBytes(distance),
    lsn_diff_bytes: distance,
    timeline: timelineId ?? null,
    published_at: publishedAt,
    receiver_pid: receiverPid ?? null,
  };
}

function minimalLines(
  { name }: ServerConfig,
  { currentLsn, clients }: ReplicationStatus,
  { target }: ReplicationStatusCommandOptions,
): readonly string[] {
  const title = titles[target];
  const head = `${title[0]?.toUpperCase()}${title.slice(1).toLowerCase()} for master '${name}' (LSN @ ${formatLsn(currentLsn)}):`;
  return clients.length === 0 ? [head, `  No ${title} attached`] : [head, ...clients.map(minimalLine)];
}

function fullLines(
  { name }: ServerConfig,
  { currentLsn, clients, durable }: ReplicationStatus,
  { target }: ReplicationStatusCommandOptions,
): readonly string[] {
  const title = titles[target];
  const blocks = clients.flatMap((client, index) => ['', ...clientLines(index + 1, clientResult(client, currentLsn))]);
  return [
    `Status of ${title} for server '${name}':`,
    `  Current LSN on master: ${formatLsn(currentLsn)}`,
    ...(clients.length === 0 ? [`  No ${title} attached`] : [`  Number of ${title}: ${clients.length}`]),
    ...blocks,
    ...(durable === undefined ? [] : ['', durableLine(durable, lsnDistance(currentLsn, durable.lsn))]),
  ];
}

function durableLine({ lsn, publishedAt, receiverPid }: DurableHere, distance: number): string {
  const whose = receiverPid === undefined ? 'by a receiver that does not run any more' : `by the receiver (pid ${receiverPid})`;
  return `  Durable here: ${formatLsn(lsn)} (diff: ${formatSignedBytes(distance)}), published ${formatAge(publishedAt)} ${whose}`;
}
