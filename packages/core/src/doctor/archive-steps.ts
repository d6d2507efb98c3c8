/** Steps about the receiver, and about what becomes of what it has received. Pure. */
import { WalvaultError } from '@walvault/wal';
import { isReportedError } from '../receiver-state.ts';
import type { DoctorFacts } from './doctor-facts.ts';
import { type Finding, type Remedy, serverNotAsked, Step } from './finding.ts';
import type { WaitingFiles } from './look-here.ts';

/** Whether the receiver runs, and if it does not get on, why. */
export function judgeReceiver({ server, here }: DoctorFacts): readonly Finding[] {
  const step = new Step('receiver');
  const { pid, state, trouble } = here.receiver ?? {};
  if (!server.streamingArchiver) return [step.skipped('streaming_archiver is off')];
  if (!server.active) return [step.skipped('active is off')];
  if (server.passive) return [step.skipped('the server is passive')];
  const start: Remedy = {
    words: 'Start it when the problems above are solved; "walvault cron", once a minute, or "walvault run" does so by itself.',
    commands: [`walvault receive-wal ${server.name}`],
  };
  const error = state?.lastError;
  const last = error == null ? undefined : `Its last error: ${error.message}${error.hint === null ? '' : `. ${error.hint}`}`;
  if (pid === undefined) {
    if (trouble !== undefined)
      return [step.problem(`no receiver runs, and ${trouble.message}`, trouble.hint ?? undefined, start)];
    const how = state === undefined ? 'has never run' : state.phase === 'stopped' ? 'was stopped' : 'has ended';
    return [step.problem(`no receiver runs: it ${how}`, state?.phase === 'failed' ? last : undefined, start)];
  }
  if (state?.pid !== pid || state.phase === 'starting') return [step.ok(`process ${pid} is starting`)];
  if (state.phase === 'waiting') {
    return [
      step.problem(`process ${pid} waits, after ${state.failedAttempts} attempts without success`, last, {
        words: 'Solve that; it goes on by itself then.',
        commands: [`walvault status ${server.name}`],
      }),
    ];
  }
  return [step.ok(`process ${pid} is streaming, up to ${state.flushedLsn ?? 'nothing yet'}`)];
}

/** Whether WAL is missing, as far as is on record or names tell. */
export function judgeHoles({ server, here }: DoctorFacts): readonly Finding[] {
  const step = new Step('holes');
  const { holes, survey } = here;
  if (isReportedError(holes)) return [step.problem(holes.message, undefined, { words: holes.hint ?? '' })];
  const heal: Remedy = {
    words:
      'Stream it again from any server of the cluster that still has it, or take a new base backup: older ones cannot be recovered past a hole.',
    commands: [`walvault heal-wal ${server.name}`],
  };
  const open = holes.filter(({ resolvedBy }) => resolvedBy === null);
  const left = holes.filter(({ resolvedBy }) => resolvedBy === 'continued' || resolvedBy === 'reset');
  const findings = [
    ...open.map(({ fromLsn, timelineId }) =>
      step.problem(
        `the server no longer has the WAL from ${fromLsn} on timeline ${timelineId} on, which comes next`,
        'The receiver waits at it (gap_policy = stop).',
        {
          words:
            'Bring the WAL back to the server from another archive or a standby; or accept the hole by the command, and take a new base backup.',
          commands: [`walvault receive-wal --stop ${server.name}`, `walvault receive-wal --reset ${server.name}`],
        },
      ),
    ),
    ...left.map(({ fromLsn, toLsn, timelineId }) =>
      step.warning(`WAL is missing from ${fromLsn} to ${toLsn ?? 'an unknown place'} on timeline ${timelineId}`, undefined, heal),
    ),
  ];
  const inArchive = survey === undefined || isReportedError(survey) ? [] : survey.listing.timelines.flatMap(({ holes }) => holes);
  if (inArchive.length > 0) {
    const names = inArchive.map(({ first, last, count }) => (count === 1 ? first : `${first} to ${last}`)).join(', ');
    const what = `segments are missing in the archive: ${names}`;
    // What is on record was accepted by somebody.
    findings.push(left.length > 0 ? step.warning(what, undefined, heal) : step.problem(what, undefined, heal));
  }
  return findings.length > 0 ? findings : [step.ok('none')];
}

const patienceMs = 600_000;

/** Whether what is complete is archived, and whether it could be. */
export function judgeArchiving({ server, here }: DoctorFacts): readonly Finding[] {
  const step = new Step('archive-wal');
  const isAtWork = here.locks.some(({ task, owner }) => task === 'archive-wal' && owner !== undefined);
  const queue = (kind: string, { count, oldestMs }: WaitingFiles): Finding => {
    const ageMs = oldestMs === undefined ? 0 : Date.now() - oldestMs;
    const what = `${count} ${count === 1 ? 'segment waits' : 'segments wait'} in ${kind}${count === 0 ? '' : `, the oldest for ${Math.round(ageMs / 1000)} s`}`;
    // pg_receivewal leaves the last complete segment, and so do we where it was the one that received it.
    if (count < 2 || ageMs < patienceMs || isAtWork) return step.ok(what);
    return step.problem(what, 'Nobody archives them.', {
      words: 'Archive them now, and let "walvault cron" do so every minute, or set archive_when_complete = on.',
      commands: [`walvault archive-wal ${server.name}`],
      configuration: ['archive_when_complete = on'],
    });
  };
  return [
    judgePlacing(step, here.placingTrouble, server),
    ...(server.streamingArchiver || here.waiting.streaming.count > 0 ? [queue('streaming', here.waiting.streaming)] : []),
    ...(server.archiver || here.waiting.incoming.count > 0 ? [queue('incoming', here.waiting.incoming)] : []),
    ...judgeFailures(here.failures, server.directories.errors),
  ];
}

function judgePlacing(step: Step, trouble: DoctorFacts['here']['placingTrouble'], server: DoctorFacts['server']): Finding {
  if (server.encryption.method !== 'none') {
    return step.problem(
      `encryption = ${server.encryption.method} cannot be done`,
      'Nothing is archived in the clear that was meant to be encrypted.',
      {
        words: 'Encrypt the file system instead.',
        configuration: ['encryption = none'],
      },
    );
  }
  if (trouble !== undefined) return step.problem(trouble.message, undefined, { words: trouble.hint ?? '' });
  return step.ok(`a segment can be placed (compression = ${server.compression})`);
}

function judgeFailures(names: readonly string[], directory: string): readonly Finding[] {
  const count = names.filter((name) => !name.endsWith('.reason')).length;
  if (count === 0) return [];
  return [
    new Step('archive-wal', 'errors_directory').warning(`${count} files could not be archived`, undefined, {
      words: 'Look at the .reason beside each of them, and remove what nobody needs.',
      commands: [`ls -l '${directory}'`],
    }),
  ];
}

/** Whether the catalogue can be used, and knows the archive. */
export function judgeCatalogue({ server, here }: DoctorFacts): readonly Finding[] {
  const step = new Step('catalogue');
  const { survey } = here;
  if (survey === undefined) return [step.ok('there is no archive yet')];
  if (isReportedError(survey) && survey.code === 'ERR_IDENTITY_FILE') return [step.skipped('identity.json cannot be read')];
  if (isReportedError(survey)) return [new Step('archive').problem(survey.message, undefined, { words: survey.hint ?? '' })];
  const { catalog, listing } = survey;
  const rebuild: Remedy = {
    words: 'Make it anew from the files of the archive, which are not touched.',
    commands: [`walvault rebuild-catalog ${server.name}`],
  };
  if (WalvaultError.is(catalog)) {
    const isEmpty = listing.timelines.every(({ count }) => count === 0);
    if (isEmpty && catalog.code === 'ERR_CATALOG_MISSING') return [step.ok('there is none yet')];
    return [
      step.warning(catalog.message, 'Archiving and restoring do not need it; find-target, show-wal and verify-wal do.', rebuild),
    ];
  }
  const { unknownSegments, goneSegments, badChecks } = catalog;
  const findings: Finding[] = [];
  if (unknownSegments > 0)
    findings.push(step.warning(`it does not know ${unknownSegments} segments of the archive`, undefined, rebuild));
  if (goneSegments > 0)
    findings.push(step.warning(`it knows ${goneSegments} segments that are not in the archive`, undefined, rebuild));
  if (badChecks.length > 0) {
    findings.push(
      new Step('verification').problem(`verify-wal has found ${badChecks.length} segments bad`, undefined, {
        words: 'Look at them, and stream them again.',
        commands: [`walvault show-wal ${server.name}`, `walvault heal-wal ${server.name}`],
      }),
    );
  }
  return findings.length > 0 ? findings : [step.ok('it knows every segment of the archive')];
}

/** Whether archive_command of the server brings what it should, where WAL comes by it. */
export function judgeArchiveCommand({ server, sql }: DoctorFacts): readonly Finding[] {
  const step = new Step('archive_command');
  if (!server.archiver) return [step.skipped('archiver is off')];
  if (sql === undefined) return [step.skipped(serverNotAsked)];
  const { settings, archiver } = sql;
  const mode = settings.get('archive_mode');
  const command = settings.get('archive_command') ?? '';
  const library = settings.get('archive_library') ?? '';
  const findings: Finding[] = [];
  if (mode === 'off' || (sql.isInRecovery && mode !== 'always')) {
    const value = sql.isInRecovery ? 'always' : 'on';
    findings.push(
      step.problem(`archive_mode = ${mode}`, 'The server runs no archive_command.', {
        words: 'It counts from a restart of the server on.',
        sql: [`ALTER SYSTEM SET archive_mode = ${value};`],
      }),
    );
  }
  // The server shows that much where archiving is off or the role may see it.
  if ((command === '' || command === '(disabled)') && library === '' && mode !== 'off') {
    findings.push(
      step.problem(
        'archive_command is not set',
        'With archive_mode on, the server keeps all WAL until it is.',
        setCommand(server),
      ),
    );
  }
  const { lastFailedTime, lastArchivedTime, lastFailedWal, failedCount } = archiver;
  if (lastFailedTime !== undefined && (lastArchivedTime === undefined || lastFailedTime > lastArchivedTime)) {
    findings.push(
      step.problem(
        `archive_command fails: ${lastFailedWal ?? 'a file'}, ${failedCount} failures so far`,
        'The server keeps the WAL and tries again; the reason is in its log.',
        {
          words: 'Run it by hand as the user of the server, with a file for %p and its name for %f.',
          sql: ['SHOW archive_command;', 'SELECT * FROM pg_stat_archiver;'],
        },
      ),
    );
  }
  return findings.length > 0
    ? findings
    : [step.ok(library === '' ? `archive_command = ${command}` : `archive_library = ${library}`)];
}

function setCommand({ name, directories: { incoming } }: DoctorFacts['server']): Remedy {
  return {
    words: `Set one that brings segments to ${incoming}, such as this one where the server runs on this machine; "walvault put-wal ${name}" takes them over SSH.`,
    sql: [
      `ALTER SYSTEM SET archive_command = 'test ! -f ${incoming}/%f && cp %p ${incoming}/.%f.tmp && mv ${incoming}/.%f.tmp ${incoming}/%f';`,
      'SELECT pg_reload_conf();',
    ],
  };
}
