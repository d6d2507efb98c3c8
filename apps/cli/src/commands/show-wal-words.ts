/** What `show-wal` says to people. */
import { type ArchiveSurvey, CatalogError, type CatalogSurvey, type SegmentView, type SurveyedTimeline } from '@walvault/core';
import { formatLsn, formatTimestamp, type RestorePoint } from '@walvault/wal';
import { formatBytes } from '../format.ts';

/** The whole archive, as lines. */
export function surveyLines({ listing, timelines, catalog }: ArchiveSurvey): readonly string[] {
  if (listing.walSegmentSize === undefined) return ['There is no complete segment in the archive.'];
  const segments = timelines.reduce((sum, { count }) => sum + count, 0);
  return [
    `Segments: ${segments} of ${formatBytes(listing.walSegmentSize)} in the archive, ${waitingWords(timelines)}`,
    ...listing.impossibleNames.map((name) => `No segment of this size can be called ${name}`),
    '',
    'Timelines:',
    ...treeLines(timelines, undefined, ''),
    '',
    ...(catalog instanceof CatalogError ? [`Catalogue: none that can be used (${catalog.message})`] : catalogLines(catalog)),
  ];
}

function waitingWords(timelines: readonly SurveyedTimeline[]): string {
  const waiting = timelines.reduce((sum, timeline) => sum + timeline.waiting, 0);
  return waiting === 0 ? 'waiting to be archived: none' : `waiting to be archived: ${waiting}`;
}

/** Each timeline below the one that it came from. */
function treeLines(all: readonly SurveyedTimeline[], parentId: number | undefined, indent: string): readonly string[] {
  const ids = new Set<number>(all.map(({ timelineId }) => timelineId));
  const isRoot = (timeline: SurveyedTimeline): boolean => timeline.parentId === undefined || !ids.has(timeline.parentId);
  const children = all.filter((timeline) => (parentId === undefined ? isRoot(timeline) : timeline.parentId === parentId));
  return children.flatMap((timeline) => [
    ...timelineLines(timeline).map((line, index) => `${indent}  ${index === 0 ? '' : '    '}${line}`),
    ...treeLines(all, timeline.timelineId, `${indent}  `),
  ]);
}

function timelineLines({
  timelineId,
  parentId,
  beginLsn,
  first,
  last,
  count,
  holes,
  partials,
  totals,
}: SurveyedTimeline): readonly string[] {
  const origin =
    parentId === undefined
      ? ''
      : ` from timeline ${parentId} at ${beginLsn === undefined ? 'an unknown place' : formatLsn(beginLsn)}`;
  const range = first === undefined || last === undefined ? 'no complete segment' : `${first} to ${last}, ${count} segments`;
  const lines = [`${timelineId}${origin}: ${range}`];
  for (const hole of holes)
    lines.push(`missing: ${hole.count === 1 ? hole.first : `${hole.first} to ${hole.last}, ${hole.count} segments`}`);
  for (const partial of partials) lines.push(`not complete: ${partial}`);
  if (totals === undefined) return lines;
  const { segments, bad, linked, unlinked, storedBytes, walBytes, firstCommitTime, lastCommitTime, commits } = totals;
  lines.push(`${formatBytes(walBytes)} of WAL in ${formatBytes(storedBytes)} (${ratio(storedBytes, walBytes)})`);
  lines.push(
    `checked when archived: ${segments - bad} good, ${bad} bad; ${linked} continue the one before, ${unlinked} do not, ${segments - linked - unlinked} unknown`,
  );
  if (firstCommitTime !== undefined && lastCommitTime !== undefined)
    lines.push(`${commits} commits from ${formatTimestamp(firstCommitTime)} to ${formatTimestamp(lastCommitTime)}`);
  return lines;
}

function catalogLines({
  days,
  compressions,
  restorePoints,
  lastVerify,
  badChecks,
  heals,
  unknownSegments,
  goneSegments,
}: CatalogSurvey): readonly string[] {
  const lines = ['By compression:'];
  for (const { compression, segments, storedBytes, walBytes } of compressions)
    lines.push(
      `  ${(compression ?? 'none').padEnd(8)} ${segments} segments, ${formatBytes(walBytes)} in ${formatBytes(storedBytes)} (${ratio(storedBytes, walBytes)})`,
    );
  lines.push('', 'By day (UTC, when they were archived):');
  for (const { day, segments, storedBytes, walBytes, commits } of days)
    lines.push(
      `  ${day} ${segments} segments, ${formatBytes(walBytes)} in ${formatBytes(storedBytes)} (${ratio(storedBytes, walBytes)}), ${formatBytes(Math.round(walBytes / 86_400))}/s, ${commits} commits`,
    );
  lines.push('', `Restore points: ${restorePoints}`, `Last verify-wal: ${verifyWords(lastVerify)}`);
  for (const { name, verdict, detail } of badChecks)
    lines.push(`  ${name}: ${verdict}${detail === undefined ? '' : `, ${detail}`}`);
  lines.push(
    `Healed: ${heals.length === 0 ? 'nothing' : `${heals.length} segments, the last one ${heals[0]?.name} from ${heals[0]?.source}`}`,
  );
  if (unknownSegments > 0) lines.push(`Not in the catalogue: ${unknownSegments} segments; rebuild-catalog puts them in`);
  if (goneSegments > 0) lines.push(`In the catalogue and not in the archive: ${goneSegments} segments`);
  return lines;
}

function verifyWords(run: CatalogSurvey['lastVerify']): string {
  if (run?.finishedAt === undefined) return 'never';
  const { good, bad, holes, unknown } = run;
  return `${new Date(run.finishedAt).toISOString()}: ${good} good, ${bad} bad, ${holes} holes, ${unknown} unknown`;
}

/** One segment, as lines. */
export function segmentLines({ entry, isFromCatalog, check, heals }: SegmentView): readonly string[] {
  const { facts, storedBytes, compression, archivedAt, modifiedAt } = entry;
  const { statistics, fault } = facts;
  const lines: (readonly [string, string])[] = [
    ['Segment', `${facts.name}, timeline ${facts.timelineId}`],
    ['LSN', `from ${formatLsn(facts.startLsn)}, right up to ${formatLsn(facts.verifiedLsn)}`],
    ['Cluster', String(facts.systemIdentifier)],
    [
      'Verdict',
      fault === undefined
        ? facts.verdict
        : `${facts.verdict}: the ${fault.kind} at ${formatLsn(fault.lsn)} is not right, ${fault.problem}`,
    ],
    ['Continues the one before', { proven: 'yes', broken: 'no', unknown: 'unknown' }[facts.link]],
    ['Stored', `${formatBytes(storedBytes)} of ${formatBytes(facts.walSegmentSize)}, ${compression ?? 'not compressed'}`],
    ['SHA-256', facts.sha256],
    [
      'Written, archived',
      isFromCatalog ? `${iso(modifiedAt * 1000)}, ${iso(archivedAt)}` : `${iso(modifiedAt * 1000)}; not in the catalogue`,
    ],
    ['Records', `${statistics.records}, ${statistics.commits} commits, ${statistics.aborts} rollbacks`],
    ['Transactions', statistics.firstXid === undefined ? 'none' : `${statistics.firstXid} to ${statistics.lastXid}`],
    ['Commits', commitRange(statistics)],
    ...statistics.restorePoints.map((point) => ['Restore point', restorePointWords(point)] as const),
    [
      'Last verify-wal',
      check === undefined
        ? 'never'
        : `${iso(check.checkedAt)}: ${check.verdict}${check.detail === undefined ? '' : `, ${check.detail}`}`,
    ],
    ...heals.map(({ healedAt, reason, source }) => ['Healed', `${iso(healedAt)} from ${source}, since ${reason}`] as const),
  ];
  return lines.map(([what, words]) => `${`${what}:`.padEnd(26)}${words}`);
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

function commitRange({ firstCommitTime, lastCommitTime }: SegmentView['entry']['facts']['statistics']): string {
  if (firstCommitTime === undefined || lastCommitTime === undefined) return 'none';
  return `from ${formatTimestamp(firstCommitTime)} to ${formatTimestamp(lastCommitTime)}`;
}

function restorePointWords({ name, time, lsn, endLsn }: RestorePoint): string {
  return `${name} at ${formatTimestamp(time)}, LSN ${formatLsn(lsn)} to ${formatLsn(endLsn)}`;
}

function ratio(part: number, whole: number): string {
  return whole === 0 ? '0 %' : `${((100 * part) / whole).toFixed(1)} %`;
}
