/** One client of replication-status, as Barman's JSON has it, and its console lines made from that. */
import type { WalSender } from '@walvault/core/viewing';
import { formatLsn, type Lsn, lsnDistance } from '@walvault/wal';
import { formatSignedBytes } from '../format.ts';

/** How a client is called, and how far it is behind, in steps of safety. */
interface Judgement {
  readonly kind: 'WAL streamer' | 'standby';
  readonly stage: string;
}

/** All of a client. LSNs that it does not tell are left out, as by Barman; lags are ours, in milliseconds. */
export function clientResult(client: WalSender, currentLsn: Lsn) {
  const { kind, stage } = judge(client, currentLsn);
  const priority = client.syncPriority ?? 0;
  const syncState = client.syncState ?? 'async';
  return {
    name: `${priority > 0 ? `#${priority} ` : ''}${capitalized(syncState)} ${kind}`,
    application_name: client.applicationName ?? '',
    sync_stage: stage,
    ...place(client),
    user_name: client.userName ?? '',
    current_state: client.state ?? null,
    current_sync_state: syncState,
    ...(client.slotName === undefined ? {} : { replication_slot: client.slotName }),
    wal_sender_pid: client.pid,
    started_at: client.backendStartText === undefined ? null : timeOf(client.backendStartText),
    ...(client.backendXmin === undefined ? {} : { standbys_xmin: client.backendXmin }),
    ...distances('sent', client.sentLsn, currentLsn),
    ...distances('write', client.writeLsn, currentLsn),
    ...distances('flush', client.flushLsn, currentLsn),
    ...distances('replay', client.replayLsn, currentLsn),
    sync_priority: priority,
    write_lag_ms: client.writeLagMs ?? null,
    flush_lag_ms: client.flushLagMs ?? null,
    // What the server makes of it for somebody who replays nothing is only the time of its last report.
    replay_lag_ms: (client.replayLsn === undefined ? undefined : client.replayLagMs) ?? null,
  };
}

/** A client by what `--minimal` shows. */
export function minimalResult(client: WalSender) {
  const common = {
    user_name: client.userName ?? '',
    client_addr: client.clientAddress ?? 'socket',
    sent_lsn: textOf(client.sentLsn),
    sync_priority: client.syncPriority ?? 0,
    application_name: client.applicationName ?? '',
  };
  if (client.replayLsn === undefined) return { ...common, write_lsn: textOf(client.writeLsn) };
  return { ...common, sync_state: letterOf(client), flush_lsn: textOf(client.flushLsn), replay_lsn: textOf(client.replayLsn) };
}

/** The same as one line. */
export function minimalLine(client: WalSender, index: number): string {
  const { userName, clientAddress, sentLsn, writeLsn, flushLsn, replayLsn, syncPriority, applicationName } = client;
  const who = `${userName}@${clientAddress ?? 'socket'} S:${textOf(sentLsn)}`;
  const rest = `P:${syncPriority ?? 0} AN:${applicationName}`;
  if (replayLsn === undefined) return `  ${index + 1}. W) ${who} W:${textOf(writeLsn)} ${rest}`;
  return `  ${index + 1}. ${letterOf(client)}) ${who} F:${textOf(flushLsn)} R:${textOf(replayLsn)} ${rest}`;
}

/** The lines of a client. */
export function clientLines(number: number, client: ReturnType<typeof clientResult>): readonly string[] {
  const { communication, ...facts } = client;
  const address =
    'ip_address' in facts ? [`IP Address      : ${facts.ip_address} / Port: ${facts.port} / Host: ${facts.host ?? '-'}`] : [];
  const lines = [
    `Application name: ${facts.application_name}`,
    `Sync stage      : ${facts.sync_stage}`,
    `Communication   : ${communication}`,
    ...address,
    `User name       : ${facts.user_name}`,
    `Current state   : ${facts.current_state} (${facts.current_sync_state})`,
    ...(facts.replication_slot === undefined ? [] : [`Replication slot: ${facts.replication_slot}`]),
    `WAL sender PID  : ${facts.wal_sender_pid}`,
    `Started at      : ${facts.started_at}`,
    ...(facts.standbys_xmin === undefined ? [] : [`Standby's xmin  : ${facts.standbys_xmin}`]),
    ...positionLines(facts),
    ...lagLine('Write lag ', facts.write_lag_ms),
    ...lagLine('Flush lag ', facts.flush_lag_ms),
    ...lagLine('Replay lag', facts.replay_lag_ms),
  ];
  return [`  ${number}. ${facts.name}`, ...lines.map((line) => `     ${line}`)];
}

function positionLines(facts: Readonly<Record<string, unknown>>): readonly string[] {
  const known = ['sent', 'write', 'flush', 'replay'].filter((what) => `${what}_lsn` in facts);
  return known.map((what) => {
    const label = `${capitalized(what)} LSN`.padEnd(10);
    return `${label} : ${String(facts[`${what}_lsn`])} (diff: ${String(facts[`${what}_lsn_diff`])})`;
  });
}

function lagLine(label: string, lagMs: number | null): readonly string[] {
  return lagMs === null ? [] : [`${label} : ${lagMs.toFixed(3)} ms`];
}

/** Barman's stages: what the client has of what the server has written. A streamer replays nothing, so it has three of the five. */
function judge({ sentLsn, writeLsn, flushLsn, replayLsn }: WalSender, currentLsn: Lsn): Judgement {
  const isStreamer = replayLsn === undefined;
  const kind = isStreamer ? 'WAL streamer' : 'standby';
  const most = isStreamer ? 3 : 5;
  if (replayLsn === currentLsn) return { kind, stage: '5/5 Hot standby (max)' };
  if (!isStreamer && flushLsn === currentLsn) return { kind, stage: '4/5 2-safe' };
  if (writeLsn === currentLsn) return { kind, stage: `3/${most} Remote write` };
  return { kind, stage: sentLsn === currentLsn ? `2/${most} WAL Sent (min)` : `1/${most} 1-safe` };
}

/** `2026-11-27T10:48:39.0713+00:00` as Python writes it: `2026-11-27 10:48:39.071300+00:00`. */
function timeOf(text: string): string {
  return text.replace('T', ' ').replace(/\.\d+/, (fraction) => fraction.padEnd(7, '0'));
}

function place({ clientAddress, clientPort, clientHostname }: WalSender) {
  if (clientAddress === undefined) return { communication: 'Unix domain socket' };
  return { communication: 'TCP/IP', ip_address: clientAddress, port: clientPort ?? null, host: clientHostname ?? null };
}

function distances(what: 'sent' | 'write' | 'flush' | 'replay', lsn: Lsn | undefined, currentLsn: Lsn) {
  if (lsn === undefined) return {};
  const distance = lsnDistance(currentLsn, lsn);
  return {
    [`${what}_lsn`]: formatLsn(lsn),
    [`${what}_lsn_diff`]: formatSignedBytes(distance),
    [`${what}_lsn_diff_bytes`]: distance,
  };
}

function letterOf({ syncState }: WalSender): string {
  return (syncState ?? 'async')[0]?.toUpperCase() ?? '';
}

function textOf(lsn: Lsn | undefined): string | null {
  return lsn === undefined ? null : formatLsn(lsn);
}

function capitalized(word: string): string {
  return `${word[0]?.toUpperCase()}${word.slice(1)}`;
}
