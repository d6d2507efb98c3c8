/**
 * A base backup as Barman describes it in `backup.info`: lines of `key=value` in no order, `None` for no value, fields that
 * come and go with the version. What is needed to tell which WAL the backup needs is read strictly, the rest not at all.
 */
import {
  isWalSegmentSize,
  type Lsn,
  parseLsn,
  type TimelineId,
  toTimelineId,
  tryParseTimestamp,
  tryParseWalFileName,
  WalFormatError,
  defaultWalSegmentSize,
  type WalSegmentSize,
} from '@walvault/wal';

/** States of a backup, Barman's words. */
export const backupStatuses = ['EMPTY', 'STARTED', 'FAILED', 'WAITING_FOR_WALS', 'DONE', 'SYNCING'] as const;

/** State of a backup: it can be restored when it is DONE, or WAITING_FOR_WALS (its end was not archived yet when it was looked). */
export type BackupStatus = (typeof backupStatuses)[number];

/** A base backup. A plain value; times are microseconds since 1970, UTC. */
export interface BaseBackup {
  /** Name of its directory, which tells when it was begun: `20260701T120000`. */
  readonly id: string;
  /** Name that somebody gave it. */
  readonly name: string | undefined;
  readonly status: BackupStatus;
  /** Not to be deleted, with all WAL from it on (`full`), or with only the WAL it needs itself (`standalone`). */
  readonly keep: 'full' | 'standalone' | undefined;
  /** Of an incremental backup, the one it builds on. */
  readonly parentId: string | undefined;
  /** How it was taken: `postgres`, `rsync-concurrent`, `snapshot`, ... */
  readonly mode: string | undefined;
  /** As `server_version_num`: 150004. */
  readonly serverVersion: number | undefined;
  readonly systemIdentifier: bigint | undefined;
  readonly walSegmentSize: WalSegmentSize;
  /** Where it begins and ends; undefined as long as that is not known. A backup that can be restored has both. */
  readonly begin: BackupPoint | undefined;
  readonly end: BackupPoint | undefined;
}

/** Begin or end of a backup. */
export interface BackupPoint {
  readonly timelineId: TimelineId;
  /** Begin: where replay starts (the redo location). End: where the backup is consistent, the first byte behind its WAL. */
  readonly lsn: Lsn;
  /** Name of the segment: the first, or the last, that the backup needs. */
  readonly walName: string;
  readonly time: bigint | undefined;
}

/** A backup that can be restored. */
export interface RestorableBackup extends BaseBackup {
  readonly begin: BackupPoint;
  readonly end: BackupPoint;
}

/** Whether a backup can be restored. */
export function isRestorable(backup: BaseBackup): backup is RestorableBackup {
  return backup.status === 'DONE' || backup.status === 'WAITING_FOR_WALS';
}

/** Why a text is no `backup.info`; reads behind "backup.info of ID". */
export class BackupInfoProblem extends Error {}

/**
 * Reads the text of a `backup.info`.
 * @param keep content of the annotation `keep`, undefined when there is none
 * @throws {BackupInfoProblem} when it does not say what it must
 */
export function parseBackupInfo(id: string, text: string, keep?: string): BaseBackup {
  const fields = fieldsOf(text);
  const word = fields.get('status');
  // Barman always writes one, so what lacks it was cut off.
  if (word === undefined) throw new BackupInfoProblem('lacks a status');
  const status = backupStatuses.find((known) => known === word);
  if (status === undefined) throw new BackupInfoProblem(`has the unknown status "${word}"`);
  const backup: BaseBackup = {
    id,
    name: fields.get('backup_name'),
    status,
    keep: keepOf(keep),
    parentId: fields.get('parent_backup_id'),
    mode: fields.get('mode'),
    serverVersion: numberIn(fields, 'version'),
    systemIdentifier: systemIdentifierIn(fields),
    walSegmentSize: segmentSizeIn(fields),
    begin: pointIn(fields, 'begin'),
    end: pointIn(fields, 'end'),
  };
  if (!isRestorable(backup)) return backup;
  for (const side of ['begin', 'end'] as const)
    if (backup[side] === undefined) throw new BackupInfoProblem(`is ${status} and lacks ${side}_wal or ${side}_xlog`);
  return backup;
}

function fieldsOf(text: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*(#.*)?$/.test(line)) continue;
    const at = line.indexOf('=');
    if (at <= 0) throw new BackupInfoProblem(`has the line "${line.slice(0, 80)}", which is no key=value`);
    const value = line.slice(at + 1).trim();
    if (value !== 'None') fields.set(line.slice(0, at).trim(), value);
  }
  return fields;
}

function keepOf(annotation: string | undefined): 'full' | 'standalone' | undefined {
  if (annotation === undefined) return undefined;
  // Barman keeps a backup whatever the annotation says; more is kept by `full`.
  return annotation.trim() === 'standalone' ? 'standalone' : 'full';
}

function pointIn(fields: ReadonlyMap<string, string>, side: 'begin' | 'end'): BackupPoint | undefined {
  const [walName, lsn] = [fields.get(`${side}_wal`), fields.get(`${side}_xlog`)];
  if (walName === undefined || lsn === undefined) return undefined;
  const file = tryParseWalFileName(walName);
  if (file?.kind !== 'segment') throw new BackupInfoProblem(`has ${side}_wal "${walName}", which is no segment`);
  const timelineId = side === 'begin' ? (timelineIn(fields) ?? file.timelineId) : file.timelineId;
  return { timelineId, lsn: lsnIn(lsn, `${side}_xlog`), walName, time: timeIn(fields, `${side}_time`) };
}

function lsnIn(text: string, key: string): Lsn {
  try {
    return parseLsn(text);
  } catch (error) {
    if (error instanceof WalFormatError) throw new BackupInfoProblem(`has ${key} "${text}", which is no LSN`);
    throw error;
  }
}

function timelineIn(fields: ReadonlyMap<string, string>): TimelineId | undefined {
  const timeline = numberIn(fields, 'timeline');
  if (timeline === undefined) return undefined;
  if (timeline < 1 || timeline > 0xffff_ffff) throw new BackupInfoProblem(`has timeline "${timeline}", which is none`);
  return toTimelineId(timeline);
}

function numberIn(fields: ReadonlyMap<string, string>, key: string): number | undefined {
  const text = fields.get(key);
  if (text === undefined) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw new BackupInfoProblem(`has ${key} "${text}", which is no number`);
  return Number(text);
}

function systemIdentifierIn(fields: ReadonlyMap<string, string>): bigint | undefined {
  const text = fields.get('systemid');
  if (text === undefined) return undefined;
  if (!/^\d{1,20}$/.test(text)) throw new BackupInfoProblem(`has systemid "${text}", which is no number`);
  return BigInt(text);
}

function segmentSizeIn(fields: ReadonlyMap<string, string>): WalSegmentSize {
  const size = numberIn(fields, 'xlog_segment_size') ?? defaultWalSegmentSize;
  if (!isWalSegmentSize(size)) throw new BackupInfoProblem(`has xlog_segment_size "${size}", which no server has`);
  return size;
}

/** Times only inform, so one that cannot be read is as good as none. Copies of a passive Barman have them as ctime() writes it. */
function timeIn(fields: ReadonlyMap<string, string>, key: string): bigint | undefined {
  const text = fields.get(key);
  if (text === undefined) return undefined;
  const read = tryParseTimestamp(text);
  if (read !== undefined) return read.time;
  const milliseconds = /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}$/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(milliseconds) ? undefined : BigInt(milliseconds) * 1000n;
}
