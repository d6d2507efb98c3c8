/** Where on a map each stretch of the archive lies: by place in the WAL, or by the time of the commits in it. */
import type { Coverage, CoveredTimeline } from '../../src/schema/coverage.ts';
import { lsnToNumber } from '../format/lsn.ts';

/** What the map is drawn by. */
export type Axis = 'place' | 'time';

/** A stretch of a timeline. `from` and `to` are bytes of WAL, or milliseconds since 1970. */
export interface Piece {
  readonly kind: 'present' | 'missing';
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/** A damaged segment. */
export interface Spot {
  readonly at: number;
  readonly text: string;
}

/** A row of the map. */
export interface MapRow {
  readonly timelineId: number;
  readonly pieces: readonly Piece[];
  readonly spots: readonly Spot[];
}

/** All of it. */
export interface CoverageMap {
  readonly from: number;
  readonly to: number;
  readonly rows: readonly MapRow[];
}

type Present = CoveredTimeline['ranges'][number];
type Missing = CoveredTimeline['missing'][number];

/** The map; undefined when nothing can be placed on it. */
export function mapOf({ timelines, badSegments }: Coverage, axis: Axis): CoverageMap | undefined {
  const rows = (timelines ?? []).map((timeline) => {
    const pieces = axis === 'place' ? piecesByPlace(timeline) : piecesByTime(timeline);
    const bad = (badSegments ?? []).filter(({ timelineId, lsn }) => timelineId === timeline.timelineId && lsn !== null);
    const spots = bad.flatMap(({ name, lsn, detail }) => {
      const at = axis === 'place' ? lsnToNumber(lsn ?? '') : timeAt(timeline, lsnToNumber(lsn ?? ''));
      return at === undefined ? [] : [{ at, text: `${name}: ${detail ?? 'damaged'}` }];
    });
    return { timelineId: timeline.timelineId, pieces, spots };
  });
  const ends = rows.flatMap(({ pieces }) => pieces.flatMap(({ from, to }) => [from, to]));
  if (ends.length === 0) return undefined;
  const from = ends.reduce((a, b) => Math.min(a, b));
  const to = ends.reduce((a, b) => Math.max(a, b));
  return { from, to: to > from ? to : from + 1, rows };
}

function textOf({ first, last, count }: Present | Missing, isThere: boolean): string {
  const names = count === 1 ? first : `${first} to ${last}`;
  return `${names}: ${count} ${count === 1 ? 'segment' : 'segments'} ${isThere ? 'there' : 'missing'}`;
}

function piecesByPlace({ ranges, missing }: CoveredTimeline): readonly Piece[] {
  const piece = (range: Present | Missing, kind: Piece['kind']): Piece => ({
    kind,
    from: lsnToNumber(range.fromLsn),
    to: lsnToNumber(range.toLsn),
    text: textOf(range, kind === 'present'),
  });
  return [...ranges.map((range) => piece(range, 'present')), ...missing.map((range) => piece(range, 'missing'))];
}

/** A hole lies between the last commit before it and the first behind it. What has no known commit cannot be placed. */
function piecesByTime({ ranges, missing }: CoveredTimeline): readonly Piece[] {
  const known = ranges.flatMap((range) =>
    range.firstCommitTime === null || range.lastCommitTime === null
      ? []
      : [
          {
            range,
            from: Date.parse(range.firstCommitTime),
            to: Date.parse(range.lastCommitTime),
            start: lsnToNumber(range.fromLsn),
          },
        ],
  );
  const holes = missing.flatMap((range): Piece[] => {
    const start = lsnToNumber(range.fromLsn);
    const from = known.findLast((one) => one.start < start)?.to;
    const to = known.find((one) => one.start > start)?.from;
    if (from === undefined && to === undefined) return [];
    return [{ kind: 'missing', from: from ?? to ?? 0, to: to ?? from ?? 0, text: textOf(range, false) }];
  });
  return [...known.map(({ range, from, to }): Piece => ({ kind: 'present', from, to, text: textOf(range, true) })), ...holes];
}

/** About when: as far into the time of its range as it is into its WAL. */
function timeAt({ ranges }: CoveredTimeline, place: number): number | undefined {
  const range = ranges.find(({ fromLsn, toLsn }) => lsnToNumber(fromLsn) <= place && place < lsnToNumber(toLsn));
  if (range?.firstCommitTime === null || range?.lastCommitTime === null || range === undefined) return undefined;
  const [start, end] = [lsnToNumber(range.fromLsn), lsnToNumber(range.toLsn)];
  const [from, to] = [Date.parse(range.firstCommitTime), Date.parse(range.lastCommitTime)];
  return from + ((place - start) / (end - start)) * (to - from);
}
