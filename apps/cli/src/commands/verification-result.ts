/** What verify-wal has found, as lines and as JSON. */
import type { ServerVerification, VerifyFinding } from '@walvault/core/verifying';
import { recordTypeName, rmgrName } from '@walvault/wal';
import { formatBytes } from '../format.ts';

/** How it was done. */
export interface VerificationRun {
  readonly seconds: number;
  readonly isQuick: boolean;
}

/** The lines: what was looked at, each finding, and the one word at the end. */
export function linesOf(serverName: string, verification: ServerVerification, { seconds, isQuick }: VerificationRun): string[] {
  const { timelines, findings, counts, resumed, waiting, histories, good, bad, unknown } = verification;
  const { holes, missingSegments, verdict } = verification;
  const total = timelines.reduce((sum, { segments }) => sum + segments, 0);
  const rate = isQuick || resumed > 0 ? '' : `, ${formatBytes(counts.bytes / Math.max(seconds, 0.001))}/s`;
  const how = isQuick ? ' (names, sizes and first pages only)' : '';
  return [
    `Server ${serverName}: ${plural(total, 'complete segment')}, ${plural(histories, 'history file')}${how} in ${seconds.toFixed(1)} s${rate}`,
    ...timelines.map(
      ({ timelineId, first, last, segments }) => `\ttimeline ${timelineId}: ${first} to ${last}, ${plural(segments, 'segment')}`,
    ),
    ...(waiting > 0 ? [`\t${waiting} of them wait to be archived`] : []),
    ...(resumed > 0 ? [`\t${resumed} of them were found good by the run that was interrupted`] : []),
    ...(isQuick ? [] : [`\t${counts.records} records, ${counts.commits} commits, ${formatBytes(counts.bytes)} of WAL are right`]),
    ...(verification.hasCatalog ? [] : ['\tThere is no catalogue to hold them against: rebuild-catalog makes one']),
    ...findings.map(lineOf),
    `Verdict: ${verdict} (${good} good, ${bad} bad, ${unknown} unknown, ${plural(holes, 'hole')}${missingSegments > 0 ? ` of ${plural(missingSegments, 'segment')}` : ''})`,
  ];
}

function lineOf({ verdict, name, last, lsn, endLsn, record, expected, found, problem }: VerifyFinding): string {
  const where = last === undefined || last === name ? name : `${name} to ${last}`;
  const range = endLsn === undefined ? [] : [`${lsn} to ${endLsn}`];
  const details = [
    ...range,
    ...(record === undefined ? [] : [record]),
    ...(expected === undefined ? [] : [`expected ${expected}`]),
    ...(found === undefined ? [] : [`found ${found}`]),
  ];
  return `${verdict.toUpperCase()}\t${where}: ${problem}${details.length > 0 ? ` (${details.join('; ')})` : ''}`;
}

/** The same for programs: numbers as numbers, LSNs as text, what does not apply left out. */
export function resultOf(verification: ServerVerification, { seconds, isQuick }: VerificationRun) {
  const { verdict, good, bad, unknown, resumed, holes, missingSegments, waiting, histories } = verification;
  const { counts, timelines, findings, walSegmentSize, systemIdentifier } = verification;
  return {
    verdict,
    quick: isQuick,
    segments: { good, bad, unknown, missing: missingSegments, waiting, resumed },
    holes,
    histories,
    timelines: timelines.map(({ timelineId, first, last, segments }) => ({ timeline: timelineId, first, last, segments })),
    findings: findings.map(findingOf),
    bytes: counts.bytes,
    records: counts.records,
    commits: counts.commits,
    aborts: counts.aborts,
    resource_managers: counts.rmgrs.map(({ rmgr, info, count, recordBytes, fpiBytes }) => ({
      name: `${rmgrName(rmgr)}/${recordTypeName(rmgr, info, counts.magic)}`,
      count,
      record_bytes: recordBytes,
      fpi_bytes: fpiBytes,
    })),
    wal_segment_size: walSegmentSize,
    system_identifier: systemIdentifier === undefined ? null : String(systemIdentifier),
    catalog: catalogState(verification),
    seconds: Math.round(seconds * 1000) / 1000,
  };
}

function catalogState({ hasCatalog, catalogTrouble, notRecorded }: ServerVerification): string {
  if (catalogTrouble !== undefined) return 'unusable';
  if (!hasCatalog) return 'missing';
  return notRecorded === undefined ? 'written' : 'read';
}

function findingOf(finding: VerifyFinding): Readonly<Record<string, string | number>> {
  const { endLsn, ...others } = finding;
  const named = { ...others, end_lsn: endLsn };
  return Object.fromEntries(Object.entries(named).filter((entry): entry is [string, string | number] => entry[1] !== undefined));
}

function plural(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
