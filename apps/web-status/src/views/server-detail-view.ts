/** A snapshot as `/servers/{name}` shows it. */
import type { ServerConfig } from '@walvault/core';
import { isReportedError, type ReceiverState, type ReportedError } from '@walvault/core/observing';
import type { CheckFacts } from '@walvault/core/checking';
import { withoutSecret } from '@walvault/core/viewing';
import { formatLsn } from '@walvault/wal';
import { errorOf, summarize } from '../collector/summarize.ts';
import type { LiveSample, ServerSnapshot } from '../collector/server-snapshot.ts';
import type { ServerDetail } from '../schema/server-detail.ts';
import { archiveView } from './archive-view.ts';

/** See {@link ServerDetail}. */
export function serverDetailView(snapshot: ServerSnapshot, nowMs: number): ServerDetail {
  const { server, live, inspection } = snapshot;
  return {
    summary: summarize(snapshot, nowMs),
    ...connections(server),
    rpoLimitSeconds: server.rpoLimitMs === 0 ? null : server.rpoLimitMs / 1000,
    receiver: receiverView(live?.value),
    postgres: postgresView(inspection?.value.facts),
    archive: archiveView(snapshot),
    run: runView(live?.value),
  };
}

function shown(name: string, value: string | undefined): string | null {
  return withoutSecret(name, value) ?? null;
}

function connections({ conninfo, streamingConninfo }: ServerConfig): Pick<ServerDetail, 'conninfo' | 'streamingConninfo'> {
  return { conninfo: shown('conninfo', conninfo), streamingConninfo: shown('streaming_conninfo', streamingConninfo) };
}

function receiverView(live: LiveSample | undefined): ServerDetail['receiver'] {
  const { pid, state } = live?.receiver ?? {};
  if (state === undefined) return null;
  return { ...published(state), isRunning: pid === state.pid };
}

/** Members are named, so that what a later version publishes beside them does not go out unseen. */
function published(state: ReceiverState): Omit<NonNullable<ServerDetail['receiver']>, 'isRunning'> {
  const { pid, startedAt, updatedAt, phaseSince, startLsn, writtenLsn, verifiedLsn, flushedLsn, acknowledgedLsn } = state;
  const { receivedBytes, segmentsCompleted, reconnects, failedAttempts, caughtUpAt, troubleSince, nextAttemptAt } = state;
  const { partialName, flushLatency, divergence } = state;
  const lsns = { startLsn, writtenLsn, verifiedLsn, flushedLsn, acknowledgedLsn };
  const counts = { receivedBytes, segmentsCompleted, reconnects, failedAttempts };
  const times = { startedAt, updatedAt, phaseSince, caughtUpAt, troubleSince, nextAttemptAt };
  return {
    pid,
    ...times,
    ...lsns,
    ...counts,
    partialName,
    flushLatency: { ...flushLatency, buckets: [...flushLatency.buckets] },
    divergence,
    lastError: errorOf(state.lastError),
  };
}

function postgresView(facts: CheckFacts | undefined): ServerDetail['postgres'] {
  if (facts === undefined) return null;
  const { streaming, sql } = facts.observation;
  const walsender = isReportedError(streaming) ? undefined : streaming;
  const known = isReportedError(sql) ? undefined : sql;
  return {
    version: known?.version ?? walsender?.version ?? null,
    systemIdentifier: (known ?? walsender)?.systemIdentifier.toString() ?? null,
    isInRecovery: known?.isInRecovery ?? null,
    timelineId: walsender?.timelineId ?? known?.timelineId ?? null,
    flushLsn: lsnOrNull((walsender ?? known)?.flushLsn),
    walSegmentSize: known?.walSegmentSize ?? null,
    startedAt: known?.startedAt.toISOString() ?? null,
    clockAheadMs: known?.clockAheadMs ?? null,
    slotCount: known?.slotCount ?? null,
    streamingError: errorIn(streaming),
    sqlError: errorIn(sql),
  };
}

function errorIn(part: object | ReportedError): ReturnType<typeof errorOf> {
  return isReportedError(part) ? errorOf(part) : null;
}

function lsnOrNull(lsn: Parameters<typeof formatLsn>[0] | undefined): string | null {
  return lsn === undefined ? null : formatLsn(lsn);
}

function runView(live: LiveSample | undefined): ServerDetail['run'] {
  if (live?.run === undefined) return null;
  const { pid, state, isAlive, isReady, reason } = live.run;
  const { receiver, archiver, deletion, healing, verification } = state ?? {};
  const isWhole = receiver && archiver && deletion && healing && verification;
  return {
    pid: pid ?? null,
    isAlive,
    isReady,
    reason: reason ?? null,
    duties: isWhole ? { receiver, archiver, deletion, healing, verification } : null,
  };
}
