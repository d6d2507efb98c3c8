/** What `status` says of the archive, of what is missing in it, and of what would be lost now. */
import {
  exposureInWords,
  type Exposure,
  isReportedError,
  newestArchived,
  type RecordedHole,
  type ServerStatus,
} from '@walvault/core/observing';
import { formatAge } from '../format.ts';
import type { Fact } from './status-fact.ts';

/** The lines of the archive. */
export function archiveFacts(status: ServerStatus): readonly Fact[] {
  return [...listingFacts(status), recordedFact(status), queueFact(status), verificationFact(status)];
}

function listingFacts({ files: { archive, lastArchivedAt } }: ServerStatus): readonly Fact[] {
  const last = { key: 'archive_end', description: 'Last WAL in the archive' };
  if (isReportedError(archive)) return [{ ...last, message: `unknown: ${archive.message}` }];
  const newest = newestArchived(archive);
  const age = lastArchivedAt === undefined ? '' : ` (${formatAge(lastArchivedAt.toISOString())})`;
  const count = archive.timelines.reduce((sum, timeline) => sum + timeline.count, 0);
  const holes = archive.timelines.flatMap((timeline) => timeline.holes);
  const holeWords = holes.map(({ first, last: to, count: n }) => (n === 1 ? first : `${first} to ${to} (${n} segments)`));
  return [
    { ...last, message: newest === undefined ? 'none' : newest + age },
    { key: 'archived_segments', description: 'Segments in the archive', message: String(count), value: count },
    {
      key: 'holes',
      description: 'Holes in the archive',
      message: holes.length === 0 ? 'none' : holeWords.join(', '),
      value: holes.length,
    },
  ];
}

/** What waits for archive-wal. */
function queueFact({ files: { streaming, incoming } }: ServerStatus): Fact {
  const fact = { key: 'archive_queue', description: 'Waiting to be archived' };
  if (isReportedError(streaming)) return { ...fact, message: `unknown: ${streaming.message}` };
  if (isReportedError(incoming)) return { ...fact, message: `unknown: ${incoming.message}` };
  const value = streaming.waiting.length + incoming.waiting.length;
  const oldest = [streaming.oldestAt, incoming.oldestAt].flatMap((time) => (time === undefined ? [] : [time.getTime()]));
  const age = oldest.length === 0 ? '' : ` (the oldest since ${formatAge(new Date(Math.min(...oldest)).toISOString())})`;
  return { ...fact, message: `${value}${age}`, value };
}

function verificationFact({ files: { verification } }: ServerStatus): Fact {
  const fact = { key: 'last_verified', description: 'Last verified' };
  if (verification === undefined) return { ...fact, message: 'never as a whole' };
  if ('code' in verification) return { ...fact, message: `unknown: ${verification.message}` };
  const { finishedAt, verdict, good, bad, missingSegments } = verification;
  return { ...fact, message: `${formatAge(finishedAt)}: ${verdict} (${good} good, ${bad} bad, ${missingSegments} missing)` };
}

/** WAL that the server no longer had when it was due. */
function recordedFact({ files: { holes } }: ServerStatus): Fact {
  const fact = { key: 'recorded_holes', description: 'Holes on record' };
  if (isReportedError(holes)) return { ...fact, message: `unknown: ${holes.message}` };
  return { ...fact, message: holes.length === 0 ? 'none' : holes.map(holeWords).join('; '), value: holes.length };
}

function holeWords({ timelineId, fromLsn, toTimelineId, toLsn, resolvedBy, foundAt }: RecordedHole): string {
  const from = `${fromLsn} on timeline ${timelineId}`;
  const to = toLsn === null ? 'unknown' : `${toLsn} on timeline ${toTimelineId}`;
  const state = resolvedBy === null ? 'the receiver waits there' : resolvedBy;
  return `from ${from} to ${to} (${state}, found ${formatAge(foundAt)})`;
}

/** What would be lost if the server were gone now. */
export function safetyFacts({ server, rpo: { durable, archived } }: ServerStatus): readonly Fact[] {
  if (server.passive) return [];
  return [exposureFact('rpo', 'Would be lost now', durable), exposureFact('archived_rpo', 'Not archived yet', archived)];
}

/** `value` is in seconds; there is none where the age is not known. */
function exposureFact(key: string, description: string, exposure: Exposure): Fact {
  const { seconds } = exposure;
  const value = seconds === undefined ? undefined : Math.round(seconds * 1000) / 1000;
  return { key, description, message: exposureInWords(exposure), value };
}
