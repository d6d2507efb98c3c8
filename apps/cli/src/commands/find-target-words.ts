/** What `find-target` says to people. */
import type { FindRequest, Reachability, ServerTarget, TargetFinding, TargetPlace, WalReach } from '@walvault/core';
import { formatLsn, formatTimestamp, type WalEvent } from '@walvault/wal';

/** A fact: what it is about, and what. */
export type Fact = readonly [what: string, words: string];

/** What is looked for. */
export function targetWords({ target, inclusive, timelineId }: FindRequest, hasLocalTime: boolean): string {
  const exclusive = inclusive ? '' : ', not included';
  const timeline = timelineId === undefined ? '' : `, on the way to timeline ${timelineId}`;
  switch (target.kind) {
    case 'time':
      return `time ${formatTimestamp(target.time)}${hasLocalTime ? ` (read as local time, ${zoneName()})` : ''}${exclusive}${timeline}`;
    case 'lsn':
      return `LSN ${formatLsn(target.lsn)}${exclusive}${timeline}`;
    case 'xid':
      return `transaction ${target.xid}${exclusive}${timeline}`;
    case 'name':
      return `restore point "${target.name}"${timeline}`;
  }
}

/** Where recovery stops. */
export function placeFacts(place: TargetPlace): readonly Fact[] {
  const { lsn, endLsn, isReplayed, event, lastCommit, segmentName, timelineId, isInPartial } = place;
  const where = isReplayed ? `behind ${recordWords(event)}, at ${formatLsn(endLsn)}` : `before ${recordWords(event)}`;
  return [
    ['Recovery stops', `${where} (the record begins at ${formatLsn(lsn)})`],
    ['Segment', `${segmentName}${isInPartial ? ', which is not complete' : ''}; timeline ${timelineId}`],
    ['Last commit in it', lastCommit === undefined ? 'none in the WAL that is there' : commitWords(lastCommit)],
  ];
}

function recordWords(event: WalEvent | undefined): string {
  if (event === undefined) return 'a record';
  const time = event.time === undefined ? '' : ` of ${formatTimestamp(event.time)}`;
  switch (event.kind) {
    case 'commit':
    case 'commitPrepared':
      return `the commit of transaction ${event.xid}${time}`;
    case 'abort':
    case 'abortPrepared':
      return `the rollback of transaction ${event.xid}${time}`;
    case 'restorePoint':
      return `restore point "${event.name}"${time}`;
    case 'checkpoint':
      return 'a checkpoint';
    case 'endOfRecovery':
      return 'the end of a recovery';
  }
}

function commitWords({ xid, time, lsn }: WalEvent): string {
  return `transaction ${xid}${time === undefined ? '' : ` of ${formatTimestamp(time)}`}, LSN ${formatLsn(lsn)}`;
}

/** Whether it can be reached. */
export function reachabilityFacts({ verdict, backup, holes, faulty, wholeFrom }: Reachability): readonly Fact[] {
  const whole: Fact = ['WAL before it', wholeFrom === undefined ? 'is not whole' : `is whole from ${wholeFrom} on`];
  if (backup === undefined) {
    const words =
      verdict === 'unknown'
        ? 'not known: walvault knows of no base backup. One serves that begins in this WAL and ends before the stop'
        : 'no: no base backup ends before it on the way to its timeline';
    return [whole, ['Reachable', words]];
  }
  const ended = backup.end.time === undefined ? '' : ` at ${formatTimestamp(backup.end.time)}`;
  const facts: Fact[] = [['Base backup', `${backup.id}, ended${ended}, LSN ${formatLsn(backup.end.lsn)}`]];
  const missing = holes.map(({ first, last, count }) => (count === 1 ? first : `${first} to ${last} (${count} segments)`));
  if (missing.length > 0) facts.push(['Missing', missing.join(', ')]);
  if (faulty.length > 0) facts.push(['Bad', faulty.join(', ')]);
  return [
    ...facts,
    whole,
    ['Reachable', verdict === 'reachable' ? 'yes' : 'no: WAL between the backup and it is missing or bad'],
  ];
}

/** Why there is no place. */
export function absenceWords(finding: TargetFinding['finding']): string {
  switch (finding.kind) {
    case 'beyond':
      return 'it lies behind all WAL that is here. PostgreSQL 13 and later refuse a target that they do not reach; leave it out to recover to the end';
    case 'before':
      return 'it lies before all WAL that is here';
    case 'hole': {
      const { first, last, count } = finding.hole;
      return `it lies in WAL that is missing: ${count === 1 ? first : `${first} to ${last} (${count} segments)`}`;
    }
    case 'damaged': {
      const { segmentName, fault } = finding;
      return `it may lie behind damage in segment ${segmentName}: the ${fault.kind} at ${formatLsn(fault.lsn)} is not right, ${fault.problem}`;
    }
    case 'absent':
    case 'found':
      return 'nothing of it is in the WAL that is here';
  }
}

/** How far the WAL reaches. */
export function reachFacts({
  timelineId,
  first,
  last,
  endLsn,
  firstCommitTime,
  lastCommitTime,
  partial,
}: WalReach): readonly Fact[] {
  const to = endLsn === undefined ? 'no complete segment' : `${first} to ${last}, up to LSN ${formatLsn(endLsn)}`;
  const facts: Fact[] = [[`WAL of timeline ${timelineId}`, to]];
  if (firstCommitTime !== undefined && lastCommitTime !== undefined)
    facts.push(['Commits in it', `from ${formatTimestamp(firstCommitTime)} to ${formatTimestamp(lastCommitTime)}`]);
  if (partial !== undefined) {
    const commit = partial.lastCommitTime === undefined ? '' : `, last commit ${formatTimestamp(partial.lastCommitTime)}`;
    facts.push(['Behind that', `${partial.name} up to LSN ${formatLsn(partial.verifiedLsn)}${commit}`]);
  }
  return facts;
}

/** What else must be known. */
export function warningsOf({
  found,
  unreadableBackups,
  catalogError,
  segmentsRead,
  unreadable,
  faults,
}: ServerTarget): readonly string[] {
  const { place, others, reach, clockSteps } = found;
  return [
    ...(place !== undefined && place.chainTimelineId !== reach.timelineId
      ? [`it is not on timeline ${reach.timelineId}, but only on timeline ${place.chainTimelineId}`]
      : []),
    ...others.map(
      (other) =>
        `it is also on timeline ${other.timelineId} at ${formatLsn(other.lsn)}, ${recordWords(other.event)}; --lsn finds that one`,
    ),
    ...clockSteps.map(
      ({ segmentName, time }) => `the clock of the server was set back: ${segmentName} has commits of ${formatTimestamp(time)}`,
    ),
    ...unreadableBackups.map(({ path, problem }) => `"${path}" ${problem}`),
    ...circumstanceWords({ catalogError, segmentsRead, unreadable, faults }),
  ];
}

/** What was in the way. */
export function circumstanceWords({
  catalogError,
  segmentsRead,
  unreadable,
  faults,
}: Pick<ServerTarget, 'catalogError' | 'segmentsRead' | 'unreadable' | 'faults'>): readonly string[] {
  return [
    ...(catalogError === undefined ? [] : [catalogError.message]),
    ...(segmentsRead === 0
      ? []
      : [`${segmentsRead} segments of the archive are not in the catalogue, and were read; rebuild-catalog puts them in`]),
    ...[...unreadable.values()].map((error) => error.message),
    ...[...faults].map(
      ([name, { kind, lsn, problem }]) => `segment ${name} is not right: the ${kind} at ${formatLsn(lsn)}, ${problem}`,
    ),
  ];
}

function zoneName(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}
