/** What keeps the data of a server from being safe, as far as it is known: pure functions of what was sampled, and of when. */
import type { CheckFacts } from '@walvault/core/checking';
import { exposureInWords, isReportedError, periodInWords, settingMs } from '@walvault/core/observing';
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

/** All troubles; what is newer comes first. */
export function* troubles(snapshot: ServerSnapshot, nowMs: number): Generator<Trouble> {
  const { server, live, inspection } = snapshot;
  if (live !== undefined && server.streamingArchiver) {
    yield* ofReceiver(receiverPhase(server, live.value.receiver), live.value, nowMs);
    yield* ofStream(snapshot, nowMs);
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

/** A stream that is only said to be there: the receiver, or the network between, has stopped without a word. */
function* ofStream(snapshot: ServerSnapshot, nowMs: number): Generator<Trouble> {
  const { server, live, inspection } = snapshot;
  const state = live?.value.receiver.state;
  if (live === undefined || state === undefined || receiverPhase(server, live.value.receiver) !== 'streaming') return;
  const quietMs = longestQuietMs(inspection?.value.facts);
  const silentMs = nowMs - Date.parse(state.lastMessageAt ?? state.phaseSince);
  if (silentMs > quietMs) {
    const words = `the receiver has heard nothing for ${periodInWords(silentMs)}, not even an answer`;
    yield (silentMs > 2 * quietMs ? danger : warning)(words);
  }
  const { durable } = exposure(snapshot, nowMs);
  if (durable.bytes !== 0 && (durable.seconds ?? 0) * 1000 > quietMs)
    yield warning(`the receiver does not keep up: not durable here yet: ${exposureInWords(durable)}`);
}

/** A receiver that hears nothing asks for an answer after half of wal_sender_timeout, or of a minute where that is 0; and some time for the answer. */
function longestQuietMs(facts: CheckFacts | undefined): number {
  const sql = facts?.observation.sql;
  const senderMs = sql === undefined || isReportedError(sql) ? undefined : settingMs(sql.settings, 'wal_sender_timeout');
  return Math.max(45_000, (senderMs ?? 0) / 2 + 15_000);
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
