/** Base backups in the names of Barman's backup.info, as far as walvault reads it. */
import type { BackupPoint, BaseBackup, BaseBackupListing } from '@walvault/archiver';
import { formatLsn } from '@walvault/wal';

/** The backups by their ids; unreadable ones with what is wrong with them. */
export function backupFacts({
  backups,
  unreadable,
}: BaseBackupListing): Readonly<Record<string, BackupFacts | { readonly problem: string }>> {
  return Object.fromEntries([
    ...backups.map((backup) => [backup.id, factsOf(backup)] as const),
    ...unreadable.map(({ id, problem }) => [id, { problem }] as const),
  ]);
}

/** A backup. */
export type BackupFacts = Readonly<Record<string, string | number | null>>;

function factsOf(backup: BaseBackup): BackupFacts {
  return {
    backup_id: backup.id,
    backup_name: backup.name ?? null,
    status: backup.status,
    mode: backup.mode ?? null,
    version: backup.serverVersion ?? null,
    systemid: backup.systemIdentifier?.toString() ?? null,
    timeline: backup.begin?.timelineId ?? null,
    xlog_segment_size: backup.walSegmentSize,
    parent_backup_id: backup.parentId ?? null,
    keep: backup.keep ?? null,
    ...pointFacts('begin', backup.begin),
    ...pointFacts('end', backup.end),
  };
}

function pointFacts(which: 'begin' | 'end', point: BackupPoint | undefined): BackupFacts {
  return {
    [`${which}_wal`]: point?.walName ?? null,
    [`${which}_xlog`]: point === undefined ? null : formatLsn(point.lsn),
    [`${which}_time`]: point?.time === undefined ? null : new Date(Number(point.time / 1000n)).toISOString(),
  };
}
