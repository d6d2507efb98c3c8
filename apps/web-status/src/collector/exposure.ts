/** What would be lost now, by the last samples: the server is asked every 15 seconds, and its receiver hears from it in between. */
import {
  archivedEnd,
  durableExposure,
  endOfServer,
  type Exposure,
  isReportedError,
  isStandby,
  type Place,
  type ReceiverState,
  type ServerObservation,
} from '@walvault/core/observing';
import { parseLsn, toTimelineId } from '@walvault/wal';
import { receiverPhase } from './receiver-phase.ts';
import type { ServerSnapshot } from './server-snapshot.ts';

/** What can be missing in both places. */
export interface SampledExposure {
  readonly durable: Exposure;
  readonly archived: Exposure;
}

/** A stream that is silent is believed to have nothing to bring for so long, counted from when it or the server itself was heard. */
const trustedMs = 30_000;

const unknown = (reason: string): Exposure => ({ bytes: undefined, seconds: undefined, since: undefined, reason });

/** See {@link SampledExposure}; a pure function. */
export function exposure(snapshot: ServerSnapshot, nowMs: number): SampledExposure {
  const { server, live, inspection } = snapshot;
  const facts = inspection?.value.facts;
  if (inspection === undefined) {
    const none = unknown('the server was not looked at yet');
    return { durable: none, archived: none };
  }
  if (facts === undefined) {
    const none = unknown('the server and its files could not be looked at in time');
    return { durable: none, archived: none };
  }
  const { archived } = facts.rpo;
  // What a standby has says nothing of its primary, which was asked as well when the server was checked.
  if (!server.streamingArchiver || isStandby(facts.observation))
    return { durable: grown(facts.rpo.durable, inspection.at, nowMs), archived: grown(archived, inspection.at, nowMs) };
  const receiver = live?.value.receiver.state;
  const observation = withNews(facts.observation, receiver);
  // What the receiver published before the server was asked says nothing of what it has by now.
  const isNewer = live !== undefined && live.at >= inspection.at;
  const durable = isNewer ? durableExposure({ observation, receiver, nowMs }) : facts.rpo.lag;
  const streamAt = heardByStream(snapshot);
  const heardAt = Math.max(inspection.at, streamAt ?? 0);
  const isLive = streamAt !== undefined && nowMs - heardAt <= trustedMs;
  return {
    durable: isLive && durable.since === undefined ? durable : grown(durable, heardAt, nowMs),
    archived: grown(archived, inspection.at, nowMs),
  };
}

/** When a stream that is under way brought its last message, in milliseconds since 1970; undefined where nothing streams. */
function heardByStream({ server, live }: ServerSnapshot): number | undefined {
  if (live === undefined || receiverPhase(server, live.value.receiver) !== 'streaming') return undefined;
  return Date.parse(live.value.receiver.state?.lastMessageAt ?? '') || 0;
}

/** Where the server and the archive stand. */
export function places(snapshot: ServerSnapshot): { readonly server: Place | undefined; readonly archived: Place | undefined } {
  const facts = snapshot.inspection?.value.facts;
  if (facts === undefined) return { server: undefined, archived: undefined };
  const end = endOfServer(withNews(facts.observation, snapshot.live?.value.receiver.state));
  return { server: typeof end === 'string' ? undefined : end, archived: archivedEnd({ files: facts.files }) };
}

/**
 * What was nothing when the server was asked may have become something since, which nobody has heard of: at most as old as the question.
 * What was something has grown older.
 */
function grown(exposure: Exposure, askedAt: number, nowMs: number): Exposure {
  const ageSeconds = Math.max(0, (nowMs - askedAt) / 1000);
  const { since, seconds } = exposure;
  if (seconds === undefined) return exposure;
  return { ...exposure, seconds: since === undefined ? ageSeconds : Math.max(0, (nowMs - Date.parse(since)) / 1000) };
}

/** The server, as the receiver has heard of it since it was asked, where that is further. */
function withNews(observation: ServerObservation, receiver: ReceiverState | undefined): ServerObservation {
  const { streaming } = observation;
  if (isReportedError(streaming) || receiver?.serverLsn == null || receiver.timelineId == null) return observation;
  if (toTimelineId(receiver.timelineId) !== streaming.timelineId) return observation;
  const flushLsn = parseLsn(receiver.serverLsn);
  return flushLsn <= streaming.flushLsn ? observation : { ...observation, streaming: { ...streaming, flushLsn } };
}
