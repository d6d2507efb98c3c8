/** What may be wrong with a server that is safe, one thing at a time: nothing of it may be called safe. */
import { isReportedError, type ReceiverState, type ReportedError } from '@walvault/core/observing';
import { formatLsn, parseLsn } from '@walvault/wal';
import type { Survey } from '../survey/surveyed-archive.ts';
import type { LiveSample, ServerSnapshot } from './server-snapshot.ts';

const hourMs = 3_600_000;

/** A snapshot in doubt: what is wrong with it, and the snapshot. */
export type Doubtful = readonly [what: string, snapshot: ServerSnapshot];

/** Changes of a snapshot that is whole and safe. @param nowMs when it is judged @throws {Error} when it is not whole */
export function doubtfulSnapshots(snapshot: ServerSnapshot, nowMs: number): readonly Doubtful[] {
  return [
    ...withOldSamples(snapshot, nowMs),
    ...withReceiver(snapshot, nowMs),
    ...withArchive(snapshot),
    ...withChecks(snapshot),
  ];
}

function whole({ live, inspection, archive }: ServerSnapshot) {
  const state = live?.value.receiver.state;
  const facts = inspection?.value.facts;
  if (live === undefined || state === undefined || inspection === undefined || facts === undefined || archive === undefined)
    throw new Error('the snapshot is not whole');
  if (isReportedError(archive.value)) throw new Error(archive.value.message);
  return { live, state, inspection, facts, archive, survey: archive.value };
}

function* withOldSamples(snapshot: ServerSnapshot, nowMs: number): Generator<Doubtful> {
  const { live, inspection, archive } = whole(snapshot);
  for (const [what, atMs] of [
    ['old', nowMs - 2 * hourMs],
    ['of a time to come', nowMs + 2 * hourMs],
  ] as const) {
    yield [`the receiver: ${what}`, { ...snapshot, live: { ...live, at: atMs } }];
    yield [`the checks: ${what}`, { ...snapshot, inspection: { ...inspection, at: atMs } }];
    yield [`the archive: ${what}`, { ...snapshot, archive: { ...archive, at: atMs } }];
  }
  yield ['no look at the receiver', { ...snapshot, live: undefined }];
  yield ['no check', { ...snapshot, inspection: undefined }];
  yield ['no look at the archive', { ...snapshot, archive: undefined }];
  yield ['a server that is switched off', { ...snapshot, server: { ...snapshot.server, active: false } }];
}

function* withReceiver(snapshot: ServerSnapshot, nowMs: number): Generator<Doubtful> {
  const { live, state } = whole(snapshot);
  const { receiver, run, unreadableFiles } = live.value;
  const sample = (value: LiveSample, at = live.at): ServerSnapshot => ({ ...snapshot, live: { at, value } });
  const stating = (change: Partial<ReceiverState>) =>
    sample({ run, unreadableFiles, receiver: { ...receiver, state: { ...state, ...change } } });
  for (const phase of ['starting', 'waiting', 'stopped', 'failed'] as const) yield [`a receiver: ${phase}`, stating({ phase })];
  yield ['a receiver that was killed', sample({ run, unreadableFiles, receiver: { ...receiver, pid: undefined } })];
  yield ['another process in its place', sample({ run, unreadableFiles, receiver: { ...receiver, pid: state.pid + 1 } })];
  yield ['no state of it', sample({ run, unreadableFiles, receiver: { ...receiver, state: undefined } })];
  const unread = { ...receiver, state: undefined, stateError: trouble };
  yield ['a state of it that cannot be read', sample({ run, unreadableFiles, receiver: unread })];
  const ofRun = [{ file: 'run.json', error: trouble }] as const;
  yield ['a state of run that cannot be read', sample({ run, receiver, unreadableFiles: ofRun })];
  yield ['a receiver on another timeline', stating({ timelineId: 17 })];
  yield ['a receiver that knows no place', stating({ flushedLsn: null })];
  const slotSafety = { level: 'warning', retainedBytes: 1, safeBytes: 1, reason: 'is nearly full' } as const;
  yield ['a slot near its limit', stating({ slotSafety })];
  yield ['holes that cannot be read', sample({ run, unreadableFiles, receiver: { ...receiver, holes: trouble } })];
  const hole = { timelineId: 1, fromLsn: '0/3000000', toTimelineId: null, toLsn: null, resolvedBy: null, resolvedAt: null };
  const holes = [{ ...hole, reason: 'walRemoved', foundAt: new Date(nowMs).toISOString() } as const];
  yield ['an open hole', sample({ run, unreadableFiles, receiver: { ...receiver, holes } })];
  const longAgo = new Date(nowMs - hourMs).toISOString();
  yield ['a receiver that hears nothing', stating({ lastMessageAt: longAgo })];
  yield ['a receiver that does not keep up', stating({ ...behind(state), caughtUpAt: longAgo })];
  yield ['run without a sign of life', sample({ receiver, unreadableFiles, run: runOf(state.pid, false, nowMs) })];
  yield ['an archiver of run that is stuck', sample({ receiver, unreadableFiles, run: runOf(state.pid, true, nowMs - hourMs) })];
}

function behind({ flushedLsn }: ReceiverState): Pick<ReceiverState, 'writtenLsn' | 'flushedLsn' | 'serverLsn'> {
  const lsn = formatLsn((parseLsn(flushedLsn ?? '0/3000000') - 8n) as ReturnType<typeof parseLsn>);
  return { writtenLsn: lsn, flushedLsn: lsn, serverLsn: lsn };
}

const trouble: ReportedError = { code: 'ERR_IO', message: 'cannot be read', hint: null, at: '2026-07-01T00:00:00.000Z' };

function runOf(pid: number, isAlive: boolean, sinceMs: number): NonNullable<LiveSample['run']> {
  const since = new Date(sinceMs).toISOString();
  const idle = { phase: 'idle', since, restarts: 0, lastError: null, nextStartAt: null } as const;
  const duties = { receiver: { ...idle, phase: 'working' }, deletion: idle, healing: idle, verification: idle } as const;
  const archiver = { ...idle, phase: isAlive ? 'waiting' : 'idle', lastError: trouble } as const;
  const state = { version: 1, server: 'pg', pid, startedAt: since, updatedAt: since, ...duties, archiver } as const;
  return { pid, state, stateError: undefined, isAlive, isReady: false, reason: 'run has given no sign of life for 40 s' };
}

function* withArchive(snapshot: ServerSnapshot): Generator<Doubtful> {
  const { archive, survey } = whole(snapshot);
  const surveyed = (value: Survey | ReportedError): ServerSnapshot => ({ ...snapshot, archive: { ...archive, value } });
  yield ['an archive that cannot be looked at', surveyed(trouble)];
  const bad = { name: '000000010000000000000001', checkedAt: 0, verdict: 'bad', detail: undefined } as const;
  if (!('days' in survey.catalog)) throw new Error(survey.catalog.message);
  yield ['a damaged segment', surveyed({ ...survey, catalog: { ...survey.catalog, badChecks: [bad] } })];
}

function* withChecks(snapshot: ServerSnapshot): Generator<Doubtful> {
  const { inspection } = whole(snapshot);
  const { facts, results } = inspection.value;
  for (const [index, { name }] of results.entries())
    for (const status of ['failed', 'warning'] as const) {
      const changed = results.map((result, at) => (at === index ? { ...result, status } : result));
      yield [`${name}: ${status}`, { ...snapshot, inspection: { ...inspection, value: { facts, results: changed } } }];
    }
  const durable = { bytes: 1000, seconds: 0, since: '2026-07-01T00:00:00.000Z', reason: undefined };
  const byCommand = { ...inspection, value: { results, facts: { ...facts, rpo: { ...facts?.rpo, durable } } } };
  const server = { ...snapshot.server, streamingArchiver: false };
  yield ['WAL by archive_command that is too old', { ...snapshot, server, inspection: byCommand as typeof inspection }];
  yield ['nothing found out in time', { ...snapshot, inspection: { ...inspection, value: { facts: undefined, results: [] } } }];
}
