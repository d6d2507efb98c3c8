/** What Barman checks of those who bring WAL: the receiver, and the archiver of the server. */

import type { FilesObservation } from '../observing/observe-files.ts';
import type { ArchiverStatistics, SqlFacts } from '../observing/server-observation.ts';
import { isReportedError, type ReceiverState } from '../receiver-state.ts';
import { type CheckResult, failed, judged, passed } from './check-result.ts';
import type { CheckFacts } from './check-facts.ts';

/** A receiver that waits for its server, or for somebody to see to a hole, holds its lock and receives nothing. */
export function receiveWalRunning({ server, files }: CheckFacts): readonly CheckResult[] {
  const name = 'receive-wal running';
  const { receiver, receiverPid } = files;
  if (!server.streamingArchiver || server.passive) return [];
  if (receiverPid === undefined) return [failed(name, `${endOf(files)}. Start it: walvault receive-wal ${server.name}`)];
  const isWaiting = receiver?.pid === receiverPid && receiver.phase === 'waiting';
  return [isWaiting ? failed(name, `it is waiting: ${troubleOf(receiver)}`) : passed(name)];
}

function endOf({ receiver, receiverTrouble }: FilesObservation): string {
  if (receiver === undefined) return receiverTrouble?.message ?? 'never started';
  if (receiver.phase === 'stopped') return `stopped at ${receiver.updatedAt}`;
  return receiver.phase === 'failed' ? `failed: ${troubleOf(receiver)}` : `died after ${receiver.updatedAt}`;
}

function troubleOf({ lastError }: ReceiverState): string {
  return lastError === null ? 'no reason known' : `${lastError.code}: ${lastError.message}`;
}

/** What `archive_command` needs on the server. */
export function serverArchiving({ server, observation: { sql }, backupHost }: CheckFacts): readonly CheckResult[] {
  const facts = backupHost === undefined ? sql : backupHost.sql;
  if (!server.archiver || server.passive || isReportedError(facts)) return [];
  const mode = facts.settings.get('archive_mode');
  const isOn = mode === 'on' || mode === 'always';
  const command = hasCommand(facts);
  const hint = 'please set it accordingly to documentation';
  return [
    judged('archive_mode', isOn, "please set it to 'on' or 'always'"),
    judged('archive_command', command, hint),
    ...(command ? [continuousArchiving(facts, isOn)] : []),
  ];
}

/** From PostgreSQL 15 on a module can do what the command does. */
function hasCommand({ settings }: SqlFacts): boolean {
  const command = settings.get('archive_command') ?? '';
  return (command !== '' && command !== '(disabled)') || (settings.get('archive_library') ?? '') !== '';
}

function continuousArchiving({ archiver }: SqlFacts, isOn: boolean): CheckResult {
  const words =
    archiver.lastFailedWal === undefined || archiver.lastFailedTime === undefined
      ? ''
      : `archiving ${archiver.lastFailedWal} failed at ${archiver.lastFailedTime.toISOString()}`;
  const numbers = { archiver_failures: archiver.failedCount };
  return isOn && isArchiving(archiver)
    ? passed('continuous archiving', '', numbers)
    : failed('continuous archiving', words, numbers);
}

/** A failure counts until something was archived behind it; that of a history file of an older timeline does not. */
function isArchiving({ lastFailedWal, lastFailedTime, lastArchivedWal, lastArchivedTime }: ArchiverStatistics): boolean {
  if (lastFailedWal === undefined || lastFailedTime === undefined) return true;
  const isOldHistory = lastFailedWal.endsWith('.history') && lastFailedWal.slice(0, 8) <= (lastArchivedWal ?? '').slice(0, 8);
  return isOldHistory || (lastArchivedTime !== undefined && lastFailedTime <= lastArchivedTime);
}
