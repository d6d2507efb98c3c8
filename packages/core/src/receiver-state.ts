/**
 * The state that a receiver publishes: `receive-wal.json` in the directory of its server.
 *
 * It is replaced in one step, at most a few times a second, and read by `status`, by checks and by tests. It is a view
 * for people and programs, never a source for the receiver itself: after a crash the files and the slot tell the truth.
 */
import { readFile } from 'node:fs/promises';
import { errnoOf, fileSystemError } from '@walvault/durable-fs';
import { CoreError } from './errors.ts';
import type { FlushLatency } from './flush-histogram.ts';
import type { RecordedHole } from './holes.ts';
import { readForm, type ReadForm } from './json-form.ts';
import { publishFile } from './published-file.ts';
import { stateForms } from './published-forms.ts';
import type { SyncState } from './sync-state.ts';

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

/** Whether a part of what was found out is the error that stood in its way. */
export function isReportedError(part: object): part is ReportedError {
  return 'code' in part && 'message' in part;
}

/**
 * The published state, `receive-wal.json`. LSNs are text (`0/3000148`), times ISO 8601 in UTC, sizes bytes. What is not known, or not
 * yet, is null. Members may be added in later versions; one that is removed or changes its meaning comes with another `version`.
 */
export interface ReceiverState {
  readonly version: 1;
  readonly server: string;
  readonly pid: number;
  readonly phase: ReceiverPhase;
  readonly phaseSince: string;
  readonly startedAt: string;
  readonly updatedAt: string;
  readonly systemIdentifier: string | null;
  readonly serverVersion: number | null;
  readonly walSegmentSize: number | null;
  readonly slotName: string | null;
  readonly syncState: SyncState | null;
  readonly timelineId: number | null;
  readonly startLsn: string | null;
  readonly writtenLsn: string | null;
  readonly verifiedLsn: string | null;
  readonly flushedLsn: string | null;
  readonly acknowledgedLsn: string | null;
  readonly serverLsn: string | null;
  readonly partialName: string | null;
  readonly receivedBytes: number;
  readonly bytesPerSecond: number;
  readonly lastMessageAt: string | null;
  readonly caughtUpAt: string | null;
  readonly segmentsCompleted: number;
  readonly reconnects: number;
  readonly flushLatency: FlushLatency;
  readonly lastError: ReportedError | null;
  readonly troubleSince: string | null;
  readonly failedAttempts: number;
  readonly nextAttemptAt: string | null;
  readonly gapPolicy: 'stop' | 'continue';
  readonly slotSafety: ReportedSlotSafety | null;
  readonly holes: readonly RecordedHole[];
  readonly blockingHole: RecordedHole | null;
  readonly divergence: ReportedDivergence | null;
  readonly logFile: string | null;
}

/** How near the slot is to a limit, as `judgeSlotSafety` says. Sizes are bytes. */
export interface ReportedSlotSafety {
  readonly level: 'ok' | 'warning' | 'critical';
  readonly retainedBytes: number | null;
  readonly safeBytes: number | null;
  readonly reason: string;
}

/** WAL that was received and that the server's history has left behind. It is kept under the names of its timeline. */
export interface ReportedDivergence {
  readonly timelineId: number;
  readonly fromLsn: string;
  readonly toLsn: string;
}

/** Replaces the published state, see {@link publishFile}. */
export async function writeReceiverState(path: string, state: ReceiverState): Promise<void> {
  await publishFile(path, `${JSON.stringify(state, undefined, 2)}\n`);
}

/**
 * Reads a published state; undefined when no receiver has ever published one, or what is there is not one. A state of an earlier version may
 * lack members; those that are there are what they should be.
 * @throws {FileSystemError} when it is there and cannot be read
 */
export async function readReceiverState(path: string): Promise<ReceiverState | undefined> {
  const read = await readState(path, true);
  return read !== undefined && 'value' in read ? read.value : undefined;
}

/**
 * The same for who tells an operator: that what is there cannot be made sense of is told apart from there being nothing.
 * @throws {CoreError} `ERR_RECEIVER_STATE`
 * @throws {FileSystemError} when it is there and cannot be read
 */
export async function readSoundReceiverState(path: string): Promise<ReceiverState | undefined> {
  return soundState(path, await readState(path, true));
}

/** The same for who uses all members: a state that lacks one is none, but for those that may be null. @throws as {@link readSoundReceiverState} */
export async function readWholeReceiverState(path: string): Promise<ReceiverState | undefined> {
  return soundState(path, await readState(path, false));
}

async function readState(path: string, mayLack: boolean): Promise<ReadForm<ReceiverState> | undefined> {
  try {
    return readForm<ReceiverState>(await readFile(path, 'utf8'), stateForms, mayLack ? ['version', 'phase'] : undefined);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw fileSystemError('read', path, error);
  }
}

function soundState(path: string, read: ReadForm<ReceiverState> | undefined): ReceiverState | undefined {
  if (read === undefined || 'value' in read) return read?.value;
  throw new CoreError('ERR_RECEIVER_STATE', `"${path}" does not hold the state of a receiver: ${read.fault}`, {
    hint: 'Start the receiver, which writes it anew. No WAL hangs on this file.',
  });
}
