/**
 * All there is to say about a server in Barman's names: what is configured, and what the server answers right now. A value that is not
 * known is null. No value holds a password.
 */
import { type GlobalConfig, type ServerConfig, type ShownValue, shownValue } from '@walvault/config';
import { formatLsn } from '@walvault/wal';
import { observeServer, type ObserveOptions } from '../observing/observe-server.ts';
import type { ServerObservation, SqlFacts, StreamingFacts } from '../observing/server-observation.ts';
import { settingMs } from '../observing/server-setting.ts';
import { isReportedError, type ReportedError } from '../receiver-state.ts';
import { withoutSecret } from './without-secrets.ts';

/** Values by name. */
export type ShownFacts = Readonly<Record<string, ShownValue | readonly string[]>>;

/** The options of a server, and those of the installation that concern it. */
export function serverConfigFacts(server: ServerConfig, globals: GlobalConfig): ShownFacts {
  const options = [...server.settings].map(([name, { text }]) => [name, withoutNone(name, shownValue(name, text))] as const);
  return {
    ...Object.fromEntries(options),
    name: server.name,
    barman_home: globals.barmanHome,
    barman_lock_directory: globals.lockDirectory,
    disabled: false,
    msg_list: [],
    passive_node: server.passive,
  };
}

/** The same for whoever is not the operator of this machine: without the arguments of commands, too, which may hold a password. */
export function sharedConfigFacts(server: ServerConfig, globals: GlobalConfig): ShownFacts {
  return cleanFacts(serverConfigFacts(server, globals));
}

/** Facts as they may leave the machine. */
export function cleanFacts(facts: ShownFacts): ShownFacts {
  return Object.fromEntries(Object.entries(facts).map(([name, value]) => [name, withoutSecret(name, value)]));
}

/** What Barman has as not set. */
function withoutNone(name: string, value: ShownValue): ShownValue {
  return value === 'none' && (name === 'compression' || name === 'encryption') ? null : value;
}

/** Asks a server, unless it is inactive or passive, and gives what it answered. Never rejects. */
export async function serverLiveFacts(server: ServerConfig, options: ObserveOptions): Promise<ShownFacts> {
  if (!server.active || server.passive) return {};
  return liveFacts(await observeServer(server, options));
}

/** An observation in Barman's names. */
export function liveFacts({ sql, streaming }: ServerObservation): ShownFacts {
  const facts = knownOrUndefined(sql);
  const walsender = knownOrUndefined(streaming);
  return {
    connection_error: isReportedError(sql) ? sql.message : null,
    streaming_connection_error: isReportedError(streaming) ? streaming.message : null,
    server_txt_version: facts?.version ?? walsender?.version ?? null,
    postgres_systemid: facts?.systemIdentifier.toString() ?? null,
    ...placeFacts(facts),
    ...roleFacts(facts),
    ...settingFacts(facts),
    ...slotFacts(facts),
    ...streamingFacts(walsender),
  };
}

function placeFacts(facts: SqlFacts | undefined): ShownFacts {
  const position = facts === undefined ? null : formatLsn(facts.currentLsn);
  return {
    is_in_recovery: facts?.isInRecovery ?? null,
    current_lsn: position,
    current_xlog: facts?.currentWalFile ?? null,
    data_directory: facts?.dataDirectory ?? null,
    xlog_segment_size: facts?.walSegmentSize ?? null,
  };
}

function roleFacts(facts: SqlFacts | undefined): ShownFacts {
  return { is_superuser: facts?.role.isSuperuser ?? null, has_backup_privileges: facts?.role.mayBackup ?? null };
}

/** Barman leaves these as the server writes them, but for the two intervals, which it gives in seconds. */
function settingFacts(facts: SqlFacts | undefined): ShownFacts {
  const text = (name: string): ShownValue => facts?.settings.get(name) ?? null;
  const asSeconds = (name: string): ShownValue => {
    const milliseconds = facts === undefined ? undefined : settingMs(facts.settings, name);
    return milliseconds === undefined ? null : milliseconds / 1000;
  };
  const plain = [
    'archive_command',
    'archive_mode',
    'config_file',
    'data_checksums',
    'hba_file',
    'hot_standby',
    'ident_file',
    'max_replication_slots',
    'max_slot_wal_keep_size',
    'max_wal_senders',
    'wal_compression',
    'wal_keep_size',
    'wal_level',
  ];
  return {
    ...Object.fromEntries(plain.map((name) => [name, text(name)])),
    archive_timeout: asSeconds('archive_timeout'),
    checkpoint_timeout: asSeconds('checkpoint_timeout'),
    synchronous_standby_names: namesIn(facts?.settings.get('synchronous_standby_names')),
  };
}

/** The names in `FIRST 1 (a, "b")`, `ANY 2 (...)` or a plain list; one empty name for none, as Barman has it. */
function namesIn(setting: string | undefined): readonly string[] | null {
  if (setting === undefined) return null;
  const list = /\((.*)\)/s.exec(setting)?.[1] ?? setting;
  return list.split(',').map((name) => name.trim().replace(/^"(.*)"$/, '$1'));
}

function slotFacts(facts: SqlFacts | undefined): ShownFacts {
  const slot = facts?.slot;
  const restart = slot?.restartLsn === undefined ? 'None' : `'${formatLsn(slot.restartLsn)}'`;
  const record = `Record(slot_name='${slot?.slotName}', active=${slot?.active === true ? 'True' : 'False'}, restart_lsn=${restart})`;
  return {
    replication_slot: slot === undefined ? null : record,
    replication_slot_wal_status: slot?.walStatus ?? null,
    replication_slot_safe_wal_size: slot?.safeWalSize ?? null,
    replication_slot_retained_bytes: slot?.retainedBytes ?? null,
  };
}

function streamingFacts(walsender: StreamingFacts | undefined): ShownFacts {
  return {
    streaming: walsender === undefined ? null : true,
    streaming_systemid: walsender?.systemIdentifier.toString() ?? null,
    timeline: walsender?.timelineId ?? null,
    xlogpos: walsender === undefined ? null : formatLsn(walsender.flushLsn),
  };
}

function knownOrUndefined<T extends object>(part: T | ReportedError): T | undefined {
  return isReportedError(part) ? undefined : part;
}
