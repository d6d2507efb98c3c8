/** What verify-wal will look at, in which order, and what can be said by the names alone: what is missing. */
import {
  firstTimelineId,
  formatLsn,
  historyFileName,
  parseHistoryFile,
  parseWalFileName,
  type SegmentNumber,
  segmentEndLsn,
  segmentNumberOfName,
  segmentStartLsn,
  type TimelineId,
  type TimelineSwitch,
  walFileName,
  type WalSegmentSize,
  WalvaultError,
} from '@walvault/wal';
import { ContentFile, type OpenOptions } from '../content/content.ts';
import type { WalReadOptions } from '../restoring/open-wal.ts';
import { deletionOf, type DeletionRecord, readDeletionRecord } from '../retention/deletion-record.ts';
import { isSegmentFile, positionOf, type SegmentFileName } from '../wal-files/layout.ts';
import { surveyTimelines, type WalHole } from '../wal-files/list-archive.ts';
import { Timelines } from '../wal-files/timelines.ts';
import { sampleCluster } from './cluster-sample.ts';
import type { VerifyFinding } from './finding.ts';
import { SegmentRange, type VerifyRange } from './verify-range.ts';
import { type PlacedFile, takeInventory, type WalInventory } from './wal-inventory.ts';

/** A segment to look at. */
export interface PlannedSegment extends PlacedFile<SegmentFileName> {
  readonly segment: SegmentNumber;
}

/** The plan. */
export interface VerifyPlan {
  readonly walSegmentSize: WalSegmentSize;
  readonly systemIdentifier: bigint | undefined;
  readonly timelines: Timelines;
  /** Complete segments in the range: timelines in order, each in order of position. */
  readonly segments: readonly PlannedSegment[];
  /** Partial segments in the range that no complete one stands for. */
  readonly partials: readonly PlannedSegment[];
  /** All complete segments there are, by name: a segment of the range may follow one outside of it. */
  readonly all: ReadonlyMap<string, PlannedSegment>;
  /** How many history files were read. */
  readonly histories: number;
  /** What is known without a look into segments. */
  readonly findings: readonly VerifyFinding[];
}

/**
 * Makes the plan.
 * @throws {FileSystemError} when a directory, or the record of deletions, cannot be read; @throws {DeletionRecordError}
 * @throws {WalFormatError} when an end of the range is a name that cannot exist
 */
export async function planVerification(reading: WalReadOptions, range: VerifyRange): Promise<VerifyPlan> {
  const { directories, deletionRecordPath } = reading;
  const options = { custom: directories.custom };
  const inventory = await takeInventory(directories);
  const cluster = await sampleCluster(inventory.segments, reading, options);
  const histories = await readHistories(inventory.histories, options);
  const deletions: DeletionRecord = deletionRecordPath === undefined ? new Map() : await readDeletionRecord(deletionRecordPath);
  const timelines = new Timelines(histories.switches);
  return new Planner(inventory, { ...cluster, timelines, deletions, range }).plan(histories);
}

interface Histories {
  readonly switches: ReadonlyMap<TimelineId, readonly TimelineSwitch[]>;
  readonly findings: readonly VerifyFinding[];
}

/** Reads all history files; a damaged one is told, and as good as none. */
async function readHistories(files: readonly PlacedFile[], options: OpenOptions): Promise<Histories> {
  const switches = new Map<TimelineId, readonly TimelineSwitch[]>();
  const findings: VerifyFinding[] = [];
  for (const { file, path } of files) {
    try {
      await using content = await ContentFile.open(path, options);
      if (content === undefined) continue;
      const text = (await content.head(largestHistory)).toString('utf8');
      switches.set(file.timelineId, parseHistoryFile(file.timelineId, text));
    } catch (error) {
      if (!WalvaultError.is(error)) throw error;
      findings.push({ verdict: 'bad', name: file.name, path, kind: 'file', problem: error.message });
    }
  }
  return { switches, findings };
}

/** A line for each ancestor: what is longer is something else. */
const largestHistory = 1024 * 1024;

class Planner {
  readonly #inventory: WalInventory;
  readonly #walSegmentSize: WalSegmentSize;
  readonly #systemIdentifier: bigint | undefined;
  readonly #timelines: Timelines;
  readonly #deletions: DeletionRecord;
  readonly #range: SegmentRange;

  constructor(
    inventory: WalInventory,
    known: {
      readonly walSegmentSize: WalSegmentSize;
      readonly systemIdentifier: bigint | undefined;
      readonly timelines: Timelines;
      readonly deletions: DeletionRecord;
      readonly range: VerifyRange;
    },
  ) {
    this.#inventory = inventory;
    this.#walSegmentSize = known.walSegmentSize;
    this.#systemIdentifier = known.systemIdentifier;
    this.#timelines = known.timelines;
    this.#deletions = known.deletions;
    this.#range = new SegmentRange(known.range, known.walSegmentSize);
  }

  plan(histories: Histories): VerifyPlan {
    const { segments, partials, misplaced } = this.#inventory;
    const survey = surveyTimelines({
      archived: [...segments, ...partials].map(({ file }) => file),
      waiting: [],
      walSegmentSize: this.#walSegmentSize,
      timelines: this.#timelines,
    });
    const impossible = new Set(survey.impossibleNames);
    const placed = segments.filter(({ file }) => !impossible.has(file.name)).map((file) => this.#planned(file));
    const all = new Map(placed.map((planned) => [planned.file.name, planned]));
    return {
      walSegmentSize: this.#walSegmentSize,
      systemIdentifier: this.#systemIdentifier,
      timelines: this.#timelines,
      segments: placed.filter((planned) => this.#isInRange(planned)).toSorted(inOrder),
      partials: partials
        .filter(({ file }) => !impossible.has(file.name) && !all.has(file.name.slice(0, 24)))
        .map((file) => this.#planned(file))
        .filter((planned) => this.#isInRange(planned)),
      all,
      histories: this.#inventory.histories.length,
      findings: [
        ...histories.findings,
        ...this.#missingHistories(),
        ...survey.timelines.flatMap(({ timelineId, holes }) => holes.flatMap((hole) => this.#holeFinding(timelineId, hole))),
        ...segments.filter(({ file }) => impossible.has(file.name)).map((file) => this.#impossible(file)),
        ...misplaced.map(misplacedFinding),
      ],
    };
  }

  #planned(placed: PlacedFile<SegmentFileName>): PlannedSegment {
    return { ...placed, segment: segmentNumberOfName(placed.file, this.#walSegmentSize) };
  }

  #isInRange({ file, segment }: PlannedSegment): boolean {
    return this.#range.has(file.timelineId, segment);
  }

  /** A timeline with segments needs its history file; the first one has none. */
  #missingHistories(): readonly VerifyFinding[] {
    const names = new Set(this.#inventory.histories.map(({ file }) => file.name));
    const used = new Set(this.#inventory.segments.map(({ file }) => file.timelineId));
    return [...used]
      .filter((id) => id !== firstTimelineId && this.#range.hasTimeline(id) && !names.has(historyFileName(id)))
      .map((id) => ({
        verdict: 'hole',
        name: historyFileName(id),
        kind: 'missing',
        count: 1,
        problem: `the history file of timeline ${id} is missing, though there are segments of it`,
      }));
  }

  /** The part of a hole that lies in the range and was not deleted on purpose. */
  #holeFinding(timelineId: TimelineId, hole: WalHole): readonly VerifyFinding[] {
    const run = { first: this.#numberOf(hole.first), last: this.#numberOf(hole.last) };
    const deleted = deletionOf(this.#deletions, parseWalFileName(hole.first))?.name;
    const behind = deleted === undefined ? run.first : ((this.#numberOf(deleted) + 1n) as SegmentNumber);
    const part = behind > run.last ? undefined : this.#range.clip(timelineId, { first: behind, last: run.last });
    return part === undefined ? [] : [holeFinding(timelineId, part, this.#walSegmentSize)];
  }

  #numberOf(name: string): SegmentNumber {
    const file = parseWalFileName(name);
    if (!isSegmentFile(file)) throw new Error(`${name} is no segment`);
    return segmentNumberOfName(file, this.#walSegmentSize);
  }

  #impossible({ file, path }: PlacedFile): VerifyFinding {
    const problem = `no segment of ${this.#walSegmentSize} bytes has this name`;
    return { verdict: 'bad', name: file.name, path, kind: 'file', problem };
  }
}

/** Segments that are missing, as a finding. */
export function holeFinding(
  timelineId: TimelineId,
  { first, last }: { readonly first: SegmentNumber; readonly last: SegmentNumber },
  walSegmentSize: WalSegmentSize,
): VerifyFinding {
  const count = Number(last - first) + 1;
  return {
    verdict: 'hole',
    name: walFileName(timelineId, first, walSegmentSize),
    last: walFileName(timelineId, last, walSegmentSize),
    count,
    kind: 'missing',
    lsn: formatLsn(segmentStartLsn(first, walSegmentSize)),
    endLsn: formatLsn(segmentEndLsn(last, walSegmentSize)),
    problem: count === 1 ? 'the segment is missing' : `${count} segments are missing`,
  };
}

function misplacedFinding({ file, path }: PlacedFile): VerifyFinding {
  return { verdict: 'bad', name: file.name, path, kind: 'file', problem: 'it lies in a directory where nobody looks for it' };
}

function inOrder(one: PlannedSegment, other: PlannedSegment): number {
  if (one.file.timelineId !== other.file.timelineId) return one.file.timelineId - other.file.timelineId;
  return positionOf(one.file) < positionOf(other.file) ? -1 : 1;
}
