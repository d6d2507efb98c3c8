/**
 * Whether WAL is missing in the archive. Holes stay on record: one that an operator has accepted is mentioned, one that streaming has
 * passed by itself, as gap_policy or slot_policy allow it, somebody must hear of, and what is missing beside that is a failure.
 */
import type { ArchiveListing } from '@walvault/archiver/observing';
import { parseLsn, parseWalFileName, roundDownToSegment, startLsnOfName, type WalSegmentSize } from '@walvault/wal';
import type { RecordedHole } from '../holes.ts';
import { isReportedError } from '../receiver-state.ts';
import { namesOf, rangesOf } from '../segment-ranges.ts';
import type { CheckFacts } from './check-facts.ts';
import { type CheckResult, own } from './check-result.ts';

/** The check. */
export function holes({ server, files: { archive, holes: recorded } }: CheckFacts): CheckResult {
  const name = 'holes';
  if (isReportedError(recorded)) return own(name, 'failed', recorded.message);
  if (isReportedError(archive)) return own(name, 'failed', archive.message);
  const open = recorded.filter(({ resolvedBy }) => resolvedBy === null);
  const missing = archive.timelines.flatMap((timeline) => timeline.holes);
  const reasons = missing.map((range) => reasonOf(range, archive, recorded));
  const unexpected = missing.filter((_, index) => reasons[index] === 'unknown');
  const segments = missing.reduce((sum, { count }) => sum + count, 0);
  const words = [
    ...open.map(({ fromLsn, timelineId }) => `streaming stands at a hole from ${fromLsn} on timeline ${timelineId}`),
    ...unexpected.map(({ first, last, count }) =>
      count === 1 ? `${first} is missing` : `${first} to ${last} are missing (${count})`,
    ),
  ];
  const numbers = { holes: open.length + missing.length, missing_segments: segments };
  // heal-wal does not look behind the end of the archive, where the receiver waits.
  const look = `walvault ${open.length > 0 ? 'doctor' : 'heal-wal --dry-run'} ${server.name}`;
  if (words.length > 0) return own(name, 'failed', `${words.slice(0, 3).join('; ')}. See: ${look}`, numbers);
  if (missing.length === 0) return own(name, 'ok', '', numbers);
  const count = `${segments} segment${segments === 1 ? ' is' : 's are'} missing`;
  if (!reasons.includes('passed'))
    return own(name, 'ok', `${count} where a hole was accepted: no recovery goes past it`, numbers);
  const advice = `take a new base backup, then: walvault heal-wal --accept-holes ${server.name}`;
  return own(name, 'warning', `${count} where streaming went on behind a hole: no recovery goes past it; ${advice}`, numbers);
}

type Missing = ArchiveListing['timelines'][number]['holes'][number];

/** Of all segments in a row that are missing, each must be on record: beside a hole that is known another one may have come. */
function reasonOf(
  { first, last }: Missing,
  { walSegmentSize: size }: ArchiveListing,
  recorded: readonly RecordedHole[],
): 'unknown' | 'passed' | 'accepted' {
  const known = recorded.filter(({ resolvedBy }) => resolvedBy === 'continued' || resolvedBy === 'reset');
  if (known.length === 0 || size === undefined) return 'unknown';
  const [begin, end] = [rangesOf([first], size)[0], rangesOf([last], size)[0]];
  if (begin === undefined || end === undefined) return 'unknown';
  const names = namesOf({ ...begin, last: end.last }, size);
  const resolutions = new Set(names.map((name) => known.findLast((hole) => isIn(name, hole, size))?.resolvedBy));
  if (resolutions.has(undefined)) return 'unknown';
  return resolutions.has('continued') ? 'passed' : 'accepted';
}

function isIn(segment: string, { timelineId, fromLsn, toLsn }: RecordedHole, size: WalSegmentSize): boolean {
  const file = parseWalFileName(segment);
  if (file.kind !== 'segment') return false;
  const start = startLsnOfName(file, size);
  const isBehindStart = file.timelineId >= timelineId && start >= roundDownToSegment(parseLsn(fromLsn), size);
  return isBehindStart && (toLsn === null || start < parseLsn(toLsn));
}
