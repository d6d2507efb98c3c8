/** What keeps the data of a server from being safe, as far as it is known: pure functions of what was sampled, and of when. */
import { endOfServer, exposureInWords, isReportedError, periodInWords } from '@walvault/core/observing';
import { parseLsn } from '@walvault/wal';
import type { ReceiverPhase } from '../schema/server-summary.ts';
import { exposure } from './exposure.ts';
import { receiverPhase } from './receiver-phase.ts';
import type { LiveSample, ServerSnapshot } from './server-snapshot.ts';

/** A trouble, and how bad it is. */
export interface Trouble {
  readonly verdict: 'warning' | 'danger';
  readonly reason: string;
}

/** What lasts for less may be over in a moment: a receiver that has lost its server is reconnecting. */
const patienceMs = 30_000;
/** A check takes no longer, so that the server was asked at most so long before it was over. */
const inspectionMs = 10_000;
/** A state is published within a quarter of a second. */
const publishedWithinMs = 1000;

/** All troubles; what is newer comes first. */
export function* troubles(snapshot: ServerSnapshot, nowMs: number): Generator<Trouble> {
  const { server, live, inspection } = snapshot;
  if (live !== undefined && server.streamingArchiver) {
    yield* ofReceiver(receiverPhase(server, live.value.receiver), live.value, nowMs);
    yield* ofSilence(snapshot, nowMs);
  }
  if (live !== undefined) yield* ofRun(live.value, nowMs);
  yield* ofArchive(snapshot);
  for (const { name, status, hint } of inspection?.value.results ?? []) {
    // The names of some say what should be.
    const about = hint === '' ? name : `${name}: ${hint}`;
    if (status === 'failed') yield danger(`check failed: ${about}`);
    if (status === 'warning') yield warning(`check warns: ${about}`);
  }
  yield* ofAge(snapshot, nowMs);
}

function* ofReceiver(phase: ReceiverPhase, { receiver }: LiveSample, nowMs: number): Generator<Trouble> {
  const { pid, state, stateError, holes } = receiver;
  const trouble = state?.lastError?.message;
  if (isReportedError(holes)) yield danger(`it is not known whether streaming stands at a hole: ${holes.message}`);
  else {
    const open = holes.find(({ resolvedBy }) => resolvedBy === null);
    if (open !== undefined) yield danger(`streaming stands at a hole: WAL from ${open.fromLsn} on is not on the server any more`);
  }
  if (phase === 'failed') yield danger(`the receiver has ended: ${trouble ?? 'see its log'}`);
  if (phase === 'dead') yield danger('the receiver was killed');
  if (phase === 'stopped') yield danger('the receiver is stopped');
  if (phase === 'unknown' && pid === undefined)
    yield danger(`the receiver does not run: ${stateError?.message ?? 'see its log'}`);
  if (phase === 'none') yield danger('no receiver has ever run');
  if (phase === 'starting' || phase === 'waiting') {
    // What an earlier process published says nothing of since when this one is at it.
    const own = state?.pid === pid ? state : undefined;
    const sinceMs = nowMs - Date.parse(own?.troubleSince ?? own?.phaseSince ?? new Date(nowMs).toISOString());
    const words = `the receiver is without its server: ${trouble ?? 'see its log'}`;
    yield grave(sinceMs, phase === 'waiting' ? words : 'the receiver is starting, and receives nothing yet');
  }
  if (phase !== 'streaming' || state?.slotSafety == null) return;
  const { level, reason } = state.slotSafety;
  if (level !== 'ok') yield (level === 'critical' ? danger : warning)(`the slot ${reason}`);
}

/** A walsender sends at once what it has: whoever has not heard of WAL that the server had when it was asked does not listen any more. */
function* ofSilence({ server, live, inspection }: ServerSnapshot, nowMs: number): Generator<Trouble> {
  const facts = inspection?.value.facts;
  const state = live?.value.receiver.state;
  if (live === undefined || inspection === undefined || facts === undefined || state === undefined) return;
  if (receiverPhase(server, live.value.receiver) !== 'streaming' || live.at < inspection.at + publishedWithinMs) return;
  const end = endOfServer(facts.observation);
  const heardOf = state.serverLsn ?? state.writtenLsn;
  if (typeof end === 'string' || heardOf === null || end.timelineId !== state.timelineId || parseLsn(heardOf) >= end.lsn) return;
  const heardMs = Date.parse(state.lastMessageAt ?? state.phaseSince);
  if (heardMs >= inspection.at - inspectionMs) return;
  const silentMs = nowMs - heardMs;
  yield grave(silentMs, `the receiver has heard nothing for ${periodInWords(silentMs)}, and the server has more WAL`);
}

/** The process that receives and archives, where that is `run`. */
function* ofRun({ run, unreadableFiles }: LiveSample, nowMs: number): Generator<Trouble> {
  const unreadable = unreadableFiles.find(({ file }) => file === 'run.json');
  if (unreadable !== undefined) return yield warning(`it is not known what run does: ${unreadable.error.message}`);
  const { pid, state, isAlive, reason } = run ?? {};
  if (pid === undefined || state?.pid !== pid) return;
  if (isAlive !== true) return yield danger(reason ?? 'run has given no sign of life');
  const { phase, since, lastError } = state.archiver;
  const isStuck = (phase === 'waiting' || phase === 'restarting') && nowMs - Date.parse(since) > patienceMs;
  if (isStuck) yield warning(`no WAL is archived: ${lastError?.message ?? `the archiver is ${phase}`}`);
}

/** What the checks do not see: segments that were found damaged since all of them were verified, or by another verification. */
function* ofArchive({ archive }: ServerSnapshot): Generator<Trouble> {
  if (archive === undefined) return;
  if (isReportedError(archive.value)) return yield warning(`the archive cannot be looked at: ${archive.value.message}`);
  const { catalog } = archive.value;
  if (isReportedError(catalog)) {
    const isOfNoConcern = catalog.code === 'ERR_CATALOG_MISSING' || catalog.code === 'ERR_CATALOG_BUSY';
    if (!isOfNoConcern) yield warning(`it is not known which segments are damaged: ${catalog.message}`);
    return;
  }
  const [first, ...others] = catalog.badChecks.filter(({ verdict }) => verdict === 'bad').map(({ name }) => name);
  if (first === undefined) return;
  yield danger(`${first}${others.length === 0 ? ' is' : ` and ${others.length} more are`} damaged in the archive`);
}

/** Where WAL comes by archive_command alone, `walvault check` does not bound what would be lost. */
function* ofAge(snapshot: ServerSnapshot, nowMs: number): Generator<Trouble> {
  const { server } = snapshot;
  if (server.streamingArchiver || server.passive) return;
  const { durable } = exposure(snapshot, nowMs);
  if (durable.bytes === 0 || durable.seconds === undefined || durable.seconds * 1000 <= server.rpoLimitMs) return;
  const limit = periodInWords(server.rpoLimitMs);
  yield warning(`not here yet: ${exposureInWords(durable)}; rpo_limit is ${limit}. Set archive_timeout on the server, or stream`);
}

function grave(sinceMs: number, reason: string): Trouble {
  return sinceMs > patienceMs ? danger(reason) : warning(reason);
}

function warning(reason: string): Trouble {
  return { verdict: 'warning', reason };
}

function danger(reason: string): Trouble {
  return { verdict: 'danger', reason };
}
