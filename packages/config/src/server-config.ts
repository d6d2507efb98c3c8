/** A server of the configuration as one typed value. */
import type { LogLevel } from './global-options.ts';
import type { CompressionLevel, RetentionPolicy, WalRetentionPolicy } from './option-types.ts';
import type { Setting } from './resolver.ts';
import type { Compression, FlushMode, GapPolicy, ServerValues, SlotPolicy } from './server-options.ts';

/** Where the files of a server are; absolute paths, which need not exist. */
export interface ServerDirectories {
  /** Root of the server: `backup_directory`. */
  readonly backup: string;
  /** Where archive_command and put-wal leave segments. */
  readonly incoming: string;
  /** Where WAL is received. */
  readonly streaming: string;
  /** The archive. */
  readonly wals: string;
  /** Where files go that cannot be archived. */
  readonly errors: string;
}

/** Shell commands to run around archiving and deleting segments. */
export interface ArchiveHooks {
  readonly preArchive: string | undefined;
  readonly preArchiveRetry: string | undefined;
  readonly postArchiveRetry: string | undefined;
  readonly postArchive: string | undefined;
  readonly preWalDelete: string | undefined;
  readonly preWalDeleteRetry: string | undefined;
  readonly postWalDeleteRetry: string | undefined;
  readonly postWalDelete: string | undefined;
}

/** A server. Connection strings hold passwords: they are for connecting, `settings` is for showing. */
export interface ServerConfig {
  readonly name: string;
  readonly description: string | undefined;
  /** False when the server is to be left alone. */
  readonly active: boolean;
  /** Name that ties configuration models to servers. */
  readonly cluster: string;
  /** Whether it is a copy of a server of another installation, with no connection of its own. */
  readonly passive: boolean;
  readonly primarySshCommand: string | undefined;

  readonly conninfo: string | undefined;
  /** `streaming_conninfo`, or else `conninfo`. */
  readonly streamingConninfo: string | undefined;
  /** For ordinary questions about receiving WAL: `wal_conninfo`, or else `wal_streaming_conninfo`, or else `conninfo`. */
  readonly walConninfo: string | undefined;
  /** To receive WAL: `wal_streaming_conninfo`, or else {@link streamingConninfo}. */
  readonly walStreamingConninfo: string | undefined;
  /** Other servers of the cluster that may have WAL which is missing here. */
  readonly healConninfo: readonly string[];
  /** The primary, where `conninfo` leads to a standby. */
  readonly primaryConninfo: string | undefined;
  /** 0 for never. */
  readonly primaryCheckpointTimeoutMs: number;

  /** Whether WAL is received by streaming. */
  readonly streamingArchiver: boolean;
  /** application_name of the receiver, unless the connection string has one. */
  readonly streamingArchiverName: string;
  /** 0 for no limit. */
  readonly streamingArchiverBatchSize: number;
  readonly slotName: string | undefined;
  readonly createSlot: 'manual' | 'auto';
  /** What is done when the slot keeps as much as `slotRetainedLimit`. */
  readonly slotPolicy: SlotPolicy;
  /** Bytes of WAL that the slot may keep on the server; defined with protect-server. */
  readonly slotRetainedLimit: number | undefined;
  readonly flush: FlushMode;
  /** What the receiver does when the server no longer has the WAL that comes next. */
  readonly gapPolicy: GapPolicy;
  readonly verifyStream: boolean;
  readonly statusIntervalMs: number;

  /** Whether segments in the incoming directory are archived. */
  readonly archiver: boolean;
  /** 0 for no limit. */
  readonly archiverBatchSize: number;
  /** Whether the receiver starts an archiver beside itself. */
  readonly archiveWhenComplete: boolean;
  readonly archiveWorkers: number;
  readonly directories: ServerDirectories;
  /** The configuration file that was read first, the same for all servers. */
  readonly configFile: string;
  /** Directory of the lock files, the same for all servers. */
  readonly lockDirectory: string;
  /** Log file of the whole installation; undefined when none is set. */
  readonly logFile: string | undefined;
  /** Severity from which on messages are logged, the same for all servers. */
  readonly logLevel: LogLevel;
  /** Directory of `SERVER-xlog.db`; undefined leaves the choice between that and `xlog.db` to what is in the archive. */
  readonly xlogdbDirectory: string | undefined;
  readonly compression: Compression;
  readonly compressionLevel: CompressionLevel;
  readonly customCompression: {
    readonly filter: string | undefined;
    readonly decompressionFilter: string | undefined;
    /** `0x` and hexadecimal digits in lower case. */
    readonly magic: string | undefined;
  };
  readonly encryption: {
    readonly method: 'none' | 'gpg';
    readonly keyId: string | undefined;
    readonly passphraseCommand: string | undefined;
  };
  readonly hooks: ArchiveHooks;
  /** How long one run of a hook may take; 0 for no limit. */
  readonly hookTimeoutMs: number;
  readonly retentionPolicy: RetentionPolicy | undefined;
  readonly walRetentionPolicy: WalRetentionPolicy;
  /** How long after one whole verification in the background the next one begins. */
  readonly verifyIntervalMs: number;
  readonly pathPrefix: string | undefined;

  /** 0 for no limit. */
  readonly checkTimeoutMs: number;
  readonly lastWalMaximumAgeMs: number | undefined;
  /** What may be missing here before check fails, in bytes, and the age of the oldest commit that may. */
  readonly receiveLagLimit: number;
  readonly rpoLimitMs: number;
  /** How long a complete segment may wait to be archived before check fails. */
  readonly archiveDelayLimitMs: number;
  /** How long the free disk space must last. */
  readonly freeSpaceHours: number;
  readonly maxIncomingWalsQueue: number | undefined;

  /** Every option of a server by its name, as text without passwords, and where it was written. */
  readonly settings: ReadonlyMap<string, Setting>;
}

/** Puts together what a section says about its server. */
export function buildServerConfig(
  name: string,
  values: ServerValues,
  settings: ReadonlyMap<string, Setting>,
): Omit<ServerConfig, 'configFile' | 'lockDirectory' | 'logFile' | 'logLevel'> {
  return { name, settings, ...connections(values), ...receiving(values), ...archiving(values), ...watching(values) };
}

function connections(values: ServerValues) {
  return {
    conninfo: values.conninfo,
    streamingConninfo: values.streaming_conninfo,
    walConninfo: values.wal_conninfo ?? values.wal_streaming_conninfo ?? values.conninfo,
    walStreamingConninfo: values.wal_streaming_conninfo ?? values.streaming_conninfo,
    healConninfo: values.heal_conninfo ?? [],
    primaryConninfo: values.primary_conninfo,
    primaryCheckpointTimeoutMs: values.primary_checkpoint_timeout,
    passive: values.primary_ssh_command !== undefined,
    primarySshCommand: values.primary_ssh_command,
  };
}

function receiving(values: ServerValues) {
  return {
    streamingArchiver: values.streaming_archiver,
    streamingArchiverName: values.streaming_archiver_name,
    streamingArchiverBatchSize: values.streaming_archiver_batch_size,
    slotName: values.slot_name,
    createSlot: values.create_slot,
    slotPolicy: values.slot_policy,
    slotRetainedLimit: values.slot_retained_limit,
    flush: values.flush,
    gapPolicy: values.gap_policy,
    verifyStream: values.verify_stream,
    statusIntervalMs: values.status_interval,
  };
}

function archiving(values: ServerValues) {
  return {
    archiver: values.archiver,
    archiverBatchSize: values.archiver_batch_size,
    archiveWhenComplete: values.archive_when_complete,
    archiveWorkers: values.archive_workers,
    directories: directories(values),
    xlogdbDirectory: values.xlogdb_directory,
    compression: values.compression,
    compressionLevel: values.compression_level,
    customCompression: {
      filter: values.custom_compression_filter,
      decompressionFilter: values.custom_decompression_filter,
      magic: values.custom_compression_magic,
    },
    encryption: {
      method: values.encryption,
      keyId: values.encryption_key_id,
      passphraseCommand: values.encryption_passphrase_command,
    },
    hooks: hooks(values),
    hookTimeoutMs: values.hook_timeout,
    retentionPolicy: values.retention_policy,
    walRetentionPolicy: values.wal_retention_policy,
    verifyIntervalMs: values.verify_interval,
  };
}

function watching(values: ServerValues) {
  return {
    description: values.description,
    active: values.active,
    cluster: values.cluster,
    pathPrefix: values.path_prefix,
    checkTimeoutMs: values.check_timeout,
    lastWalMaximumAgeMs: values.last_wal_maximum_age,
    receiveLagLimit: values.receive_lag_limit,
    rpoLimitMs: values.rpo_limit,
    archiveDelayLimitMs: values.archive_delay_limit,
    freeSpaceHours: values.free_space_hours,
    maxIncomingWalsQueue: values.max_incoming_wals_queue,
  };
}

function directories(values: ServerValues): ServerDirectories {
  return {
    backup: values.backup_directory,
    incoming: values.incoming_wals_directory,
    streaming: values.streaming_wals_directory,
    wals: values.wals_directory,
    errors: values.errors_directory,
  };
}

function hooks(values: ServerValues): ArchiveHooks {
  return {
    preArchive: values.pre_archive_script,
    preArchiveRetry: values.pre_archive_retry_script,
    postArchiveRetry: values.post_archive_retry_script,
    postArchive: values.post_archive_script,
    preWalDelete: values.pre_wal_delete_script,
    preWalDeleteRetry: values.pre_wal_delete_retry_script,
    postWalDeleteRetry: values.post_wal_delete_retry_script,
    postWalDelete: values.post_wal_delete_script,
  };
}
