/** What has happened between two looks: a pure function of what was known at each. */
import type { EventKind, StatusEvent } from '../schema/events.ts';
import type { EventBaseline } from './event-baseline.ts';

/** An event that is not kept yet. */
export type NewEvent = Omit<StatusEvent, 'id' | 'server'>;

type Receiver = NonNullable<EventBaseline['receiver']>;

/** In the order in which they are to be kept. What was not known before is no news, but for the holes on record. */
export function eventsBetween(before: EventBaseline, now: EventBaseline, nowMs: number): readonly NewEvent[] {
  const at = new Date(nowMs).toISOString();
  return [
    ...ofReceiver(before.receiver, now.receiver, at),
    ...ofHoles(before.holes ?? [], now.holes ?? []),
    ...ofSlot(before.slot, now.slot, at),
    ...ofServer(before.unreachable, now.unreachable, at),
    ...ofChecks(before.failedChecks, now.failedChecks, at),
    ...ofSegments(before, now),
  ];
}

type Kind = readonly [kind: EventKind, severity: NewEvent['severity']];

function event([kind, severity]: Kind, at: string, message: string, more: Partial<NewEvent> = {}): NewEvent {
  return { at, kind, severity, message, code: null, hint: null, lsn: null, timelineId: null, ...more };
}

function* ofReceiver(before: Receiver | null | undefined, now: Receiver | null | undefined, at: string): Generator<NewEvent> {
  if (before === undefined || now == null) return;
  if (before === null) {
    yield event(['receiverStarted', 'info'], at, `a receiver was started, pid ${now.pid}`);
    yield* ofPhase('starting', now, at);
    return;
  }
  const place = { lsn: now.flushedLsn, timelineId: now.timelineId };
  const isAnother = now.pid !== before.pid;
  if (isAnother && before.phase !== 'stopped' && before.phase !== 'failed' && before.phase !== 'dead')
    yield event(['receiverDied', 'danger'], at, `the receiver with pid ${before.pid} has ended without a word`);
  if (isAnother) yield event(['receiverStarted', 'info'], at, `a receiver was started, pid ${now.pid}`, place);
  yield* ofTrouble(before, now, at);
  yield* ofPhase(isAnother ? 'starting' : before.phase, now, at);
  if (before.timelineId !== null && now.timelineId !== null && before.timelineId !== now.timelineId)
    yield event(
      ['timelineSwitch', 'info'],
      at,
      `streaming went on from timeline ${before.timelineId} to ${now.timelineId}`,
      place,
    );
  if (now.divergence !== null && JSON.stringify(now.divergence) !== JSON.stringify(before.divergence)) {
    const { timelineId, fromLsn, toLsn } = now.divergence;
    const message = `WAL of timeline ${timelineId} from ${fromLsn} to ${toLsn} was received and is not in the history of the server`;
    yield event(['divergence', 'warning'], at, message, { lsn: fromLsn, timelineId });
  }
}

function* ofTrouble(before: Receiver, now: Receiver, at: string): Generator<NewEvent> {
  const { lastError } = now;
  const isNews = lastError !== null && (lastError.at !== before.lastError?.at || lastError.code !== before.lastError.code);
  if (isNews) {
    const { code, message, hint } = lastError;
    const isFatal = now.phase === 'failed';
    yield event(isFatal ? ['receiverFailed', 'danger'] : ['error', 'warning'], lastError.at ?? at, message, {
      code,
      hint,
    });
  }
  const count = now.pid === before.pid ? now.reconnects - before.reconnects : now.reconnects;
  if (count > 0)
    yield event(
      ['reconnect', 'info'],
      at,
      count === 1 ? 'the receiver connects anew' : `the receiver has connected anew ${count} times`,
    );
}

function* ofPhase(before: Receiver['phase'], now: Receiver, at: string): Generator<NewEvent> {
  if (before === now.phase) return;
  const place = { lsn: now.flushedLsn, timelineId: now.timelineId };
  if (now.phase === 'streaming') yield event(['caughtUp', 'good'], at, 'WAL is being received', place);
  if (now.phase === 'stopped') yield event(['receiverStopped', 'warning'], at, 'the receiver was stopped', place);
  if (now.phase === 'dead') yield event(['receiverDied', 'danger'], at, 'the receiver was killed', place);
}

type Hole = NonNullable<EventBaseline['holes']>[number];

function* ofHoles(before: readonly Hole[], now: readonly Hole[]): Generator<NewEvent> {
  const known = new Map(before.map((hole) => [keyOf(hole), hole]));
  for (const hole of now) {
    const { fromLsn, toLsn, timelineId, foundAt, resolvedBy, resolvedAt, reason } = hole;
    const place = { lsn: fromLsn, timelineId };
    const old = known.get(keyOf(hole));
    const words = `WAL is missing from ${fromLsn} ${toLsn === null ? 'on' : `to ${toLsn}`}`;
    if (old === undefined) yield event(['holeFound', 'danger'], foundAt, `${words} (${reason})`, place);
    if (resolvedBy === null || resolvedBy === old?.resolvedBy) continue;
    const isBack = resolvedBy === 'healed' || resolvedBy === 'filled';
    const kind = resolvedBy === 'healed' ? 'healed' : 'holeResolved';
    const what = isBack ? `the WAL from ${fromLsn} to ${toLsn} is here again` : `streaming went on behind the hole at ${fromLsn}`;
    yield event([kind, isBack ? 'good' : 'warning'], resolvedAt ?? foundAt, `${what} (${resolvedBy})`, place);
  }
}

function keyOf({ timelineId, fromLsn, foundAt }: Hole): string {
  return `${timelineId} ${fromLsn} ${foundAt}`;
}

const severities: Readonly<Record<string, NewEvent['severity']>> = { ok: 'good', warning: 'warning', critical: 'danger' };

function* ofSlot(before: EventBaseline['slot'], now: EventBaseline['slot'], at: string): Generator<NewEvent> {
  if (now === undefined || before === undefined || before.level === now.level) return;
  yield event(['slotLevel', severities[now.level] ?? 'warning'], at, `the slot ${now.reason}`);
}

function* ofServer(before: EventBaseline['unreachable'], now: EventBaseline['unreachable'], at: string): Generator<NewEvent> {
  if (before === undefined || now === undefined || (before === null) === (now === null)) return;
  if (now === null) yield event(['serverReachable', 'good'], at, 'the server answers again');
  else yield event(['serverUnreachable', 'danger'], at, now);
}

function* ofChecks(before: EventBaseline['failedChecks'], now: EventBaseline['failedChecks'], at: string): Generator<NewEvent> {
  if (before === undefined || now === undefined) return;
  for (const [name, hint] of Object.entries(now))
    if (before[name] === undefined) yield event(['checkFailed', 'warning'], at, hint === '' ? name : `${name}: ${hint}`);
  for (const name of Object.keys(before)) if (now[name] === undefined) yield event(['checkPassed', 'good'], at, name);
}

function* ofSegments(before: EventBaseline, now: EventBaseline): Generator<NewEvent> {
  const known = new Set((before.badSegments ?? []).map(({ name, checkedAt }) => `${name} ${checkedAt}`));
  for (const { name, detail, checkedAt } of now.badSegments ?? []) {
    const at = new Date(checkedAt).toISOString();
    if (before.badSegments !== undefined && !known.has(`${name} ${checkedAt}`))
      yield event(['segmentBad', 'danger'], at, `${name} is bad${detail === null ? '' : `: ${detail}`}`);
  }
  const { heals, verification } = now;
  if (heals !== undefined && before.heals !== undefined && heals.latestAt > before.heals.latestAt)
    yield event(['healed', 'good'], new Date(heals.latestAt).toISOString(), `put in place again: ${heals.names.join(', ')}`);
  if (verification !== undefined && before.verification?.finishedAt !== verification.finishedAt) {
    const { finishedAt, verdict, bad, missingSegments } = verification;
    const isGood = verdict === 'good';
    const message = `all WAL was verified: ${verdict}, ${bad} bad, ${missingSegments} missing`;
    yield event(['verified', isGood ? 'good' : 'danger'], finishedAt, message);
  }
}
