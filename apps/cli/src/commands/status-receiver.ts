/** What `status` says of the receiver: what Barman has no line for. */
import {
  isReportedError,
  judgeSlotSafety,
  type ReceiverState,
  type ReportedError,
  type ServerStatus,
  type WalSender,
} from '@walvault/core/observing';
import { formatAge, formatBytes } from '../format.ts';
import type { Fact } from './status-fact.ts';

/** The lines. */
export function receiverFacts(status: ServerStatus): readonly Fact[] {
  if (status.server.passive) return [];
  const { receiver, receiverTrouble } = status.files;
  const first: Fact = { key: 'receiver', description: 'Receiver', message: receiverWord(status) };
  if (receiver === undefined) return [first, ...slotFacts(status), ...troubleFacts(receiverTrouble)];
  return [
    first,
    ...waitFacts(receiver),
    ...progressFacts(status, receiver),
    ...slotFacts(status),
    ...syncFacts(status, receiver),
    ...errorFacts(receiver),
  ];
}

function receiverWord({ server, files: { receiver, receiverTrouble, receiverPid } }: ServerStatus): string {
  if (receiverPid !== undefined) return `${receiver?.pid === receiverPid ? receiver.phase : 'starting'} (pid ${receiverPid})`;
  if (!server.streamingArchiver) return 'off (streaming_archiver = off)';
  if (receiver === undefined)
    return `not running (${receiverTrouble === undefined ? 'never started' : 'its state cannot be read'})`;
  const how = receiver.phase === 'stopped' || receiver.phase === 'failed' ? receiver.phase : 'died';
  return `not running (${how} ${formatAge(receiver.updatedAt)})`;
}

/** Why nothing more is told of it. */
function troubleFacts(trouble: ReportedError | undefined): readonly Fact[] {
  if (trouble === undefined) return [];
  const fact = { key: 'last_error', description: 'Last error', message: `${trouble.code}: ${trouble.message}` };
  const { hint } = trouble;
  return hint === null ? [fact] : [fact, { key: 'last_error_hint', description: 'What to do', message: hint }];
}

/** What the server keeps for us, and how near that is to its end. */
function slotFacts({ server, observation: { sql, streaming } }: ServerStatus): readonly Fact[] {
  const { slotName } = server;
  const description = 'Replication slot';
  if (slotName === undefined) return [{ key: 'slot_name', description, message: 'none' }];
  if (isReportedError(sql)) {
    const isThere = !isReportedError(streaming) && streaming.slot !== undefined;
    return [{ key: 'slot_name', description, message: isThere ? `${slotName} (there)` : `${slotName} (state unknown)` }];
  }
  const { slot } = sql;
  if (slot === undefined) return [{ key: 'slot_name', description, message: `${slotName} (does not exist)` }];
  const state = [slot.active === true ? 'active' : 'not active', slot.invalidationReason ?? slot.walStatus];
  const { level, retainedBytes, safeBytes, reason } = judgeSlotSafety(slot, server);
  const facts: Fact[] = [
    { key: 'slot_name', description, message: `${slotName} (${state.filter((word) => word !== undefined).join(', ')})` },
    {
      key: 'slot_retained',
      description: 'WAL kept by the slot',
      message: retainedWords(retainedBytes, safeBytes),
      value: retainedBytes,
    },
  ];
  if (level !== 'ok') facts.push({ key: 'slot_safety', description: 'Slot in danger', message: `${level}: it ${reason}` });
  return facts;
}

function retainedWords(retained: number | undefined, safe: number | undefined): string {
  const kept = retained === undefined ? 'none' : formatBytes(Math.max(0, retained));
  return safe === undefined ? `${kept} (no limit)` : `${kept} (${formatBytes(safe)} more until it is in danger)`;
}

/** What it waits for, as long as it does. */
function waitFacts({ phase, nextAttemptAt, failedAttempts, troubleSince }: ReceiverState): readonly Fact[] {
  if (phase !== 'waiting' || nextAttemptAt === null || troubleSince === null) return [];
  const seconds = Math.max(0, Math.round((Date.parse(nextAttemptAt) - Date.now()) / 1000));
  const message = `in ${seconds} s (${failedAttempts} without success; trouble began ${formatAge(troubleSince)})`;
  return [{ key: 'next_attempt', description: 'Next attempt', message, value: failedAttempts }];
}

function progressFacts({ rpo: { lag } }: ServerStatus, receiver: ReceiverState): readonly Fact[] {
  const { writtenLsn, flushedLsn, acknowledgedLsn, timelineId, bytesPerSecond, lastMessageAt } = receiver;
  const facts: Fact[] = [];
  if (writtenLsn !== null && flushedLsn !== null) {
    facts.push(
      { key: 'received_lsn', description: 'Received up to', message: `${writtenLsn} (timeline ${timelineId})` },
      { key: 'durable_lsn', description: 'Durable up to', message: flushedLsn },
      { key: 'acknowledged_lsn', description: 'Acknowledged up to', message: acknowledgedLsn ?? 'unknown' },
    );
  }
  const { bytes } = lag;
  if (bytes !== undefined)
    facts.push({ key: 'lag_bytes', description: 'Lag', message: `${formatBytes(bytes)} not durable here`, value: bytes });
  facts.push(
    { key: 'receive_rate', description: 'Receive rate', message: `${formatBytes(bytesPerSecond)}/s`, value: bytesPerSecond },
    {
      key: 'last_message',
      description: 'Last message from the server',
      message: lastMessageAt === null ? 'none yet' : formatAge(lastMessageAt),
    },
    { key: 'flush_latency', description: 'Flush latency', message: latencyWords(receiver) },
  );
  return facts;
}

function syncFacts(status: ServerStatus, receiver: ReceiverState): readonly Fact[] {
  return [{ key: 'sync_state', description: 'Synchronous state', message: syncStateOf(status, receiver) }];
}

/** While WAL flows the last error is over, and nothing is to be done about it. */
function errorFacts(receiver: ReceiverState): readonly Fact[] {
  const fact = { key: 'last_error', description: 'Last error', message: errorWords(receiver) };
  const hint = receiver.phase === 'streaming' ? undefined : (receiver.lastError?.hint ?? undefined);
  return hint === undefined ? [fact] : [fact, { key: 'last_error_hint', description: 'What to do', message: hint }];
}

/** What the server says now of who streams by our slot, or else what the receiver was told within the last minute. */
function syncStateOf({ server, observation: { sql } }: ServerStatus, receiver: ReceiverState): string {
  const senders: readonly WalSender[] = isReportedError(sql) ? [] : sql.walSenders;
  const ours = senders.find(({ slotName }) => slotName !== undefined && slotName === server.slotName);
  return ours?.syncState ?? receiver.syncState ?? 'unknown';
}

function latencyWords({ flushLatency: { count, p50Ms, p99Ms, maxMs } }: ReceiverState): string {
  return count === 0 ? 'no flush yet' : `median ${p50Ms} ms, p99 ${p99Ms} ms, longest ${maxMs} ms, ${count} flushes`;
}

function errorWords({ lastError }: ReceiverState): string {
  return lastError === null ? 'none' : `${lastError.code}: ${lastError.message} (${formatAge(lastError.at)})`;
}
