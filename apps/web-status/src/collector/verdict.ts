/** Whether the data of a server is safe: one word, and why. A pure function of what was sampled, and of when. */
import { exposureInWords, isReportedError, periodInWords } from '@walvault/core/observing';
import type { ReceiverPhase, Verdict } from '../schema/server-summary.ts';
import { exposure } from './exposure.ts';
import { receiverPhase } from './receiver-phase.ts';
import type { LiveSample, ServerSnapshot } from './server-snapshot.ts';

/** A judgement. */
export interface Judgement {
  readonly verdict: Verdict;
  readonly reason: string;
}

/** Samples that are older do not count. */
const freshLiveMs = 15_000;
const freshInspectionMs = 90_000;
/** A receiver that has lost its server for less is reconnecting. */
const patienceMs = 30_000;

/** Judges. The worst that is known counts; the state of the receiver, which is newer, before what the checks say. */
export function judge(snapshot: ServerSnapshot, nowMs: number): Judgement {
  return (
    ignorance(snapshot, nowMs) ??
    worst(judgements(snapshot, nowMs)) ??
    ignoranceOfExposure(snapshot, nowMs) ??
    safe(snapshot, nowMs)
  );
}

function ignorance({ server, live, inspection }: ServerSnapshot, nowMs: number): Judgement | undefined {
  if (!server.active) return unknown('the server is switched off in the configuration (active = false)');
  if (live === undefined || inspection === undefined) return unknown('the server is being looked at for the first time');
  if (nowMs - live.at > freshLiveMs)
    return unknown(`the state of the receiver was read ${periodInWords(nowMs - live.at)} ago the last time`);
  if (nowMs - inspection.at > freshInspectionMs)
    return unknown(`the server was checked ${periodInWords(nowMs - inspection.at)} ago the last time`);
  return undefined;
}

function* judgements(snapshot: ServerSnapshot, nowMs: number): Generator<Judgement> {
  const { server, live, inspection } = snapshot;
  if (live !== undefined && server.streamingArchiver)
    yield* ofReceiver(receiverPhase(server, live.value.receiver), live.value, nowMs);
  for (const { name, status, hint } of inspection?.value.results ?? []) {
    const reason = hint === '' ? name : `${name}: ${hint}`;
    if (status === 'failed') yield danger(reason);
    if (status === 'warning') yield warning(reason);
  }
}

function* ofReceiver(phase: ReceiverPhase, { receiver }: LiveSample, nowMs: number): Generator<Judgement> {
  const { state, holes } = receiver;
  const trouble = state?.lastError?.message;
  const open = isReportedError(holes) ? undefined : holes.find(({ resolvedBy }) => resolvedBy === null);
  if (open !== undefined) yield danger(`streaming stands at a hole: WAL from ${open.fromLsn} on is not on the server any more`);
  if (phase === 'failed') yield danger(`the receiver has ended: ${trouble ?? 'see its log'}`);
  if (phase === 'dead') yield danger('the receiver was killed');
  if (phase === 'stopped') yield danger('the receiver is stopped');
  if (phase === 'none') yield danger('no receiver has ever run');
  if (phase === 'waiting') {
    const sinceMs = nowMs - Date.parse(state?.troubleSince ?? state?.phaseSince ?? new Date(nowMs).toISOString());
    const words = `the receiver is without its server: ${trouble ?? 'see its log'}`;
    yield sinceMs > patienceMs ? danger(words) : warning(words);
  }
  if (phase !== 'streaming' || state?.slotSafety == null) return;
  const { level, reason } = state.slotSafety;
  if (level !== 'ok') yield (level === 'critical' ? danger : warning)(`the slot ${reason}`);
}

/** The first of the worst. */
function worst(found: Iterable<Judgement>): Judgement | undefined {
  const all = [...found];
  return all.find(({ verdict }) => verdict === 'danger') ?? all[0];
}

function ignoranceOfExposure(snapshot: ServerSnapshot, nowMs: number): Judgement | undefined {
  const { durable } = exposure(snapshot, nowMs);
  if (durable.bytes !== undefined && durable.seconds !== undefined) return undefined;
  return unknown(`it is not known what would be lost: ${durable.reason ?? 'see the checks'}`);
}

function safe(snapshot: ServerSnapshot, nowMs: number): Judgement {
  const { durable } = exposure(snapshot, nowMs);
  const isNothing = durable.bytes === 0 && durable.seconds === 0;
  return {
    verdict: 'safe',
    reason: isNothing ? 'everything that is committed is durable here' : `not durable here yet: ${exposureInWords(durable)}`,
  };
}

function unknown(reason: string): Judgement {
  return { verdict: 'unknown', reason };
}

function warning(reason: string): Judgement {
  return { verdict: 'warning', reason };
}

function danger(reason: string): Judgement {
  return { verdict: 'danger', reason };
}
