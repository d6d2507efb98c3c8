/** A server that missing WAL may be streamed from: the server itself, or a standby of it. */
import {
  type ConnectionParameters,
  connectReplication,
  describeConnection,
  type ReplicationConnection,
} from '@walvault/protocol';
import { otherCluster, segmentFileMode } from '@walvault/receiver';
import {
  formatLsn,
  type Lsn,
  type Logger,
  parseWalSegmentSize,
  type SegmentNumber,
  segmentNumberOf,
  segmentStartLsn,
  type TimelineId,
  type TimelineSwitch,
  type WalSegmentSize,
} from '@walvault/wal';
import { CoreError } from './errors.ts';
import { fetchSegments } from './fetch-segments.ts';
import { firstAvailableWal, hasWal, historyOf } from './first-available-wal.ts';
import type { SegmentRange } from './segment-ranges.ts';

/** What a source has to fit to. */
export interface HealSourceOptions {
  /** The cluster that the archive is of, and what says so. */
  readonly systemIdentifier: bigint | undefined;
  readonly archive: string;
  readonly walSegmentSize: WalSegmentSize;
  readonly signal: AbortSignal;
  readonly log?: Logger | undefined;
}

/** What a source has of some segments. */
export interface Reach {
  /** These it has. */
  readonly range: SegmentRange | undefined;
  /** Why it has no others, as it reads behind "it"; undefined when it has all. */
  readonly lack: string | undefined;
}

/** Connected, and of the right cluster. */
export class HealSource implements AsyncDisposable {
  /** Where to and as whom, without passwords. */
  readonly name: string;
  readonly #connection: ReplicationConnection;
  readonly #walSegmentSize: WalSegmentSize;
  readonly #timelineId: TimelineId;
  readonly #history: readonly TimelineSwitch[];
  readonly #fileMode: number;

  private constructor(
    name: string,
    connection: ReplicationConnection,
    facts: { walSegmentSize: WalSegmentSize; timelineId: TimelineId; history: readonly TimelineSwitch[]; fileMode: number },
  ) {
    this.name = name;
    this.#connection = connection;
    this.#walSegmentSize = facts.walSegmentSize;
    this.#timelineId = facts.timelineId;
    this.#history = facts.history;
    this.#fileMode = facts.fileMode;
  }

  /**
   * Connects and makes sure that it is a server of the cluster.
   * @throws {ReceiverError} `ERR_OTHER_CLUSTER` @throws {CoreError} `ERR_SEGMENT_SIZE_DIFFERS` @throws what connecting throws
   */
  static async open(parameters: ConnectionParameters, options: HealSourceOptions): Promise<HealSource> {
    const { systemIdentifier: expected, archive, walSegmentSize, signal, log } = options;
    const connection = await connectReplication(parameters, { signal, log });
    try {
      const { systemIdentifier, timelineId } = await connection.identifySystem();
      if (expected !== undefined && systemIdentifier !== expected) throw otherCluster(expected, systemIdentifier, archive);
      const size = parseWalSegmentSize(await connection.show('wal_segment_size'));
      if (size !== walSegmentSize) throw otherSize(walSegmentSize, size);
      const history = await historyOf(connection, timelineId);
      const fileMode = await segmentFileMode(connection);
      return new HealSource(describeConnection(parameters), connection, { walSegmentSize, timelineId, history, fileMode });
    } catch (error) {
      await connection[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Which of these segments it has, complete. WAL is removed from its old end on, so that is the end of the range. */
  async reach(wanted: SegmentRange): Promise<Reach> {
    const bounds = await this.#boundsOf(wanted.timelineId);
    if (bounds === undefined) return { range: undefined, lack: `has no timeline ${wanted.timelineId} in its history` };
    const size = this.#walSegmentSize;
    const last = least(wanted.last, segmentNumberOf(bounds.end, size) - 1n);
    const lackAtEnd = last < wanted.last ? `has this timeline up to ${formatLsn(bounds.end)} only` : undefined;
    const begin = greatest(wanted.first, segmentNumberOf(bounds.begin, size));
    if (begin > last) return { range: undefined, lack: lackAtEnd ?? `has this timeline from ${formatLsn(bounds.begin)} on only` };
    const first = await this.#firstThere({ ...wanted, first: begin, last });
    if (first === undefined) return { range: undefined, lack: 'has removed it' };
    const lackAtBegin = first > wanted.first ? 'has removed it' : undefined;
    return { range: { ...wanted, first, last }, lack: lackAtBegin ?? lackAtEnd };
  }

  /** Streams segments into files; see `fetchSegments`. */
  fetch(range: SegmentRange, directory: string): AsyncGenerator<string, void, undefined> {
    const walSegmentSize = this.#walSegmentSize;
    return fetchSegments({ connection: this.#connection, directory, walSegmentSize, fileMode: this.#fileMode }, range);
  }

  /** Closes the connection. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#connection[Symbol.asyncDispose]();
  }

  /** Where a timeline begins and ends on this server; undefined when it never was on it. */
  async #boundsOf(timelineId: TimelineId): Promise<{ readonly begin: Lsn; readonly end: Lsn } | undefined> {
    const line = this.#history;
    const index = timelineId === this.#timelineId ? line.length : line.findIndex((entry) => entry.timelineId === timelineId);
    if (index === -1) return undefined;
    const begin = line[index - 1]?.switchLsn ?? segmentStartLsn(1n as SegmentNumber, this.#walSegmentSize);
    return { begin, end: line[index]?.switchLsn ?? (await this.#connection.identifySystem()).flushLsn };
  }

  /** The first of some segments that is still there: with them all that come after it. */
  async #firstThere({ timelineId, first, last }: SegmentRange): Promise<SegmentNumber | undefined> {
    const size = this.#walSegmentSize;
    const missing = { timelineId, lsn: segmentStartLsn(first, size) };
    if (await hasWal(this.#connection, missing)) return first;
    const left = await firstAvailableWal(this.#connection, { missing, walSegmentSize: size, slotRestartLsn: undefined });
    const number = segmentNumberOf(left.lsn, size);
    return left.timelineId === timelineId && number <= last ? number : undefined;
  }
}

function least(one: bigint, other: bigint): SegmentNumber {
  return (one < other ? one : other) as SegmentNumber;
}

function greatest(one: bigint, other: bigint): SegmentNumber {
  return (one > other ? one : other) as SegmentNumber;
}

function otherSize(expected: WalSegmentSize, found: WalSegmentSize): CoreError {
  return new CoreError(
    'ERR_SEGMENT_SIZE_DIFFERS',
    `the server has WAL segments of ${found} bytes, and the archive of ${expected} bytes`,
    { hint: 'Its files cannot be those of the archive. Check that the connection leads to the right server.' },
  );
}
