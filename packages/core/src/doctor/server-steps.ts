/** Steps about what the server is, and how it is set up for streaming. Pure. */
import { quoteIdentifier, quoteLiteral } from '@walvault/protocol';
import { type DoctorFacts, isStandby, numberOf, ourWalSender, settingsOf } from './doctor-facts.ts';
import { type Finding, type Remedy, serverNotAsked, Step } from './finding.ts';

/** The version that answers. One that is too old does not let anybody so far. */
export function judgeVersion({ sql, streaming }: DoctorFacts): readonly Finding[] {
  const step = new Step('server version');
  const version = sql?.version ?? streaming?.answer?.version;
  return [version === undefined ? step.skipped(serverNotAsked) : step.ok(`PostgreSQL ${version}`)];
}

/** Whether the server writes enough into its WAL. */
export function judgeWalLevel(facts: DoctorFacts): readonly Finding[] {
  const step = new Step('wal_level');
  const level = settingsOf(facts)?.get('wal_level');
  if (level === undefined) return [step.skipped(serverNotAsked)];
  if (level !== 'minimal') return [step.ok(`wal_level = ${level}`)];
  const why = 'The WAL does not hold enough to recover a server from it, and cannot be streamed.';
  return [step.problem('wal_level = minimal', why, alter(facts, 'wal_level', 'replica'))];
}

/** Whether there is a place for one more receiver. */
export function judgeWalSenders(facts: DoctorFacts): readonly Finding[] {
  const step = new Step('max_wal_senders');
  const settings = settingsOf(facts);
  const limit = settings === undefined ? undefined : numberOf(settings, 'max_wal_senders');
  if (limit === undefined) return [step.skipped(serverNotAsked)];
  if (limit === 0) return [step.problem('max_wal_senders = 0', 'Nobody can stream.', alter(facts, 'max_wal_senders', 10))];
  if (facts.sql === undefined) return [step.ok(`max_wal_senders = ${limit}`)];
  const used = facts.sql.walSenders.length;
  const what = `${used} of ${limit} in use`;
  if (used < limit) return [step.ok(what)];
  const remedy: Remedy = {
    ...alter(facts, 'max_wal_senders', Math.max(10, used + 5)),
    words: `Stop who need not stream, as pg_stat_replication shows them (${sendersOf(facts)}), or raise max_wal_senders. ${restart(facts)}`,
  };
  if (ourWalSender(facts) !== undefined) {
    const why =
      'A connection that broke holds its place until wal_sender_timeout; the receiver may have to wait that long to come back.';
    return [step.warning(what, why, remedy)];
  }
  return [step.problem(what, 'There is no place for the receiver.', remedy)];
}

function sendersOf({ sql }: DoctorFacts): string {
  const names = (sql?.walSenders ?? []).map(
    ({ pid, applicationName, userName }) => `${applicationName || userName || '?'} by process ${pid}`,
  );
  return names.join(', ');
}

/** Whether there is, or can be, a slot for us. */
export function judgeReplicationSlots(facts: DoctorFacts): readonly Finding[] {
  const step = new Step('max_replication_slots');
  const { server, sql, streaming } = facts;
  if (server.slotName === undefined) return [step.skipped('no slot_name is set')];
  const settings = settingsOf(facts);
  const limit = settings === undefined ? undefined : numberOf(settings, 'max_replication_slots');
  if (limit === undefined) return [step.skipped(serverNotAsked)];
  const hasSlot = (sql?.slot ?? streaming?.answer?.slot) !== undefined;
  if (sql === undefined) return [limit === 0 ? noSlots(facts, step, limit) : step.ok(`max_replication_slots = ${limit}`)];
  const what = `${sql.slotCount} of ${limit} in use`;
  if (hasSlot || sql.slotCount < limit) return [step.ok(what)];
  return [noSlots(facts, step, limit)];
}

function noSlots(facts: DoctorFacts, step: Step, limit: number): Finding {
  const used = facts.sql?.slotCount ?? limit;
  return step.problem(`${used} of ${limit} in use`, `There is no place for the slot "${facts.server.slotName}".`, {
    words: `Drop a slot that nobody needs (SELECT slot_name, active, restart_lsn FROM pg_replication_slots; SELECT pg_drop_replication_slot('NAME');), or raise max_replication_slots. ${restart(facts)}`,
    sql: [alterSystem('max_replication_slots', Math.max(10, used + 5))],
  });
}

/** What it means when the server is a standby. */
export function judgeStandby(facts: DoctorFacts): readonly Finding[] {
  const step = new Step('standby');
  const isInRecovery = isStandby(facts);
  if (isInRecovery === undefined) return [step.skipped(serverNotAsked)];
  if (!isInRecovery) return [step.ok('the server is a primary')];
  const means = [
    'WAL comes here when the standby has it, so this archive is behind the primary by the lag of the standby',
    'the slot is on the standby, and the standby itself should stream by a slot of the primary',
    'WAL cannot be switched there, and commits of the primary cannot wait for this archive',
    'when the standby is promoted, the receiver follows to the new timeline by itself',
  ];
  return [step.ok('the server is a standby', `${means.join('; ')}.`)];
}

/** Whether the role of the ordinary connection may do what walvault asks of it. */
export function judgeRole(facts: DoctorFacts): readonly Finding[] {
  const { ordinary, sql } = facts;
  const step = new Step('role', ordinary?.option);
  if (ordinary === undefined) return [step.skipped('no conninfo is set')];
  if (sql === undefined) return [step.skipped(serverNotAsked)];
  const { name, isSuperuser, mayMonitor, maySwitchWal, mayCheckpoint } = sql.role;
  if (isSuperuser) return [step.ok(`"${name}" is a superuser`, 'It need not be: "walvault setup" prints what is enough.')];
  const role = quoteIdentifier(name);
  const lacks: readonly (readonly [string, string])[] = [
    ...(mayMonitor
      ? []
      : [['does not see all of pg_stat_replication and of the settings', `GRANT pg_monitor TO ${role};`] as const]),
    ...(maySwitchWal || sql.isInRecovery
      ? []
      : [['may not switch WAL', `GRANT EXECUTE ON FUNCTION pg_catalog.pg_switch_wal() TO ${role};`] as const]),
    ...(mayCheckpoint || sql.isInRecovery || sql.versionNumber < 150_000
      ? []
      : [['may not run a checkpoint, for switch-wal --force', `GRANT pg_checkpoint TO ${role};`] as const]),
  ];
  if (lacks.length === 0) return [step.ok(`"${name}" may do what is asked of it`)];
  const where = sql.isInRecovery ? ' on the primary' : '';
  return [
    step.warning(
      `"${name}" ${lacks.map(([what]) => what).join(', and ')}`,
      'Receiving does not need it; checks and switch-wal do.',
      {
        words: `Run this${where} in the database of ${ordinary.option}.`,
        sql: lacks.map(([, sql]) => sql),
      },
    ),
  ];
}

/** Sets a setting that counts from a restart on; when that is done already, only the restart is missing. */
function alter(facts: DoctorFacts, name: string, value: string | number): Remedy {
  if (facts.sql?.pendingRestart.includes(name) === true)
    return { words: `${name} is set to another value already. ${restart(facts)}` };
  return { words: restart(facts), sql: [alterSystem(name, value)] };
}

function alterSystem(name: string, value: string | number): string {
  return `ALTER SYSTEM SET ${name} = ${typeof value === 'number' ? value : quoteLiteral(value)};`;
}

/** Nothing of it is done here: a restart ends all connections, and when is for the operator to say. */
function restart({ sql }: DoctorFacts): string {
  const directory = sql?.dataDirectory;
  return `It counts from a restart of the server on${directory === undefined ? '' : ` (pg_ctl restart -D ${directory})`}.`;
}
