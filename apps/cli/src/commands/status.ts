/** `status`: what an operator asks first. The lines are Barman's where it has them; it has none for streaming. */
import { isReportedError, type ReceiverState, type RecordedHole, serverStatus, type ServerStatus } from '@walvault/core';
import { formatLsn } from '@walvault/wal';
import type { CommandContext } from '../context.ts';
import { exitCode } from '../exit-code.ts';
import { formatAge, formatBytes } from '../format.ts';

/** One line of the status: a stable key for JSON, words for people, and a number where there is one. */
interface Fact {
  readonly key: string;
  readonly description: string;
  readonly message: string;
  readonly value?: number | undefined;
}

/** Runs the command; gives the exit code. */
export async function statusCommand(context: CommandContext, serverNames: readonly string[]): Promise<number> {
  const { output } = context;
  const servers = await context.servers(serverNames);
  for (const status of await Promise.all(servers.map(serverStatus))) {
    const facts = factsOf(status);
    output.result(
      status.server.name,
      Object.fromEntries(
        facts.map(({ key, description, message, value }) => [
          key,
          value === undefined ? { description, message } : { description, message, value },
        ]),
      ),
    );
    if (output.isJson) continue;
    output.info(`Server ${status.server.name}:`);
    for (const { description, message } of facts) output.info(`\t${description}: ${message}`);
  }
  return exitCode.ok;
}

function factsOf(status: ServerStatus): readonly Fact[] {
  const { server } = status;
  const general: Fact[] = [
    { key: 'active', description: 'Active', message: server.active ? 'True' : 'False' },
    { key: 'description', description: 'Description', message: server.description ?? '' },
  ];
  return [...general, ...liveFacts(status), ...receiverFacts(status), ...archiveFacts(status), ...holeFacts(status)];
}

function liveFacts({ live }: ServerStatus): readonly Fact[] {
  if (isReportedError(live)) {
    return [
      {
        key: 'pg_version',
        description: 'PostgreSQL version',
        message: `FAILED trying to get PostgreSQL version (${live.message})`,
      },
    ];
  }
  return [
    { key: 'pg_version', description: 'PostgreSQL version', message: live.version },
    { key: 'system_identifier', description: 'System identifier', message: live.systemIdentifier.toString() },
    {
      key: 'server_lsn',
      description: 'Server has written up to',
      message: `${formatLsn(live.flushLsn)} (timeline ${live.timelineId})`,
    },
  ];
}

function receiverFacts(status: ServerStatus): readonly Fact[] {
  const { receiver } = status;
  const facts: Fact[] = [{ key: 'receiver', description: 'Receiver', message: receiverWord(status) }];
  if (receiver === undefined) return facts;
  return [...facts, ...waitFacts(receiver), ...progressFacts(status, receiver), ...qualityFacts(receiver)];
}

/** What it waits for, as long as it does. */
function waitFacts({ phase, nextAttemptAt, failedAttempts, troubleSince }: ReceiverState): readonly Fact[] {
  if (phase !== 'waiting' || nextAttemptAt === null || troubleSince === null) return [];
  const seconds = Math.max(0, Math.round((Date.parse(nextAttemptAt) - Date.now()) / 1000));
  const message = `in ${seconds} s (${failedAttempts} without success; trouble began ${formatAge(troubleSince)})`;
  return [{ key: 'next_attempt', description: 'Next attempt', message, value: failedAttempts }];
}

function progressFacts({ lagBytes }: ServerStatus, receiver: ReceiverState): readonly Fact[] {
  const { writtenLsn, flushedLsn, acknowledgedLsn, timelineId, bytesPerSecond, lastMessageAt } = receiver;
  const facts: Fact[] = [];
  if (writtenLsn !== null && flushedLsn !== null) {
    facts.push(
      { key: 'received_lsn', description: 'Received up to', message: `${writtenLsn} (timeline ${timelineId})` },
      { key: 'durable_lsn', description: 'Durable up to', message: flushedLsn },
      { key: 'acknowledged_lsn', description: 'Acknowledged up to', message: acknowledgedLsn ?? 'unknown' },
    );
  }
  if (lagBytes !== undefined)
    facts.push({ key: 'lag_bytes', description: 'Lag', message: `${formatBytes(lagBytes)} not durable here`, value: lagBytes });
  facts.push(
    { key: 'receive_rate', description: 'Receive rate', message: `${formatBytes(bytesPerSecond)}/s`, value: bytesPerSecond },
    {
      key: 'last_message',
      description: 'Last message from the server',
      message: lastMessageAt === null ? 'none yet' : formatAge(lastMessageAt),
    },
  );
  return facts;
}

function qualityFacts(receiver: ReceiverState): readonly Fact[] {
  const { slotName, syncState, lastError } = receiver;
  const facts: Fact[] = [
    { key: 'flush_latency', description: 'Flush latency', message: latencyWords(receiver) },
    { key: 'slot_name', description: 'Replication slot', message: slotName ?? 'none' },
    { key: 'sync_state', description: 'Synchronous state', message: syncState ?? 'unknown' },
    { key: 'last_error', description: 'Last error', message: errorWords(receiver) },
  ];
  if (lastError?.hint != null) facts.push({ key: 'last_error_hint', description: 'What to do', message: lastError.hint });
  return facts;
}

function receiverWord({ server, receiver, receiverPid }: ServerStatus): string {
  if (!server.streamingArchiver) return 'off (streaming_archiver = off)';
  if (receiverPid !== undefined) return `${receiver?.pid === receiverPid ? receiver.phase : 'starting'} (pid ${receiverPid})`;
  if (receiver === undefined) return 'not running (never started)';
  const how = receiver.phase === 'stopped' || receiver.phase === 'failed' ? receiver.phase : 'died';
  return `not running (${how} ${formatAge(receiver.updatedAt)})`;
}

function latencyWords({ flushLatency: { count, p50Ms, p99Ms, maxMs } }: ReceiverState): string {
  return count === 0 ? 'no flush yet' : `median ${p50Ms} ms, p99 ${p99Ms} ms, longest ${maxMs} ms, ${count} flushes`;
}

function errorWords({ lastError }: ReceiverState): string {
  return lastError === null ? 'none' : `${lastError.code}: ${lastError.message} (${formatAge(lastError.at)})`;
}

function archiveFacts({ archive }: ServerStatus): readonly Fact[] {
  if (isReportedError(archive)) {
    const message = archive.code === 'ERR_PATH_MISSING' ? 'No WAL segment shipped yet' : `unknown: ${archive.message}`;
    return [{ key: 'last_archived_wal', description: 'Last archived WAL', message }];
  }
  const newest = archive.timelines.findLast((timeline) => timeline.last !== undefined);
  const count = archive.timelines.reduce((sum, timeline) => sum + timeline.count, 0);
  const holes = archive.timelines.flatMap((timeline) => timeline.holes);
  const holeWords = holes.map(({ first, last, count }) => (count === 1 ? first : `${first} to ${last} (${count} segments)`));
  return [
    { key: 'last_archived_wal', description: 'Last archived WAL', message: newest?.last ?? 'No WAL segment shipped yet' },
    { key: 'archived_segments', description: 'Segments in the archive', message: String(count), value: count },
    {
      key: 'holes',
      description: 'Holes in the archive',
      message: holes.length === 0 ? 'none' : holeWords.join(', '),
      value: holes.length,
    },
  ];
}

/** WAL that the server no longer had when it was due. */
function holeFacts({ holes }: ServerStatus): readonly Fact[] {
  const description = 'Holes on record';
  if (isReportedError(holes)) return [{ key: 'recorded_holes', description, message: `unknown: ${holes.message}` }];
  const message = holes.length === 0 ? 'none' : holes.map(holeWords).join('; ');
  return [{ key: 'recorded_holes', description, message, value: holes.length }];
}

function holeWords({ timelineId, fromLsn, toTimelineId, toLsn, resolvedBy, foundAt }: RecordedHole): string {
  const from = `${fromLsn} on timeline ${timelineId}`;
  const to = toLsn === null ? 'unknown' : `${toLsn} on timeline ${toTimelineId}`;
  const state = resolvedBy === null ? 'the receiver waits there' : resolvedBy;
  return `from ${from} to ${to} (${state}, found ${formatAge(foundAt)})`;
}
