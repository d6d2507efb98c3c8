/**
 * What a server must have for its section of the configuration: roles with the least rights that do, settings, a slot. In the order in
 * which it can be done. Pure.
 */
import { quoteIdentifier, quoteLiteral } from '@walvault/protocol';
import type { SetupStep } from './setup-step.ts';

/** What the section asks for. */
export interface SetupWishes {
  /** Role of the streaming connection; undefined when no WAL is streamed. */
  readonly streamingUser: string | undefined;
  /** Role of the ordinary connection; undefined when there is none. */
  readonly ordinaryUser: string | undefined;
  readonly slotName: string | undefined;
  /** `application_name` of the receiver, which is not counted among those who need a place beside it. */
  readonly applicationName: string;
  /** Whether WAL comes by archive_command as well. */
  readonly usesArchiveCommand: boolean;
}

/** The steps. */
export function planSetup(wishes: SetupWishes): readonly SetupStep[] {
  const { streamingUser, ordinaryUser } = wishes;
  return [
    ...(streamingUser === undefined ? [] : [roleStep(streamingUser, 'LOGIN REPLICATION')]),
    ...(ordinaryUser === undefined || ordinaryUser === streamingUser ? [] : [roleStep(ordinaryUser, 'LOGIN')]),
    ...(ordinaryUser === undefined ? [] : grantSteps(ordinaryUser)),
    ...(streamingUser === undefined ? [] : streamingSettings(wishes)),
    ...(wishes.usesArchiveCommand ? [archiveMode] : []),
    ...(streamingUser === undefined || wishes.slotName === undefined ? [] : [slotStep(wishes.slotName)]),
  ];
}

function roleStep(user: string, attributes: 'LOGIN' | 'LOGIN REPLICATION'): SetupStep {
  const [name, literal] = [quoteIdentifier(user), quoteLiteral(user)];
  const isEnough = attributes === 'LOGIN' ? 'rolcanlogin' : 'rolcanlogin AND (rolsuper OR rolreplication)';
  const isThere = `EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = ${literal})`;
  return onPrimary(
    `role ${name}`,
    `NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = ${literal} AND ${isEnough})`,
    `pg_catalog.concat(CASE WHEN ${isThere} THEN 'ALTER' ELSE 'CREATE' END, ${quoteLiteral(` ROLE ${name} ${attributes}`)})`,
  );
}

/** To see what others stream and how the server is set up; to switch WAL, also by force, which takes a checkpoint. */
function grantSteps(user: string): readonly SetupStep[] {
  const [name, literal] = [quoteIdentifier(user), quoteLiteral(user)];
  const lacks = (right: string): string =>
    `NOT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = ${literal} AND ${right})`;
  const lacksRole = (role: string): string =>
    `EXISTS (SELECT FROM pg_catalog.pg_roles g WHERE g.rolname = '${role}' AND ${lacks(`pg_catalog.pg_has_role(r.oid, g.oid, 'USAGE')`)})`;
  const maySwitch = `pg_catalog.has_function_privilege(r.oid, 'pg_catalog.pg_switch_wal()', 'EXECUTE')`;
  const grant = (what: string): string => quoteLiteral(`GRANT ${what} TO ${name}`);
  return [
    onPrimary(`pg_monitor for role ${name}`, lacksRole('pg_monitor'), grant('pg_monitor')),
    onPrimary(`pg_switch_wal() for role ${name}`, lacks(maySwitch), grant('EXECUTE ON FUNCTION pg_catalog.pg_switch_wal()')),
    onPrimary(`pg_checkpoint for role ${name} (from PostgreSQL 15 on)`, lacksRole('pg_checkpoint'), grant('pg_checkpoint')),
  ];
}

function onPrimary(title: string, isNeeded: string, statement: string): SetupStep {
  return { title, isNeeded, statement, place: 'primary', countsFrom: 'now' };
}

function streamingSettings({ slotName, applicationName }: SetupWishes): readonly SetupStep[] {
  const others = `(SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_replication WHERE application_name <> ${quoteLiteral(applicationName)})`;
  const senders = {
    title: 'max_wal_senders',
    tooFew: (value: string) => `${value}::int < ${others} + 2`,
    statement: `pg_catalog.format('ALTER SYSTEM SET max_wal_senders = %s', GREATEST(10, ${others} + 5))`,
  };
  return [
    atRestart('wal_level', (value) => `${value} = 'minimal'`, `'ALTER SYSTEM SET wal_level = replica'`),
    atRestart(senders.title, senders.tooFew, senders.statement),
    ...(slotName === undefined ? [keepWithoutSlot] : [roomForSlots(slotName), noIdleTimeout]),
  ];
}

/** A setting that counts from a restart on. What the files say already is not written again. */
function atRestart(name: string, tooLittle: (value: string) => string, statement: string): SetupStep {
  const inEffect = `pg_catalog.current_setting('${name}')`;
  const inFiles = `(SELECT setting FROM pg_catalog.pg_file_settings WHERE name = '${name}' ORDER BY seqno DESC LIMIT 1)`;
  return {
    title: name,
    isNeeded: `${tooLittle(inEffect)} AND ${tooLittle(`COALESCE(${inFiles}, ${inEffect})`)}`,
    statement,
    place: 'server',
    countsFrom: 'restart',
    isLacking: tooLittle(inEffect),
  };
}

function roomForSlots(slotName: string): SetupStep {
  const others = `(SELECT pg_catalog.count(*) FROM pg_catalog.pg_replication_slots WHERE slot_name <> ${quoteLiteral(slotName)})`;
  return atRestart(
    'max_replication_slots',
    (value) => `${value}::int < ${others} + 1`,
    `pg_catalog.format('ALTER SYSTEM SET max_replication_slots = %s', GREATEST(10, ${others} + 5))`,
  );
}

const archiveMode: SetupStep = atRestart(
  'archive_mode',
  (value) => `(${value} = 'off' OR (pg_catalog.pg_is_in_recovery() AND ${value} <> 'always'))`,
  `CASE WHEN pg_catalog.pg_is_in_recovery() THEN 'ALTER SYSTEM SET archive_mode = always' ELSE 'ALTER SYSTEM SET archive_mode = on' END`,
);

/** PostgreSQL 18 and later: a slot that nobody uses for a while would be given up. */
const noIdleTimeout: SetupStep = {
  title: 'idle_replication_slot_timeout (from PostgreSQL 18 on)',
  isNeeded: `EXISTS (SELECT FROM pg_catalog.pg_settings WHERE name = 'idle_replication_slot_timeout' AND setting <> '0')`,
  statement: `'ALTER SYSTEM SET idle_replication_slot_timeout = 0'`,
  place: 'server',
  countsFrom: 'reload',
};

/** Without a slot, something to live on while nobody receives. */
const keepWithoutSlot: SetupStep = {
  title: 'wal_keep_size',
  isNeeded: `EXISTS (SELECT FROM pg_catalog.pg_settings WHERE name IN ('wal_keep_size', 'wal_keep_segments') AND setting = '0')`,
  statement: `(SELECT CASE name WHEN 'wal_keep_size' THEN 'ALTER SYSTEM SET wal_keep_size = ''1GB''' ELSE 'ALTER SYSTEM SET wal_keep_segments = 64' END
    FROM pg_catalog.pg_settings WHERE name IN ('wal_keep_size', 'wal_keep_segments'))`,
  place: 'server',
  countsFrom: 'reload',
};

/** Keeps WAL at once. It cannot be made before the server writes WAL for it and has room. */
function slotStep(slotName: string): SetupStep {
  const isMissing = `NOT EXISTS (SELECT FROM pg_catalog.pg_replication_slots WHERE slot_name = ${quoteLiteral(slotName)})`;
  const isPossible = `pg_catalog.current_setting('wal_level') <> 'minimal' AND pg_catalog.current_setting('max_replication_slots')::int > (SELECT pg_catalog.count(*) FROM pg_catalog.pg_replication_slots)`;
  return {
    title: `slot ${slotName}`,
    isNeeded: `${isMissing} AND ${isPossible}`,
    statement: quoteLiteral(`SELECT pg_catalog.pg_create_physical_replication_slot(${quoteLiteral(slotName)}, true)`),
    place: 'server',
    countsFrom: 'now',
    isLacking: isMissing,
  };
}
