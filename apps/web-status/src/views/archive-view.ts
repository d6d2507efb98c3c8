/** The archive of a server, as `/servers/{name}` shows it. */
import type { CheckFacts } from '@walvault/core/checking';
import { isReportedError, type FilesObservation } from '@walvault/core/observing';
import type { ServerSnapshot } from '../collector/server-snapshot.ts';
import { errorOf } from '../collector/summarize.ts';
import type { ServerDetail } from '../schema/server-detail.ts';

type ArchiveView = NonNullable<ServerDetail['archive']>;

/** Null before the first look. */
export function archiveView({ server, inspection, archive }: ServerSnapshot): ServerDetail['archive'] {
  const facts = inspection?.value.facts;
  if (facts === undefined) return null;
  const { archive: listing, streaming, incoming, errors, verification } = facts.files;
  const error = [listing, streaming, incoming].find(isReportedError);
  return {
    segments: isReportedError(listing) ? null : listing.timelines.reduce((sum, { count }) => sum + count, 0),
    ...storedSizes(archive),
    streaming: queueView(streaming),
    incoming: queueView(incoming),
    errorFiles: isReportedError(errors) ? null : errors.length,
    disks: disksView(facts, server.directories.streaming),
    verification: verificationView(verification),
    error: errorOf(error),
  };
}

function storedSizes(archive: ServerSnapshot['archive']): Pick<ArchiveView, 'walBytes' | 'storedBytes'> {
  if (archive === undefined || isReportedError(archive.value)) return { walBytes: null, storedBytes: null };
  const totals = archive.value.timelines.flatMap(({ totals }) => totals ?? []);
  if (isReportedError(archive.value.catalog)) return { walBytes: null, storedBytes: null };
  const sum = (of: 'walBytes' | 'storedBytes'): number => totals.reduce((all, one) => all + one[of], 0);
  return { walBytes: sum('walBytes'), storedBytes: sum('storedBytes') };
}

function queueView(queue: FilesObservation['streaming']): ArchiveView['streaming'] {
  if (isReportedError(queue)) return null;
  const { waiting, oldestAt, partials } = queue;
  return { waiting: waiting.length, oldestAt: oldestAt?.toISOString() ?? null, partials: [...partials] };
}

function disksView({ storage: { disks } }: CheckFacts, streaming: string): ArchiveView['disks'] {
  if (isReportedError(disks)) return [];
  return disks.map(({ path, freeBytes, bytesPerHour, hoursLeft }) => ({
    purpose: path === streaming ? 'streaming' : 'archive',
    freeBytes,
    bytesPerHour,
    hoursLeft: hoursLeft ?? null,
  }));
}

function verificationView(found: FilesObservation['verification']): ArchiveView['verification'] {
  if (found === undefined || isReportedError(found)) return null;
  const { finishedAt, verdict, good, bad, unknown, holes, missingSegments } = found;
  return { finishedAt, verdict, good, bad, unknown, holes, missingSegments };
}
