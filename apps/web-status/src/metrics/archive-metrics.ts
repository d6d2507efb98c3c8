/** Metrics of the archive, of what waits for it, of the room for it, and of the checks. */
import { isReportedError } from '@walvault/core/observing';
import { gauge, gauges, type Known, type Reading, type ServerMetric, type ServerView } from './server-metric.ts';

const checkValues = { ok: 0, warning: 1, failed: 2 } as const;

type Queue = { readonly waiting: number; readonly oldestMs: number | undefined };

/** What waits in both directories. */
function queue({ facts }: ServerView): Queue | undefined {
  if (facts === undefined) return undefined;
  const { streaming, incoming } = facts.files;
  if (isReportedError(streaming) || isReportedError(incoming)) return undefined;
  const times = [streaming.oldestAt, incoming.oldestAt].flatMap((time) => (time === undefined ? [] : [time.getTime()]));
  return {
    waiting: streaming.waiting.length + incoming.waiting.length,
    oldestMs: times.length === 0 ? undefined : Math.min(...times),
  };
}

/** Adds up over the timelines, as the catalogue knows them. */
function catalogued({ snapshot: { archive } }: ServerView, part: 'storedBytes' | 'segments'): Known {
  if (archive === undefined || isReportedError(archive.value) || isReportedError(archive.value.catalog)) return undefined;
  return archive.value.timelines.reduce((sum, { totals }) => sum + (totals?.[part] ?? 0), 0);
}

function freeBytes({ facts }: ServerView, disk: 'archive' | 'streaming'): Known {
  const disks = facts?.storage.disks;
  if (disks === undefined || isReportedError(disks)) return undefined;
  return disks[disk === 'archive' ? 0 : 1]?.freeBytes;
}

function verified({ facts }: ServerView, verdict: 'good' | 'bad' | 'unknown' | 'missing'): Known {
  const last = facts?.files.verification;
  if (last === undefined || isReportedError(last)) return undefined;
  return verdict === 'missing' ? last.missingSegments : last[verdict];
}

function checkResults({ snapshot }: ServerView): readonly Reading[] {
  const results = snapshot.inspection?.value.results ?? [];
  return results.map(({ name, status }) => ({ value: checkValues[status], labels: { check: name } }));
}

/** See above. */
export const archiveMetrics: readonly ServerMetric[] = [
  gauge(
    'walvault_holes',
    'Ranges of missing WAL in the archive, those that were accepted included, and those that streaming stands at.',
    ({ summary }) => summary.holes,
  ),
  gauge('walvault_bad_segments', 'Segments whose last verification found them damaged.', ({ summary }) => summary.badSegments),
  gauges(
    'walvault_verified_segments',
    'What the last verification of all WAL has come to, in segments. Missing when there was none.',
    ['verdict', ['good', 'bad', 'unknown', 'missing']],
    verified,
  ),
  gauge(
    'walvault_verify_interval_seconds',
    'How often all WAL is verified, by verify_interval in the configuration. Missing when never.',
    ({ snapshot: { server } }) => (server.verifyIntervalMs === 0 ? undefined : server.verifyIntervalMs / 1000),
  ),
  gauge(
    'walvault_archive_queue_files',
    'Complete segments and history files that wait to be archived.',
    (view) => queue(view)?.waiting,
  ),
  gauge('walvault_archive_queue_oldest_timestamp_seconds', 'Since when the one waits that waits longest.', (view) => {
    const oldestMs = queue(view)?.oldestMs;
    return oldestMs === undefined ? undefined : oldestMs / 1000;
  }),
  gauge('walvault_archive_size_bytes', 'What the segments of the archive take on the disk, by the catalogue.', (view) =>
    catalogued(view, 'storedBytes'),
  ),
  gauge('walvault_archive_segments', 'Segments of the archive, by the catalogue.', (view) => catalogued(view, 'segments')),
  gauges(
    'walvault_disk_free_bytes',
    'Room in the file system of the archive, and in that of the streaming directory where it is another one.',
    ['disk', ['archive', 'streaming']],
    freeBytes,
  ),
  {
    name: 'walvault_check_status',
    type: 'gauge',
    help: 'What a check of `walvault check` says: 0 for OK, 1 for a warning, 2 for failed.',
    labels: { check: 'name of the check, `replication slot`' },
    read: checkResults,
  },
  gauge(
    'walvault_catalog_unknown_segments',
    'Segments of the archive that the catalogue does not know.',
    ({ snapshot: { archive } }) =>
      archive === undefined || isReportedError(archive.value) || isReportedError(archive.value.catalog)
        ? undefined
        : archive.value.catalog.unknownSegments,
  ),
];
