/**
 * The one question that is asked of a server over SQL, for PostgreSQL 10 and later. Rows of views are taken as JSON, with whatever columns
 * the version has; functions are named by version, since a name that is not there is an error before anything runs.
 */

/** The settings that are asked for. */
const settingNames = [
  'archive_command',
  'archive_library',
  'archive_mode',
  'archive_timeout',
  'checkpoint_timeout',
  'data_checksums',
  'data_directory',
  'hot_standby',
  'idle_replication_slot_timeout',
  'listen_addresses',
  'max_replication_slots',
  'max_slot_wal_keep_size',
  'max_wal_senders',
  'max_wal_size',
  'min_wal_size',
  'port',
  'ssl',
  'summarize_wal',
  'synchronous_commit',
  'synchronous_standby_names',
  'wal_compression',
  'wal_keep_segments',
  'wal_keep_size',
  'wal_level',
  'wal_log_hints',
  'wal_segment_size',
  'wal_sender_timeout',
  'config_file',
  'hba_file',
  'ident_file',
];

const settingList = settingNames.map((name) => `'${name}'`).join(', ');

/** The functions that a base backup needs, as Barman asks for them. */
function backupFunctions(majorVersion: number): readonly string[] {
  const [start, stop] =
    majorVersion >= 15
      ? ['pg_backup_start(text, bool)', 'pg_backup_stop(bool)']
      : ['pg_start_backup(text, bool, bool)', 'pg_stop_backup(bool, bool)'];
  return [start, stop, 'pg_switch_wal()', 'pg_create_restore_point(text)'];
}

function mayRun(routine: string): string {
  return `pg_catalog.has_function_privilege('pg_catalog.${routine}', 'EXECUTE')`;
}

/**
 * The statement. `$1` is the name of the slot, or null. It gives one row with one column, `facts`: JSON of the shape {@link FactsRow}.
 * Nothing in it waits for a lock, writes, or needs more than the right to connect.
 */
export function factsQuery(majorVersion: number): string {
  const mayMonitor = `(pg_catalog.pg_has_role('pg_monitor', 'USAGE')
      OR (pg_catalog.pg_has_role('pg_read_all_settings', 'USAGE') AND pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE')))`;
  const mayCheckpoint = majorVersion >= 15 ? `pg_catalog.pg_has_role('pg_checkpoint', 'USAGE')` : 'false';
  return `
WITH place AS (
  SELECT in_recovery,
    CASE WHEN in_recovery THEN NULL ELSE pg_catalog.pg_current_wal_lsn() END AS write_lsn,
    CASE WHEN in_recovery THEN GREATEST(pg_catalog.pg_last_wal_receive_lsn(), pg_catalog.pg_last_wal_replay_lsn())
      ELSE pg_catalog.pg_current_wal_flush_lsn() END AS flush_lsn
  FROM (SELECT pg_catalog.pg_is_in_recovery() AS in_recovery) r)
SELECT pg_catalog.jsonb_build_object(
  'system_identifier', (SELECT system_identifier::text FROM pg_catalog.pg_control_system()),
  'timeline_id', (SELECT timeline_id FROM pg_catalog.pg_control_checkpoint()),
  'in_recovery', in_recovery,
  'current_lsn', COALESCE(write_lsn, flush_lsn),
  'flush_lsn', flush_lsn,
  'current_wal_file', CASE WHEN in_recovery THEN NULL ELSE pg_catalog.pg_walfile_name(write_lsn) END,
  'started_at', pg_catalog.pg_postmaster_start_time(),
  'clock', pg_catalog.clock_timestamp(),
  'role', (SELECT pg_catalog.jsonb_build_object(
      'name', rolname,
      'is_superuser', rolsuper,
      'may_replicate', rolsuper OR rolreplication,
      'may_monitor', ${mayMonitor},
      'may_backup', rolsuper OR (${backupFunctions(majorVersion).map(mayRun).join(' AND ')} AND ${mayMonitor}),
      'may_switch_wal', ${mayRun('pg_switch_wal()')},
      'may_checkpoint', rolsuper OR ${mayCheckpoint})
    FROM pg_catalog.pg_roles WHERE rolname = current_user),
  'settings', (SELECT pg_catalog.jsonb_object_agg(name, pg_catalog.current_setting(name))
    FROM pg_catalog.pg_settings WHERE name IN (${settingList})),
  'pending_restart', (SELECT COALESCE(pg_catalog.jsonb_agg(name), '[]')
    FROM pg_catalog.pg_settings WHERE name IN (${settingList}) AND pending_restart),
  'slot', (SELECT pg_catalog.to_jsonb(s) || pg_catalog.jsonb_build_object(
      'retained_bytes', pg_catalog.pg_wal_lsn_diff(COALESCE(write_lsn, flush_lsn), s.restart_lsn))
    FROM pg_catalog.pg_replication_slots s WHERE s.slot_name = $1),
  'slot_count', (SELECT pg_catalog.count(*) FROM pg_catalog.pg_replication_slots),
  'wal_senders', (SELECT COALESCE(pg_catalog.jsonb_agg(pg_catalog.to_jsonb(r) || pg_catalog.jsonb_build_object(
      'write_lag_s', EXTRACT(epoch FROM r.write_lag),
      'flush_lag_s', EXTRACT(epoch FROM r.flush_lag),
      'replay_lag_s', EXTRACT(epoch FROM r.replay_lag),
      'slot_name', s.slot_name,
      'slot_type', s.slot_type) ORDER BY r.sync_state DESC, r.sync_priority, r.pid), '[]')
    FROM pg_catalog.pg_stat_replication r LEFT JOIN pg_catalog.pg_replication_slots s ON s.active_pid = r.pid),
  'archiver', (SELECT pg_catalog.to_jsonb(a) || pg_catalog.jsonb_build_object(
      'age_s', EXTRACT(epoch FROM pg_catalog.clock_timestamp() - a.stats_reset))
    FROM pg_catalog.pg_stat_archiver a)
) AS facts
FROM place`;
}
