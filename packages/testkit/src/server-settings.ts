/**
 * The configuration of a test server: postgresql.conf and pg_hba.conf, written outside of the data directory, so that a data
 * directory that came out of a backup runs with the settings of the test and not with those of the server it was taken from.
 */

import type { PostgresMajor } from './binaries.ts';

/** Value of a server setting; `true` is on, `false` off, a number needs no unit where the setting has one by default. */
export type SettingValue = string | number | boolean;

/** Server settings by name. */
export type Settings = Readonly<Record<string, SettingValue>>;

/** Good for tests: little memory, room for replication, quiet in the background. Everything that makes commits safe is left on. */
export function defaultSettings(major: PostgresMajor, segmentSizeMb: number): Settings {
  const keepMb = Math.max(512, 4 * segmentSizeMb);
  return {
    listen_addresses: '127.0.0.1',
    unix_socket_permissions: '0777',
    max_connections: 60,
    shared_buffers: '32MB',
    // In a file of the data directory, which goes with it, also when the server is killed.
    dynamic_shared_memory_type: 'mmap',
    wal_level: 'replica',
    max_wal_senders: 10,
    max_replication_slots: 10,
    ...(major < 13 ? { wal_keep_segments: keepMb / segmentSizeMb } : { wal_keep_size: `${keepMb}MB` }),
    min_wal_size: `${Math.max(80, 2 * segmentSizeMb)}MB`,
    max_wal_size: `${Math.max(1024, 4 * segmentSizeMb)}MB`,
    // A standby looks again soon where its primary has changed its timeline, or is not there yet; five seconds is the default.
    wal_retrieve_retry_interval: '100ms',
    autovacuum: false,
    ...(major < 11 ? {} : { jit: false }),
    log_line_prefix: '%m [%p] %q%u@%d %a ',
    log_replication_commands: true,
    log_timezone: 'UTC',
    timezone: 'UTC',
  };
}

/** Text of a configuration file with these settings. */
export function settingsText(settings: Settings): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name} = ${settingText(value)}\n`)
    .join('');
}

function settingText(value: SettingValue): string {
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  if (typeof value === 'number') return String(value);
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}

/** Text of pg_hba.conf: the test's own lines first, the first match counts; then everybody on this machine is trusted. */
export function hbaText(lines: readonly string[]): string {
  const trust = [
    'local all all trust',
    'local replication all trust',
    'host all all samehost trust',
    'host replication all samehost trust',
  ];
  return [...lines, ...trust, ''].join('\n');
}

/** A conninfo string (keyword/value form, as libpq reads it), each value quoted where it must be. */
export function conninfoText(parameters: Readonly<Record<string, string | number>>): string {
  return Object.entries(parameters)
    .map(([keyword, value]) => `${keyword}=${quoted(String(value))}`)
    .join(' ');
}

function quoted(value: string): string {
  return /^[^\s'\\]+$/.test(value) ? value : `'${value.replaceAll(/['\\]/g, String.raw`\$&`)}'`;
}
