/**
 * The options of a server that concern WAL: Barman's, with Barman's meaning and defaults, and our own beside them.
 * This table is where names, types, scopes, defaults and documentation come from; nothing repeats them.
 */
import type { OptionTable } from './global-options.ts';
import {
  booleanType,
  commandType,
  type CompressionLevel,
  compressionLevelType,
  conninfoListType,
  conninfoType,
  hexType,
  intervalType,
  oneOf,
  pathType,
  type RetentionPolicy,
  retentionPolicyType,
  seconds,
  size,
  slotNameType,
  textType,
  walRetentionPolicyType,
  type WalRetentionPolicy,
  wholeNumber,
} from './option-types.ts';
import { watchOptions, type WatchValues } from './watch-options.ts';

/** How archived WAL is compressed. `pigz`, `pygzip` and `pybzip2` are Barman's other names for programs that write gzip and bzip2. */
export type Compression = 'none' | 'gzip' | 'zstd' | 'bzip2' | 'xz' | 'lz4' | 'snappy' | 'pigz' | 'pygzip' | 'pybzip2' | 'custom';

/** When received WAL is flushed to the disk. */
export type FlushMode = 'continuous' | 'segment';

/** What a receiver does when the server no longer has the WAL that comes next. */
export type GapPolicy = 'stop' | 'continue';

/** Who is to suffer when WAL cannot be received for long: the server, whose disk fills up with what the slot keeps, or the archive. */
export type SlotPolicy = 'protect-archive' | 'protect-server';

/** Values of the server options by their names; undefined where an option is not set. Periods are in milliseconds. */
export interface ServerValues extends WatchValues {
  readonly active: boolean;
  readonly archive_when_complete: boolean;
  readonly archive_workers: number;
  readonly archiver: boolean;
  readonly archiver_batch_size: number;
  readonly backup_directory: string;
  readonly cluster: string;
  readonly compression: Compression;
  readonly compression_level: CompressionLevel;
  readonly conninfo: string | undefined;
  readonly create_slot: 'manual' | 'auto';
  readonly custom_compression_filter: string | undefined;
  readonly custom_compression_magic: string | undefined;
  readonly custom_decompression_filter: string | undefined;
  readonly description: string | undefined;
  readonly encryption: 'none' | 'gpg';
  readonly encryption_key_id: string | undefined;
  readonly encryption_passphrase_command: string | undefined;
  readonly errors_directory: string;
  readonly flush: FlushMode;
  readonly gap_policy: GapPolicy;
  readonly heal_conninfo: readonly string[] | undefined;
  readonly hook_timeout: number;
  readonly incoming_wals_directory: string;
  readonly path_prefix: string | undefined;
  readonly post_archive_retry_script: string | undefined;
  readonly post_archive_script: string | undefined;
  readonly post_wal_delete_retry_script: string | undefined;
  readonly post_wal_delete_script: string | undefined;
  readonly pre_archive_retry_script: string | undefined;
  readonly pre_archive_script: string | undefined;
  readonly pre_wal_delete_retry_script: string | undefined;
  readonly pre_wal_delete_script: string | undefined;
  readonly primary_checkpoint_timeout: number;
  readonly primary_conninfo: string | undefined;
  readonly primary_ssh_command: string | undefined;
  readonly retention_policy: RetentionPolicy | undefined;
  readonly retention_policy_mode: 'auto';
  readonly slot_name: string | undefined;
  readonly slot_policy: SlotPolicy;
  readonly slot_retained_limit: number | undefined;
  readonly status_interval: number;
  readonly streaming_archiver: boolean;
  readonly streaming_archiver_batch_size: number;
  readonly streaming_archiver_name: string;
  readonly streaming_conninfo: string | undefined;
  readonly streaming_wals_directory: string;
  readonly verify_interval: number;
  readonly verify_stream: boolean;
  readonly wal_conninfo: string | undefined;
  readonly wal_retention_policy: WalRetentionPolicy;
  readonly wal_streaming_conninfo: string | undefined;
  readonly wals_directory: string;
  readonly xlogdb_directory: string | undefined;
}

const batchSize = { type: wholeNumber(0), scope: 'both', default: '0' } as const;
const hook = { type: commandType, scope: 'both' } as const;

/** The table of the server options. */
export const serverOptions: OptionTable<ServerValues> = {
  ...watchOptions,
  active: { type: booleanType, scope: 'server', default: 'true', doc: 'Whether WAL is received and archived at all.' },
  archive_when_complete: {
    type: booleanType,
    scope: 'both',
    default: 'off',
    doc: 'Whether receive-wal starts an archiver beside itself, which archives each segment the moment it is complete.',
    own: true,
  },
  archive_workers: {
    type: wholeNumber(1, 64),
    scope: 'both',
    default: '2',
    doc: 'How many segments are checked and compressed at the same time.',
    own: true,
  },
  archiver: {
    type: booleanType,
    scope: 'both',
    default: 'off',
    doc: "Whether segments that the server's archive_command or put-wal leave in the incoming directory are archived.",
  },
  archiver_batch_size: { ...batchSize, doc: 'Segments taken from the incoming directory in one run of archive-wal; 0 for all.' },
  backup_directory: { type: pathType, scope: 'server', default: '%(barman_home)s/%(name)s', doc: 'Directory of the server.' },
  cluster: { type: textType, scope: 'server', default: '%(name)s', doc: 'Name that ties configuration models to servers.' },
  compression: {
    type: oneOf('none', 'gzip', 'zstd', 'bzip2', 'xz', 'lz4', 'snappy', 'pigz', 'pygzip', 'pybzip2', 'custom'),
    scope: 'both',
    default: 'none',
    doc: 'How archived segments are compressed. Segments archived otherwise before stay readable.',
  },
  compression_level: {
    type: compressionLevelType,
    scope: 'both',
    default: 'low',
    doc: 'How hard to compress; see compression.md. lz4 and snappy have one level.',
  },
  conninfo: { type: conninfoType, scope: 'server', doc: 'Ordinary connection to the server, to ask and to switch WAL.' },
  create_slot: {
    type: oneOf('manual', 'auto'),
    scope: 'both',
    default: 'manual',
    doc: 'Whether receive-wal creates the replication slot if it is missing.',
  },
  custom_compression_filter: { type: commandType, scope: 'both', doc: 'Filter that compresses, for compression = custom.' },
  custom_compression_magic: { type: hexType, scope: 'both', doc: 'First bytes of what the custom filter writes, as 0x....' },
  custom_decompression_filter: { type: commandType, scope: 'both', doc: 'Filter that undoes custom_compression_filter.' },
  description: { type: textType, scope: 'server', doc: 'Text for people, shown by list-servers and status.' },
  encryption: { type: oneOf('none', 'gpg'), scope: 'both', default: 'none', doc: 'How archived segments are encrypted.' },
  encryption_key_id: { type: textType, scope: 'both', doc: 'Key that segments are encrypted for.' },
  encryption_passphrase_command: { type: commandType, scope: 'both', doc: 'Command that prints the passphrase to decrypt.' },
  errors_directory: {
    type: pathType,
    scope: 'server',
    default: '%(backup_directory)s/errors',
    doc: 'Where files go that cannot be archived: unknown ones and duplicates with other content.',
  },
  flush: {
    type: oneOf('continuous', 'segment'),
    scope: 'both',
    default: 'continuous',
    doc: 'When received WAL is flushed: all the time, which a synchronous standby needs, or at the end of each segment.',
    own: true,
  },
  gap_policy: {
    type: oneOf('stop', 'continue'),
    scope: 'both',
    default: 'stop',
    doc: 'What receive-wal does when the server no longer has the WAL that comes next: wait for the operator, or go on from the first WAL there is. Either way the hole goes on record in holes.json.',
    own: true,
  },
  heal_conninfo: {
    type: conninfoListType,
    scope: 'server',
    doc: 'Further servers of the same cluster, such as standbys, that heal-wal streams missing WAL from when the server itself no longer has it.',
    own: true,
  },
  hook_timeout: {
    type: seconds(0, 604_800),
    scope: 'both',
    default: '3600',
    doc: 'Seconds after which a hook script that is still running is ended and counts as failed; 0 for no limit.',
    own: true,
  },
  incoming_wals_directory: {
    type: pathType,
    scope: 'server',
    default: '%(backup_directory)s/incoming',
    doc: 'Where archive_command and put-wal leave segments.',
  },
  path_prefix: { type: textType, scope: 'both', doc: 'Directories put before PATH; accepted and not used.' },
  post_archive_retry_script: { ...hook, doc: 'Run after a segment is archived, again until it succeeds.' },
  post_archive_script: { ...hook, doc: 'Run after a segment is archived.' },
  post_wal_delete_retry_script: { ...hook, doc: 'Run after a segment is deleted, again until it succeeds.' },
  post_wal_delete_script: { ...hook, doc: 'Run after a segment is deleted.' },
  pre_archive_retry_script: { ...hook, doc: 'Run before a segment is archived, again until it succeeds.' },
  pre_archive_script: { ...hook, doc: 'Run before a segment is archived.' },
  pre_wal_delete_retry_script: { ...hook, doc: 'Run before a segment is deleted, again until it succeeds.' },
  pre_wal_delete_script: { ...hook, doc: 'Run before a segment is deleted.' },
  primary_checkpoint_timeout: {
    type: seconds(0, 86_400),
    scope: 'server',
    default: '0',
    doc: 'Seconds after which a checkpoint is forced on the primary while a standby waits for WAL; 0 for never.',
  },
  primary_conninfo: { type: conninfoType, scope: 'server', doc: 'The primary of the standby in conninfo; used to switch WAL.' },
  primary_ssh_command: {
    type: commandType,
    scope: 'both',
    doc: 'Makes the server passive: a copy of that of another installation.',
  },
  retention_policy: { type: retentionPolicyType, scope: 'both', doc: 'Which base backups, and so which WAL, are kept.' },
  retention_policy_mode: { type: oneOf('auto'), scope: 'both', default: 'auto', doc: 'How the retention policy is enforced.' },
  slot_name: {
    type: slotNameType,
    scope: 'both',
    doc: 'Physical replication slot that keeps WAL on the server until it is safe here.',
  },
  slot_policy: {
    type: oneOf('protect-archive', 'protect-server'),
    scope: 'both',
    default: 'protect-archive',
    doc: 'What is done when the slot keeps as much WAL on the server as slot_retained_limit allows: nothing but to warn, or to drop the slot, unless it is being caught up with, so that the disk of the server does not fill up. What is missing then goes on record in holes.json, and receiving goes on behind it.',
    own: true,
  },
  slot_retained_limit: {
    type: size('1MB'),
    scope: 'both',
    doc: 'WAL that the slot may keep on the server; from half of it on there are warnings. Required by slot_policy = protect-server.',
    own: true,
  },
  status_interval: {
    type: seconds(1, 3600),
    scope: 'both',
    default: '10',
    doc: 'Seconds after which the server is told the positions even if nothing was flushed.',
    own: true,
  },
  streaming_archiver: {
    type: booleanType,
    scope: 'both',
    default: 'off',
    doc: 'Whether WAL is received by streaming replication.',
  },
  streaming_archiver_batch_size: { ...batchSize, doc: 'Streamed segments archived in one run of archive-wal; 0 for all.' },
  streaming_archiver_name: {
    type: textType,
    scope: 'both',
    default: 'barman_receive_wal',
    doc: 'application_name of the receiver, by which pg_stat_replication and synchronous_standby_names know it.',
  },
  streaming_conninfo: {
    type: conninfoType,
    scope: 'server',
    default: '%(conninfo)s',
    doc: 'Connection for streaming replication, as a user with REPLICATION.',
  },
  streaming_wals_directory: {
    type: pathType,
    scope: 'server',
    default: '%(backup_directory)s/streaming',
    doc: 'Where WAL is received.',
  },
  verify_interval: {
    type: intervalType,
    scope: 'both',
    default: '7 DAYS',
    doc: 'How long after a verification of all WAL by `run` or verify-wal `run` begins the next one; see verify_budget.',
    own: true,
  },
  verify_stream: {
    type: booleanType,
    scope: 'both',
    default: 'on',
    doc: 'Whether every WAL page and every record is checked as the bytes come in: cluster, timeline, position, checksum.',
    own: true,
  },
  wal_conninfo: {
    type: conninfoType,
    scope: 'server',
    doc: 'Used instead of conninfo for all that concerns receiving WAL; wal_streaming_conninfo unless set.',
  },
  wal_retention_policy: {
    type: walRetentionPolicyType,
    scope: 'both',
    default: 'main',
    doc: 'Which WAL is kept: `main` what the base backups need, and all of it where there are none; or, beside what they need, all WAL of a time back from the newest. Barman knows `main` alone.',
  },
  wal_streaming_conninfo: {
    type: conninfoType,
    scope: 'server',
    doc: 'Used instead of streaming_conninfo to receive WAL, to take it from another host than backups.',
  },
  wals_directory: { type: pathType, scope: 'server', default: '%(backup_directory)s/wals', doc: 'The archive.' },
  xlogdb_directory: {
    type: pathType,
    scope: 'both',
    doc: "Directory of SERVER-xlog.db. Unless set, the archive's own xlog.db is used where there is one, as Barman before 3.13 did.",
  },
};
