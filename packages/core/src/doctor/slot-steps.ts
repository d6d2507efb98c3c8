/** Steps about the slot, and about the WAL that the server keeps for us. Pure. */
import { quoteLiteral } from '@walvault/protocol';
import { judgeSlot, type ReplicationSlot } from '@walvault/slots';
import { formatLsn, lsnDistance } from '@walvault/wal';
import { settingBytes, settingMs } from '../observing/server-setting.ts';
import { judgeSlotSafety } from '../slot-safety/judge-slot-safety.ts';
import { type DoctorFacts, ourWalSender, settingsOf } from './doctor-facts.ts';
import { type Finding, type Remedy, serverNotAsked, Step } from './finding.ts';

/** Whether the receiver can stream by its slot. */
export function judgeSlotStep(facts: DoctorFacts): readonly Finding[] {
  const { server, sql, streaming } = facts;
  const step = new Step('slot', server.slotName);
  if (server.slotName === undefined) return [withoutSlot(facts, new Step('slot'))];
  if (sql === undefined && streaming?.answer === undefined) return [step.skipped(serverNotAsked)];
  const slot = sql === undefined ? streaming?.answer?.slot : sql.slot;
  if (sql === undefined && slot === undefined && (streaming?.answer?.majorVersion ?? 0) < 15)
    return [step.skipped('before PostgreSQL 15 only an ordinary connection can look at a slot, and no conninfo is set')];
  const verdict = judgeSlot(slot, { ownPid: ourWalSender(facts)?.pid });
  switch (verdict.kind) {
    case 'missing':
      return [missing(facts, step)];
    case 'wrongType':
      return [step.problem('it is a logical slot', 'It belongs to a subscription or another decoder.', otherName(facts))];
    case 'lost':
      return [lost(facts, step, verdict.reason)];
    case 'inUse':
      return [inUse(facts, step, verdict.activePid)];
    case 'notReserving':
      return [step.warning('it keeps no WAL yet', 'Nobody has streamed by it since it was made.', startReceiver(facts))];
    case 'atRisk':
    case 'usable':
      return [safety(facts, step, slot), ...behind(facts, step, slot)];
  }
}

function withoutSlot(facts: DoctorFacts, step: Step): Finding {
  if (!facts.server.streamingArchiver) return step.skipped('streaming_archiver is off');
  return step.warning(
    'no slot_name is set',
    'The server removes WAL without asking whether it is here: an outage of this side leaves a hole.',
    {
      words: 'Set slot_name, and create the slot.',
      configuration: ['slot_name = barman'],
      commands: [`walvault receive-wal --create-slot ${facts.server.name}`],
    },
  );
}

function missing(facts: DoctorFacts, step: Step): Finding {
  const { name, slotName = '', createSlot } = facts.server;
  if (createSlot === 'auto') return step.ok('it is not there; the receiver makes it when it starts (create_slot = auto)');
  const why =
    facts.here.end === undefined
      ? 'The server keeps no WAL for this archive.'
      : 'The server keeps no WAL for this archive any more: the slot was dropped, or this is another server than before (a failover does not take slots along).';
  return step.problem('the server has no slot of this name', why, {
    words: `Create it; either does it. WAL that the server has removed meanwhile does not come back by that.`,
    commands: [`walvault receive-wal --create-slot ${name}`],
    sql: [`SELECT pg_create_physical_replication_slot(${quoteLiteral(slotName)}, true);`],
  });
}

function lost({ server: { name } }: DoctorFacts, step: Step, reason: string): Finding {
  return step.problem(`it has lost the WAL that it kept (${reason})`, lossWhy(reason), {
    words:
      'Drop it and create it anew, accept the hole by --reset where the receiver says that WAL is missing, and take a new base backup. "walvault heal-wal" can fill the hole from a server that still has the WAL.',
    commands: [`walvault receive-wal --drop-slot ${name}`, `walvault receive-wal --create-slot ${name}`],
  });
}

function lossWhy(reason: string): string {
  if (reason === 'idle_timeout') return 'Nobody streamed by it for longer than idle_replication_slot_timeout of the server.';
  return 'The receiver was behind by more than max_slot_wal_keep_size of the server, so that the server removed the WAL.';
}

function inUse(facts: DoctorFacts, step: Step, activePid: number | undefined): Finding {
  const { sql, server, here } = facts;
  const other = sql?.walSenders.find(({ pid }) => pid === activePid);
  const who = [
    `process ${activePid ?? '?'} of the server`,
    ...(other?.applicationName === undefined ? [] : [`application ${other.applicationName}`]),
    ...(other?.clientAddress === undefined ? [] : [`from ${other.clientAddress}`]),
    ...(other?.userName === undefined ? [] : [`role ${other.userName}`]),
  ].join(', ');
  if (here.receiver?.pid !== undefined && other?.applicationName === undefined)
    return step.ok(`in use by ${who}, which should be the receiver`);
  return step.problem(
    `in use by ${who}`,
    'Two receivers cannot share a slot. It may be our own connection that broke, which the server gives up after wal_sender_timeout.',
    {
      words: `Stop that receiver where it runs, or take another slot_name. If it is nobody's any more, end its process on the server.`,
      sql: activePid === undefined ? [] : [`SELECT pg_terminate_backend(${activePid});`],
      configuration: [`slot_name = ${server.slotName}_2`],
    },
  );
}

function safety(facts: DoctorFacts, step: Step, slot: ReplicationSlot | undefined): Finding {
  const slotOfSql = facts.sql?.slot;
  if (slot === undefined || slotOfSql === undefined) return step.ok('it is there');
  const { level, reason } = judgeSlotSafety(slotOfSql, facts.server);
  const state = slotOfSql.active === true ? 'in use by the receiver' : 'not in use';
  if (level === 'ok') return step.ok(`${state}; it ${reason}`);
  const why = 'When the limit is reached WAL is missing here, or the disk of the server fills up.';
  const remedy: Remedy = {
    words: 'Let the receiver catch up now, or let the slot keep more, if the disk of the server has room.',
    commands: [`walvault receive-wal ${facts.server.name}`],
    sql: ['ALTER SYSTEM SET max_slot_wal_keep_size = -1;', 'SELECT pg_reload_conf();'],
  };
  return level === 'critical'
    ? step.problem(`${state}; it ${reason}`, why, remedy)
    : step.warning(`${state}; it ${reason}`, why, remedy);
}

/** A slot that keeps less than what is missing here cannot prevent a hole. */
function behind({ here, server, sql }: DoctorFacts, step: Step, slot: ReplicationSlot | undefined): readonly Finding[] {
  // It follows the receiver then, and what is here was looked at a moment before it.
  if (slot?.active === true) return [];
  const restartLsn = slot?.restartLsn;
  if (here.end === undefined || restartLsn === undefined || here.end.timelineId !== sql?.timelineId) return [];
  const bytes = lsnDistance(here.end.lsn, restartLsn);
  if (bytes <= 0) return [];
  const why = `The ${bytes} bytes between are not kept for this archive: the server may have removed them, or will.`;
  return [
    step.warning(`it keeps WAL from ${formatLsn(restartLsn)} on, but what is here ends at ${formatLsn(here.end.lsn)}`, why, {
      words: 'Start the receiver at once: as long as the server still has that WAL, it is received.',
      commands: [`walvault receive-wal ${server.name}`],
    }),
  ];
}

function otherName({ server }: DoctorFacts): Remedy {
  return {
    words: 'Take another name, and create the slot.',
    configuration: [`slot_name = ${server.slotName}_wal`],
    commands: [`walvault receive-wal --create-slot ${server.name}`],
  };
}

function startReceiver({ server }: DoctorFacts): Remedy {
  return { words: 'Start the receiver.', commands: [`walvault receive-wal ${server.name}`] };
}

/** What the server keeps, with a slot and without one. */
export function judgeWalKeeping(facts: DoctorFacts): readonly Finding[] {
  const step = new Step('WAL keeping');
  const settings = settingsOf(facts);
  if (settings === undefined) return [step.skipped(serverNotAsked)];
  if (facts.server.slotName === undefined) return [keptWithoutSlot(facts, step, settings)];
  const limit = settingBytes(settings, 'max_slot_wal_keep_size');
  const idleMs = settingMs(settings, 'idle_replication_slot_timeout') ?? 0;
  const findings = [
    limit === undefined || limit < 0
      ? step.ok(
          'the slot keeps WAL without a limit',
          'While nobody receives, the disk of the server fills up; slot_retained_limit warns of it.',
        )
      : step.ok(
          `the slot keeps at most max_slot_wal_keep_size = ${settings.get('max_slot_wal_keep_size')}`,
          'An outage of this side in which the server writes more leaves a hole.',
        ),
  ];
  if (idleMs <= 0) return findings;
  const idle = step.warning(
    `idle_replication_slot_timeout = ${settings.get('idle_replication_slot_timeout')}`,
    'An outage of this side that lasts longer costs the slot, and leaves a hole.',
    { words: 'Turn it off.', sql: ['ALTER SYSTEM SET idle_replication_slot_timeout = 0;', 'SELECT pg_reload_conf();'] },
  );
  return [...findings, idle];
}

function keptWithoutSlot(facts: DoctorFacts, step: Step, settings: ReadonlyMap<string, string>): Finding {
  const name = settings.has('wal_keep_size') ? 'wal_keep_size' : 'wal_keep_segments';
  const value = settings.get(name);
  if (!facts.server.streamingArchiver) return step.skipped('streaming_archiver is off');
  if (value !== undefined && !/^0(MB)?$/.test(value))
    return step.ok(`${name} = ${value}`, 'An outage of this side in which the server writes more leaves a hole.');
  return step.problem(
    `${name} = 0, and there is no slot`,
    'The server removes WAL with the next checkpoint, whether it is here or not.',
    {
      words: `Set slot_name and create the slot, which is better, or let the server keep some WAL.`,
      sql: [`ALTER SYSTEM SET ${name} = ${name === 'wal_keep_size' ? `'1GB'` : 64};`, 'SELECT pg_reload_conf();'],
      configuration: ['slot_name = barman'],
    },
  );
}
