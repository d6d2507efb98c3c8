/** What Barman does not check: how much would be lost, what the slot holds back, holes, room, what waits, and what was verified. */
import { settingMs } from '../observing/server-setting.ts';
import { isStandby } from '../rpo.ts';
import { isReportedError } from '../receiver-state.ts';
import { judgeSlotSafety } from '../slot-safety/judge-slot-safety.ts';
import { type CheckResult, own } from './check-result.ts';
import type { CheckFacts } from './check-facts.ts';
import { exposureInWords, periodInWords, sizeInWords } from './quantities-in-words.ts';

const levels = { ok: 'ok', warning: 'warning', critical: 'failed' } as const;

/** Without it the server hides what is asked of it. */
export function monitoringPrivileges({ server, observation: { sql }, backupHost }: CheckFacts): readonly CheckResult[] {
  if (isReportedError(sql) || backupHost !== undefined || server.passive) return [];
  const name = 'monitoring privileges';
  const hint = `who streams and some settings are hidden: GRANT pg_monitor TO "${sql.role.name}"`;
  return [sql.role.mayMonitor ? own(name, 'ok', '') : own(name, 'warning', hint)];
}

/** WAL that the server has and that is not durable here. */
export function receiveLag({ server, rpo: { lag } }: CheckFacts): readonly CheckResult[] {
  if (!server.streamingArchiver || server.passive) return [];
  const { bytes, seconds, reason } = lag;
  const name = 'receive lag';
  if (bytes === undefined) return [own(name, 'failed', `not known: ${reason ?? 'no reason'}`, { lag_seconds: seconds })];
  const isTooMuch = bytes > server.receiveLagLimit;
  const words = bytes === 0 ? 'nothing is missing' : `${sizeInWords(bytes)} not durable here`;
  const hint = isTooMuch ? `${words}, receive_lag_limit is ${sizeInWords(server.receiveLagLimit)}` : words;
  return [own(name, isTooMuch ? 'failed' : 'ok', hint, { lag_bytes: bytes, lag_seconds: seconds })];
}

/** A server that has nothing to send still says that it is there. */
export function lastReceived({
  server,
  files: { receiver, receiverTrouble },
  rpo: { lag },
  observation,
  nowMs,
}: CheckFacts): readonly CheckResult[] {
  if (!server.streamingArchiver || server.passive) return [];
  const name = 'last received';
  // A stream that has just begun has not brought a message yet.
  const heardAt = receiver?.lastMessageAt ?? (receiver?.phase === 'streaming' ? receiver.phaseSince : undefined);
  if (heardAt === undefined) return [own(name, 'failed', receiverTrouble?.message ?? 'nothing was received by streaming yet')];
  const ageMs = Math.max(0, nowMs - Date.parse(heardAt));
  const senderMs = isReportedError(observation.sql) ? undefined : settingMs(observation.sql.settings, 'wal_sender_timeout');
  const mostMs = Math.max(server.rpoLimitMs, senderMs ?? 0);
  const isSilent = ageMs > mostMs && lag.bytes !== 0;
  const numbers = { last_received_age_seconds: ageMs / 1000 };
  const words = `the server was last heard ${periodInWords(ageMs)} ago`;
  return [
    own(name, isSilent ? 'failed' : 'ok', ageMs > mostMs && !isSilent ? `${words}, and nothing is missing` : words, numbers),
  ];
}

/** What the slot holds back on the server, and how near that is to being lost. */
export function slotRetention({ server, observation: { sql } }: CheckFacts): readonly CheckResult[] {
  if (isReportedError(sql) || sql.slot === undefined || !server.streamingArchiver) return [];
  const { level, retainedBytes, safeBytes, reason } = judgeSlotSafety(sql.slot, server);
  const numbers = { slot_retained_bytes: retainedBytes, slot_safe_bytes: safeBytes };
  return [own('slot retention', levels[level], `slot '${sql.slot.slotName}' ${reason}`, numbers)];
}

/** Whether the disk lasts. */
export function freeSpace({ server, files, storage: { disks } }: CheckFacts): CheckResult {
  const name = 'free disk space';
  if (isReportedError(disks)) return own(name, 'failed', disks.message);
  const segment = files.receiver?.walSegmentSize ?? 16 * 1024 ** 2;
  const [tightest] = disks.toSorted((a, b) => a.freeBytes - b.freeBytes);
  const [archive] = disks;
  const hours = archive?.hoursLeft;
  const least = tightest?.freeBytes ?? 0;
  const numbers = { free_bytes: least, growth_per_hour_bytes: archive?.bytesPerHour, free_space_hours: hours };
  const words = `${sizeInWords(least)} free${hours === undefined ? '' : `, which lasts ${lifeInWords(hours)} at the rate of the last day`}`;
  if (least < 2 * segment) return own(name, 'failed', `${words} for "${tightest?.path}": less than two segments`, numbers);
  const isTooLittle = hours !== undefined && hours < server.freeSpaceHours;
  return own(
    name,
    isTooLittle ? 'failed' : 'ok',
    isTooLittle ? `${words}; free_space_hours is ${server.freeSpaceHours}` : words,
    numbers,
  );
}

const hoursOfYear = 365 * 24;

/** A day says nothing of the years to come. */
function lifeInWords(hours: number): string {
  return hours > hoursOfYear ? 'more than a year' : periodInWords(hours * 3_600_000, 1);
}

/** Complete segments that wait for archive-wal. */
export function archiveQueue({ server, files: { streaming, incoming }, nowMs }: CheckFacts): CheckResult {
  const name = 'archive queue';
  if (isReportedError(streaming)) return own(name, 'failed', streaming.message);
  if (isReportedError(incoming)) return own(name, 'failed', incoming.message);
  const count = streaming.waiting.length + incoming.waiting.length;
  const oldest = [streaming.oldestAt, incoming.oldestAt].flatMap((time) => (time === undefined ? [] : [time.getTime()]));
  const ageMs = oldest.length === 0 ? 0 : Math.max(0, nowMs - Math.min(...oldest));
  const numbers = { archive_queue: count, archive_queue_age_seconds: ageMs / 1000 };
  if (count === 0) return own(name, 'ok', '', numbers);
  const words = `${count} waiting, the oldest for ${periodInWords(ageMs)}`;
  const isLate = ageMs > server.archiveDelayLimitMs && !isOnlyAMark(streaming.waiting, streaming.partials, incoming.waiting);
  return own(name, isLate ? 'failed' : 'ok', isLate ? `${words}. Run: walvault archive-wal ${server.name}` : words, numbers);
}

/** pg_receivewal and Barman find their place by the last complete segment where there is no partial one, so that it stays. */
function isOnlyAMark(streaming: readonly string[], partials: readonly string[], incoming: readonly string[]): boolean {
  return incoming.length === 0 && partials.length === 0 && streaming.length === 1;
}

/** What the last verification of all WAL has come to. */
export function verification({ server, files: { verification: last }, nowMs }: CheckFacts): CheckResult {
  const name = 'WAL verification';
  if (last === undefined) return own(name, 'ok', 'never verified as a whole');
  if ('code' in last) return own(name, 'failed', last.message);
  const ageMs = Math.max(0, nowMs - Date.parse(last.finishedAt));
  const { verdict, good, bad, unknown, missingSegments } = last;
  const numbers = {
    verified_age_seconds: ageMs / 1000,
    verified_good: good,
    verified_bad: bad,
    verified_missing: missingSegments,
  };
  const words = `${verdict} ${periodInWords(ageMs)} ago: ${good} good, ${bad} bad, ${unknown} unknown, ${missingSegments} missing`;
  if (verdict === 'bad') return own(name, 'failed', `${words}. See: walvault heal-wal --dry-run ${server.name}`, numbers);
  const isOld = server.verifyIntervalMs > 0 && ageMs > 2 * server.verifyIntervalMs;
  return own(name, verdict === 'unknown' || isOld ? 'warning' : 'ok', words, numbers);
}

/** What would be lost now. Where WAL is streamed, `rpo_limit` bounds it. */
export function recoveryPoint({ server, observation, rpo: { durable, archived } }: CheckFacts): readonly CheckResult[] {
  if (server.passive) return [];
  const numbers = {
    rpo_bytes: durable.bytes,
    rpo_seconds: durable.seconds,
    archived_rpo_bytes: archived.bytes,
    archived_rpo_seconds: archived.seconds,
  };
  const isMissed = server.streamingArchiver && isTooOld(durable.seconds, server.rpoLimitMs);
  const words = `not durable here: ${exposureInWords(durable)}; not archived: ${exposureInWords(archived)}`;
  const limit = isMissed ? `; rpo_limit is ${periodInWords(server.rpoLimitMs)}` : '';
  // Of what a standby lacks the age is never known.
  const level = durable.seconds === undefined && isStandby(observation) ? 'warning' : 'failed';
  return [own('RPO', isMissed ? level : 'ok', words + limit, numbers)];
}

function isTooOld(seconds: number | undefined, limitMs: number): boolean {
  return seconds === undefined || seconds * 1000 > limitMs;
}
