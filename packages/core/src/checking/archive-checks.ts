/** What Barman checks of the archive and of the directories that feed it. */
import { isReportedError, type ReportedError } from '../receiver-state.ts';
import { newestArchived } from '../observing/observe-files.ts';
import type { WalQueue } from '../observing/wal-queue.ts';
import { settingMs } from '../observing/server-setting.ts';
import { type CheckResult, failed, judged, passed } from './check-result.ts';
import type { CheckFacts } from './check-facts.ts';
import { periodInWords, sizeInWords } from './quantities-in-words.ts';

type Maybe = CheckResult | undefined;

/** Said only when it fails. While WAL is streamed, the first segment may be a long time off, and nothing is wrong. */
export function walArchive({ files: { archive, receiver, receiverPid } }: CheckFacts): Maybe {
  const name = 'WAL archive';
  if (isReportedError(archive)) return failed(name, archive.message);
  const isEmpty = archive.timelines.length === 0 && archive.histories.length === 0;
  const isStreaming = receiverPid !== undefined && receiver?.phase === 'streaming';
  return isEmpty && !isStreaming ? failed(name, 'please make sure WAL shipping is setup') : undefined;
}

/** An archiver that is switched off must not have left anything. Said only when it fails. */
export function emptyDirectories({ server, files }: CheckFacts): readonly CheckResult[] {
  const { incoming, streaming } = server.directories;
  return [
    ...(server.archiver ? [] : leftIn('incoming', incoming, 'archiver', files.incoming)),
    ...(server.streamingArchiver ? [] : leftIn('streaming', streaming, 'streaming_archiver', files.streaming)),
  ];
}

function leftIn(kind: string, directory: string, archiver: string, queue: WalQueue | ReportedError): readonly CheckResult[] {
  if (isReportedError(queue) || queue.names.length === 0) return [];
  return [failed(`empty ${kind} directory`, `'${directory}' must be empty when ${archiver}=off`)];
}

/** `max_incoming_wals_queue`. Said only when it fails. */
export function queues({ server, files }: CheckFacts): readonly CheckResult[] {
  const of = (kind: string, isOn: boolean, queue: WalQueue | ReportedError): readonly CheckResult[] => {
    if (!isOn) return [];
    const name = `${kind} WALs directory`;
    if (isReportedError(queue)) return [failed(name, queue.message)];
    // One of those that are streamed does not wait: the incomplete one, or what pg_receivewal finds its place by.
    const count = Math.max(0, queue.names.length - (kind === 'streaming' ? 1 : 0));
    const most = server.maxIncomingWalsQueue;
    if (most === undefined || count <= most) return [];
    return [failed(name, `there are too many WALs in queue: ${count}, max ${most}`)];
  };
  return [...of('incoming', server.archiver, files.incoming), ...of('streaming', server.streamingArchiver, files.streaming)];
}

export function directories({ storage: { unusable } }: CheckFacts): CheckResult {
  return judged('directories', unusable === '', unusable);
}

/** A policy that cannot be read keeps every command from running. */
export function retentionPolicy(): CheckResult {
  return passed('retention policy settings');
}

/** `last_wal_maximum_age`, for which no base backup is needed. What is old because nothing came since is not too old. */
export function walMaximumAge(facts: CheckFacts): CheckResult {
  const name = 'wal maximum age';
  const mostMs = facts.server.lastWalMaximumAgeMs;
  if (mostMs === undefined) return passed(name, 'no last_wal_maximum_age provided');
  const { files, nowMs, rpo } = facts;
  const provided = `interval provided: ${periodInWords(mostMs)}`;
  const ageMs = files.lastArchivedAt === undefined ? undefined : Math.max(0, nowMs - files.lastArchivedAt.getTime());
  const age = ageMs === undefined ? 'no WAL files archived' : `latest wal age: ${periodInWords(ageMs)}`;
  const numbers = { wal_age_seconds: ageMs === undefined ? undefined : ageMs / 1000 };
  if (ageMs !== undefined && ageMs <= mostMs) return passed(name, `${provided}, ${age}`, numbers);
  const { seconds } = rpo.lag;
  if (seconds !== undefined && seconds * 1000 <= mostMs) {
    return passed(name, `${provided}, ${age}; all that the server ${seconds === 0 ? 'has' : 'had before'} is here`, numbers);
  }
  if (hasNothingToArchive(facts, mostMs))
    return passed(name, `${provided}, ${age}; the server has written nothing since`, numbers);
  return failed(name, ageMs === undefined ? 'No WAL files archived' : `${provided}, ${age}`, numbers);
}

/** With `archive_timeout` a server that writes anything at all ends the segment in that time. */
function hasNothingToArchive({ files, observation: { sql }, rpo }: CheckFacts, mostMs: number): boolean {
  if (isReportedError(sql) || newestArchived(files.archive) === undefined) return false;
  const timeoutMs = settingMs(sql.settings, 'archive_timeout') ?? 0;
  const isOnlyTheLast = rpo.archived.bytes !== undefined && rpo.archived.bytes < sql.walSegmentSize;
  return timeoutMs > 0 && timeoutMs <= mostMs && isOnlyTheLast;
}

export function walSize({ storage: { entries } }: CheckFacts): CheckResult {
  const name = 'wal size';
  if (isReportedError(entries)) return failed(name, entries.message);
  const bytes = entries.reduce((sum, { size }) => sum + size, 0);
  return passed(name, sizeInWords(bytes), { wals_bytes: bytes });
}

export function compressionSettings({ storage: { compression } }: CheckFacts): CheckResult {
  return judged('compression settings', compression === '', compression);
}

/** What could not be archived, and lies in the errors directory. */
export function archiverErrors({ files: { errors } }: CheckFacts): CheckResult {
  const name = 'archiver errors';
  if (isReportedError(errors)) return failed(name, errors.message);
  const counts = new Map<string, number>();
  const troubles = errors.filter((file) => !file.endsWith('.reason'));
  for (const file of troubles) {
    const kind = kinds[file.slice(file.lastIndexOf('.'))] ?? 'unknown failure';
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  const hint = [...counts].map(([kind, count]) => `${kind}: ${count}`).join(', ');
  const numbers = { archiver_errors: troubles.length };
  return troubles.length === 0 ? passed(name, '', numbers) : failed(name, hint, numbers);
}

const kinds: Readonly<Record<string, string>> = {
  '.error': 'not relevant',
  '.duplicate': 'duplicates',
  '.unknown': 'unknown',
  '.invalid': 'invalid',
};
