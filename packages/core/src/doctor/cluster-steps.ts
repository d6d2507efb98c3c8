/** Steps about whether server and archive belong together: the cluster, its timeline, the clocks, who waits for whom. Pure. */
import { formatLsn } from '@walvault/wal';
import { isReportedError } from '../receiver-state.ts';
import { type DoctorFacts, isStandby, ourWalSender, receiverName, settingsOf } from './doctor-facts.ts';
import { type Finding, serverNotAsked, Step } from './finding.ts';

/** Whether it is the cluster whose WAL is here, by both connections. */
export function judgeCluster({ sql, streaming, here }: DoctorFacts): readonly Finding[] {
  const step = new Step('system identifier');
  const [bySql, byStreaming] = [sql?.systemIdentifier, streaming?.answer?.systemIdentifier];
  const found = byStreaming ?? bySql;
  if (found === undefined) return [step.skipped(serverNotAsked)];
  if (bySql !== undefined && bySql !== found) {
    return [
      step.problem(
        `${streaming?.option} leads to cluster ${found}, but the ordinary connection to ${bySql}`,
        'The two connections lead to different servers.',
        { words: 'Correct host and port of one of them.' },
      ),
    ];
  }
  const { identity } = here;
  if (identity === undefined) return [step.ok(`${found}`, 'It is noted in identity.json at the first contact of the receiver.')];
  if (isReportedError(identity)) return [step.problem(identity.message, undefined, { words: identity.hint ?? '' })];
  if (identity.systemIdentifier === found) return [step.ok(`${found}, as in identity.json`)];
  return [
    step.problem(
      `the server is cluster ${found}, but "${here.identityPath}" belongs to cluster ${identity.systemIdentifier}`,
      'The connection leads to another server, or the cluster was made anew (initdb, pg_upgrade). WAL of two clusters must not be mixed.',
      {
        words: `Correct the connection. A new cluster needs a section, and so directories, of its own; this one stays for restoring, with active = off.`,
        configuration: [`active = off`],
      },
    ),
  ];
}

/** Whether what is here can go on from what the server has. */
export function judgeTimeline({ sql, streaming, here }: DoctorFacts): readonly Finding[] {
  const step = new Step('timeline');
  const timelineId = streaming?.answer?.timelineId ?? sql?.timelineId;
  const flushLsn = streaming?.answer?.flushLsn ?? sql?.flushLsn;
  if (timelineId === undefined || flushLsn === undefined) return [step.skipped(serverNotAsked)];
  const there = `the server is at ${formatLsn(flushLsn)} on timeline ${timelineId}`;
  if (isOtherCluster(streaming?.answer?.systemIdentifier ?? sql?.systemIdentifier, here.identity))
    return [step.skipped('it is another cluster')];
  if (here.end === undefined) return [step.ok(there, 'No WAL is here yet.')];
  const { end } = here;
  const ended = `what is here ends at ${formatLsn(end.lsn)} on timeline ${end.timelineId}`;
  if (end.timelineId > timelineId) {
    return [
      step.problem(
        `${there}, but ${ended}`,
        'This is an old primary, from before a failover, or a server that was restored to before it.',
        {
          words: 'Let the connection lead to the server that is the primary now. Never let both run as primaries.',
        },
      ),
    ];
  }
  if (end.timelineId < timelineId) return [step.ok(`${there}; ${ended}`, 'The receiver follows to the new timeline by itself.')];
  // The receiver may have got more between the two looks.
  if (end.lsn <= flushLsn || here.receiver?.pid !== undefined) return [step.ok(`${there}; ${ended}`)];
  return [
    step.problem(
      `${there}, but ${ended}`,
      'The server has less than was received from it: it was restored to an earlier state, or is a standby that is behind.',
      {
        words: `If it is a standby, wait until it has caught up. If it was restored without a new timeline, give it a section of its own.`,
      },
    ),
  ];
}

function isOtherCluster(found: bigint | undefined, identity: DoctorFacts['here']['identity']): boolean {
  return identity !== undefined && !isReportedError(identity) && identity.systemIdentifier !== found;
}

/** Times of the server are compared with times of here. */
const toleratedMs = 2000;

/** Whether the clocks agree. */
export function judgeClock({ sql }: DoctorFacts): readonly Finding[] {
  const step = new Step('clock');
  if (sql === undefined) return [step.skipped('only an ordinary connection can tell the time of the server')];
  const seconds = (Math.abs(sql.clockAheadMs) / 1000).toFixed(1);
  if (Math.abs(sql.clockAheadMs) < toleratedMs) return [step.ok(`the server and this machine agree within ${seconds} s`)];
  const which = sql.clockAheadMs > 0 ? 'ahead of' : 'behind';
  return [
    step.warning(
      `the clock of the server is ${seconds} s ${which} that of this machine`,
      'Ages and delays are shown wrong, and times for a recovery are easily taken wrong.',
      {
        words: 'Let both follow the same time source.',
        commands: ['timedatectl status', 'timedatectl set-ntp true'],
      },
    ),
  ];
}

/** Whether commits of the server wait for this archive, and whether they should. */
export function judgeSynchronous(facts: DoctorFacts): readonly Finding[] {
  const { server, sql, here } = facts;
  const step = new Step('synchronous replication');
  const names = settingsOf(facts)?.get('synchronous_standby_names');
  if (names === undefined) return [step.skipped(serverNotAsked)];
  if (isStandby(facts) === true) return [step.skipped('the server is a standby, for which no commit waits')];
  if (names === '')
    return [
      step.ok(
        'commits do not wait for this archive',
        'The last of them can be lost with the server; synchronous_standby_names makes them wait.',
      ),
    ];
  const isNamed = mentions(names, receiverName(facts));
  if (!isNamed) return [step.ok(`synchronous_standby_names = ${names}`, 'This archive is not named in it.')];
  if (here.receiver?.pid === undefined) {
    return [
      step.problem(
        `synchronous_standby_names = ${names} names this archive, and no receiver runs`,
        'Commits on the server may wait without end.',
        {
          words: 'Start the receiver, or let the commits go on without it until it can run again.',
          commands: [`walvault receive-wal ${server.name}`],
          sql: [`ALTER SYSTEM SET synchronous_standby_names = '';`, 'SELECT pg_reload_conf();'],
        },
      ),
    ];
  }
  if (server.flush === 'segment') {
    return [
      step.problem(
        'commits wait for this archive, which flushes once a segment (flush = segment)',
        'Each commit can wait until a segment is full.',
        {
          words: 'Flush continuously.',
          configuration: ['flush = continuous'],
        },
      ),
    ];
  }
  const state = ourWalSender(facts)?.syncState;
  return [
    step.ok(
      `synchronous_standby_names = ${names}${state === undefined ? '' : `; this archive is ${state}`}`,
      sql === undefined ? undefined : 'What was committed is durable here where this archive is sync.',
    ),
  ];
}

/** Names are compared without regard to case; `*` is everybody (syncrep.c). */
function mentions(names: string, applicationName: string): boolean {
  const words = names.match(/"(?:[^"]|"")*"|[^\s,()]+/g) ?? [];
  const plain = words.map((word) =>
    word
      .replace(/^"(.*)"$/, '$1')
      .replaceAll('""', '"')
      .toLowerCase(),
  );
  return plain.includes('*') || plain.includes(applicationName.toLowerCase());
}
