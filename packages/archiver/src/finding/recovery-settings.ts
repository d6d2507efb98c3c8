/**
 * What to write so that PostgreSQL stops where find-target says: settings in postgresql.conf and an empty recovery.signal, or
 * recovery.conf up to PostgreSQL 11 (docs: "Recovery Target").
 */
import { formatLsn, formatTimestamp } from '@walvault/wal';
import type { RestorableBackup } from '../backups/base-backup.ts';
import type { FindRequest, TargetFinding } from './find-target.ts';
import type { TargetPlace } from './recovery-target.ts';

/** What the server does when it has stopped at the target (`recovery_target_action`). */
export type RecoveryAction = 'pause' | 'promote' | 'shutdown';

/** Where the settings go, and what they are, in order. */
export interface RecoverySettings {
  /** `postgresql.conf`, or `recovery.conf`. */
  readonly file: 'postgresql.conf' | 'recovery.conf';
  /** An empty file beside it in the data directory, that begins recovery. */
  readonly signalFile: 'recovery.signal' | undefined;
  /** Lines of that file. */
  readonly lines: readonly string[];
}

/** What is needed to write them. */
export interface RecoverySettingsOptions {
  readonly request: FindRequest;
  readonly place: TargetPlace;
  readonly others: TargetFinding['others'];
  /** The backup to begin with, if it is known. */
  readonly backup: RestorableBackup | undefined;
  /** Major version of the server that shall recover; undefined for one that is newer than this walvault. */
  readonly major: number | undefined;
  /** The line with `restore_command`. */
  readonly restoreCommandLine: string;
  readonly action: RecoveryAction;
}

/** Writes the settings. */
export function recoverySettings(options: RecoverySettingsOptions): RecoverySettings {
  const { place, major, restoreCommandLine, action } = options;
  const lines = [
    restoreCommandLine,
    ...targetLines(options),
    setting('recovery_target_timeline', String(place.chainTimelineId)),
    setting('recovery_target_action', action),
  ];
  const isModern = major === undefined || major >= 12;
  return {
    file: isModern ? 'postgresql.conf' : 'recovery.conf',
    signalFile: isModern ? 'recovery.signal' : undefined,
    lines,
  };
}

/** The text of a setting, quoted as guc-file.l reads it: backslashes and quotes mean themselves when doubled. */
function setting(name: string, value: string): string {
  const quoted = value.replaceAll('\\', '\\\\').replaceAll("'", "''").replaceAll('\n', String.raw`\n`);
  return `${name} = '${quoted}'`;
}

function targetLines(options: RecoverySettingsOptions): readonly string[] {
  const { request, place } = options;
  const { target } = request;
  // recovery_target_lsn compares the start of records, so the place itself is exact.
  const exactly = [
    setting('recovery_target_lsn', formatLsn(place.lsn)),
    setting('recovery_target_inclusive', onOff(place.isReplayed)),
  ];
  if (isMetBefore(options)) return exactly;
  const inclusive = setting('recovery_target_inclusive', onOff(request.inclusive));
  switch (target.kind) {
    case 'time':
      return [setting('recovery_target_time', formatTimestamp(target.time)), inclusive];
    case 'xid':
      return [setting('recovery_target_xid', String(target.xid)), inclusive];
    case 'name':
      return [setting('recovery_target_name', target.name)];
    case 'lsn':
      return [setting('recovery_target_lsn', formatLsn(target.lsn)), inclusive];
  }
}

/** Whether recovery would stop earlier on the way: at another restore point of that name, at that transaction of the round before. */
function isMetBefore({ place, others, backup }: RecoverySettingsOptions): boolean {
  return others.some(
    (other) =>
      other.chainTimelineId === place.chainTimelineId &&
      other.lsn < place.lsn &&
      (backup === undefined || other.lsn >= backup.begin.lsn),
  );
}

function onOff(value: boolean): string {
  return value ? 'on' : 'off';
}
