/**
 * Timeline history files: which timelines a timeline descends from, and where it left each of them.
 *
 * Follows readTimeLineHistory and writeTimeLineHistory (access/transam/timeline.c): one line per ancestor,
 * `<timeline>\t<LSN>\t<reason>`, oldest first; blank lines and lines that start with `#` mean nothing.
 */
import { WalFormatError } from './errors.ts';
import { formatLsn, type Lsn, parseLsn } from './lsn.ts';
import { type TimelineId, toTimelineId } from './timeline.ts';

/** One ancestor of a timeline. */
export interface TimelineSwitch {
  /** The timeline that was left. */
  readonly timelineId: TimelineId;
  /** The switchpoint: the first byte that does not belong to it any more. */
  readonly switchLsn: Lsn;
  /** Why, in the server's words; may be empty. */
  readonly reason: string;
}

const linePattern = /^\s*(\d{1,10})\s+([0-9A-Fa-f]{1,8}\/[0-9A-Fa-f]{1,8})(?:\s+(.*))?$/s;

/**
 * Reads the text of the history file of `timelineId`: its ancestors, oldest first.
 * @throws {WalFormatError} `ERR_INVALID_HISTORY_FILE` on a line that is no entry, or timelines that do not increase.
 */
export function parseHistoryFile(timelineId: TimelineId, text: string): readonly TimelineSwitch[] {
  const switches: TimelineSwitch[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (/^\s*(#.*)?$/s.test(line)) continue;
    const entry = parseLine(line);
    const previous = switches.at(-1)?.timelineId ?? 0;
    if (entry === undefined) throw invalid(timelineId, index, `"${line}" is not "timeline<TAB>LSN<TAB>reason"`);
    if (entry.timelineId <= previous) throw invalid(timelineId, index, 'timeline IDs must increase');
    if (entry.timelineId >= timelineId) throw invalid(timelineId, index, `timeline ${entry.timelineId} cannot be an ancestor`);
    switches.push(entry);
  }
  return switches;
}

/** Writes a history file as PostgreSQL does. */
export function formatHistoryFile(switches: readonly TimelineSwitch[]): string {
  return switches.map((entry) => `${entry.timelineId}\t${formatLsn(entry.switchLsn)}\t${entry.reason}\n`).join('\n');
}

/** The timeline, among `timelineId` and its ancestors, that the byte at `lsn` belongs to (tliOfPointInHistory). */
export function timelineAt(timelineId: TimelineId, switches: readonly TimelineSwitch[], lsn: Lsn): TimelineId {
  return switches.find((entry) => lsn < entry.switchLsn)?.timelineId ?? timelineId;
}

function parseLine(line: string): TimelineSwitch | undefined {
  const match = linePattern.exec(line);
  if (match === null) return undefined;
  const id = Number(match[1]);
  if (id < 1 || id > 0xffff_ffff) return undefined;
  return { timelineId: toTimelineId(id), switchLsn: parseLsn(match[2] ?? ''), reason: match[3] ?? '' };
}

function invalid(timelineId: TimelineId, index: number, problem: string): WalFormatError {
  return new WalFormatError(
    'ERR_INVALID_HISTORY_FILE',
    `invalid history file of timeline ${timelineId}, line ${index + 1}: ${problem}`,
  );
}
