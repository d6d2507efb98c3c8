/**
 * The state that a receiver publishes: `receive-wal.json` in the directory of its server.
 *
 * It is replaced in one step, at most a few times a second, and read by `status`, by checks and by tests. It is a view
 * for people and programs, never a source for the receiver itself: after a crash the files and the slot tell the truth.
 */
import { readFile } from 'node:fs/promises';
import { errnoOf, fileSystemError, writeFileAtomic } from '@walvault/durable-fs';

/** What the receiver is doing. */
export type ReceiverPhase =
  /** Connecting, or finding out where to go on. */
  | 'starting'
  /** WAL is flowing, or would if there were some. */
  | 'streaming'
  /** The last attempt failed; the next one is due at `nextAttemptAt`. */
  | 'waiting'
  /** Ended because it was told to. */
  | 'stopped'
  /** Ended by an error that trying again does not help. */
  | 'failed';

/** An error as the state shows it. Never holds a password. */
export interface ReportedError {
  readonly code: string;
  readonly message: string;
  readonly hint: string | null;
  /** ISO 8601, UTC. */
  readonly at: string;
}

/** Durations of flushes since the start, in milliseconds. */
export interface FlushLatency {
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** The published state. LSNs are text (`0/3000148`), times ISO 8601 in UTC, sizes bytes. */
export interface ReceiverState {
  readonly version: 1;
  readonly server: string;
  readonly pid: number;
  readonly phase: ReceiverPhase;
  readonly startedAt: string;
  readonly updatedAt: string;
  /** Text, because it does not fit a JSON number. */
  readonly systemIdentifier: string | null;
  readonly serverVersion: number | null;
  /** Bytes. */
  readonly walSegmentSize: number | null;
  readonly slotName: string | null;
  readonly timelineId: number | null;
  /** Where this stream began. */
  readonly startLsn: string | null;
  readonly writtenLsn: string | null;
  readonly flushedLsn: string | null;
  /** The furthest position of the server that it told us about. */
  readonly serverLsn: string | null;
  /** Name of the segment file that is being written (`NAME.partial`). */
  readonly partialName: string | null;
  readonly receivedBytes: number;
  /** Over about the last second. */
  readonly bytesPerSecond: number;
  readonly lastMessageAt: string | null;
  readonly segmentsCompleted: number;
  readonly reconnects: number;
  readonly flushLatency: FlushLatency;
  readonly lastError: ReportedError | null;
  readonly nextAttemptAt: string | null;
  readonly logFile: string | null;
}

/** Replaces the published state. */
export async function writeReceiverState(path: string, state: ReceiverState): Promise<void> {
  await writeFileAtomic(path, `${JSON.stringify(state, undefined, 2)}\n`, { mode: 0o640, durable: false });
}

/**
 * Reads a published state; undefined when no receiver has ever published one, or what is there is not one.
 * @throws {FileSystemError} when it is there and cannot be read
 */
export async function readReceiverState(path: string): Promise<ReceiverState | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw fileSystemError('read', path, error);
  }
  try {
    const value: unknown = JSON.parse(text);
    return isState(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isState(value: unknown): value is ReceiverState {
  return typeof value === 'object' && value !== null && 'version' in value && value.version === 1 && 'phase' in value;
}
