/**
 * What happens when the server no longer has the WAL that comes next (`gap_policy`).
 *
 * Before a stream is said to run, it is proven that the WAL is there; only then anything is told to the server. Where it is
 * not, the hole goes on record first. `stop` then waits for somebody to bring the WAL back or to accept the hole; `continue`
 * goes on behind it. What was received before the hole is not touched by either. Where the slot was given up for the sake of the
 * server (`slot_policy = protect-server`), streaming goes on where the new slot begins, whatever gap_policy says.
 */
import type { ServerConfig } from '@walvault/config';
import {
  type Lsn,
  type Logger,
  parseLsn,
  roundDownToSegment,
  toTimelineId,
  walFileNameAt,
  addToLsn,
  type WalSegmentSize,
} from '@walvault/wal';
import { ensureSlot, replaceLostSlot } from './ensure-slot.ts';
import { CoreError, SlotUnusableError } from './errors.ts';
import { firstAvailableWal, hasWal } from './first-available-wal.ts';
import type { HoleReason, HoleRecord, RecordedHole, WalPosition } from './holes.ts';
import { type PreparedStream, type PrepareOptions, prepareStream } from './prepare-stream.ts';

/** What {@link prepareAcrossHoles} needs besides the server. */
export interface AcrossHolesOptions extends PrepareOptions {
  readonly holes: HoleRecord;
  /** Whether it must be proven that the WAL is there: yes, unless a connection was lost that streamed it. */
  readonly mustProve: boolean;
}

/**
 * Finds out where streaming starts, as `prepareStream` does, and sees to holes.
 * @throws {CoreError} `ERR_WAL_REMOVED` when there is a hole that is not to be passed by
 * @throws {SlotUnusableError} and what else `prepareStream` throws
 */
export async function prepareAcrossHoles(configured: ServerConfig, options: AcrossHolesOptions): Promise<PreparedStream> {
  const isGivenUp = options.holes.open?.reason === 'slotDropped';
  const server: ServerConfig = isGivenUp ? { ...configured, gapPolicy: 'continue', createSlot: 'auto' } : configured;
  let { mustProve } = options;
  let prepared: PreparedStream;
  try {
    prepared = await prepareStream(server, options);
  } catch (error) {
    if (!(error instanceof SlotUnusableError) || (error.problem !== 'lost' && error.problem !== 'missing')) throw error;
    await seeToLostSlot(server, error, options);
    prepared = await prepareStream(server, options);
    mustProve = true;
  }
  const standsAtHole =
    (isGivenUp && (await isBeforeSlot(server, prepared, options))) ||
    (mustProve && !(await hasWal(options.connection, startOf(prepared))));
  if (standsAtHole) prepared = await passHole(server, prepared, options);
  await options.holes.startedAt(startOf(prepared));
  return prepared;
}

/**
 * Whether a slot that was made anew keeps WAL only from further on. What lies before may still be there, but asking for it would
 * make the slot keep it again, which is what it was dropped for.
 */
async function isBeforeSlot(server: ServerConfig, prepared: PreparedStream, options: AcrossHolesOptions): Promise<boolean> {
  const slot = await ensureSlot(server, options);
  if (slot?.restartLsn === undefined) return false;
  return roundDownToSegment(slot.restartLsn, prepared.facts.walSegmentSize) > startOf(prepared).lsn;
}

/** Where a prepared stream begins. */
export function startOf({ positions }: PreparedStream): WalPosition {
  return { timelineId: positions.timelineId, lsn: positions.writtenLsn };
}

/** Makes a lost slot anew, where that may be done; a hole that the loss has torn is on record then. */
async function seeToLostSlot(server: ServerConfig, error: SlotUnusableError, options: AcrossHolesOptions): Promise<void> {
  const { connection } = options;
  const prepared = await prepareStream({ ...server, slotName: undefined }, options);
  const isThere = await hasWal(connection, startOf(prepared));
  if (!isThere) {
    const reason = error.problem === 'lost' ? 'slotLost' : 'slotMissing';
    const hole = await record(server, prepared, { ...options, reason, slotRestartLsn: undefined });
    if (server.gapPolicy === 'stop') throw walRemoved(server, hole, prepared.facts.walSegmentSize, error);
  }
  if (server.createSlot !== 'auto' || server.slotName === undefined || error.problem !== 'lost') throw error;
  await replaceLostSlot(server.slotName, options);
}

async function passHole(server: ServerConfig, prepared: PreparedStream, options: AcrossHolesOptions): Promise<PreparedStream> {
  const slot = await ensureSlot(server, options);
  const hole = await record(server, prepared, { ...options, reason: 'walRemoved', slotRestartLsn: slot?.restartLsn });
  const to = endOf(hole);
  if (server.gapPolicy === 'stop' || to === undefined) throw walRemoved(server, hole, prepared.facts.walSegmentSize);
  const policy = hole.reason === 'slotDropped' ? 'slot_policy = protect-server' : 'gap_policy = continue';
  options.log.warn({ lsn: hole.toLsn, timelineId: hole.toTimelineId }, `${policy}: going on behind the hole`);
  return prepareStream(server, { ...options, startAt: to });
}

interface RecordOptions extends AcrossHolesOptions {
  readonly reason: HoleReason;
  readonly slotRestartLsn: Lsn | undefined;
}

/**
 * Puts the hole on record. While it is only waited at, it is measured once and not at each attempt: each probe that finds
 * nothing is an error in the log of the server.
 */
async function record(server: ServerConfig, prepared: PreparedStream, options: RecordOptions): Promise<RecordedHole> {
  const { holes, connection, log, reason, slotRestartLsn } = options;
  const { walSegmentSize } = prepared.facts;
  const from = startOf(prepared);
  const known = holes.open;
  const isKnown = known?.timelineId === from.timelineId && parseLsn(known.fromLsn) === from.lsn;
  if (isKnown && known.toLsn !== null && server.gapPolicy === 'stop') return announce(holes, known, log);
  const to = await firstAvailableWal(connection, { missing: from, walSegmentSize, slotRestartLsn });
  return announce(holes, await holes.found({ from, to, reason }), log);
}

/** Says once in the life of a process, and aloud, that there is a hole. */
function announce(holes: HoleRecord, hole: RecordedHole, log: Logger): RecordedHole {
  const { timelineId, fromLsn, toTimelineId, toLsn, reason } = hole;
  if (holes.announces(hole)) {
    log.error(
      { code: 'ERR_WAL_REMOVED', timelineId, fromLsn, toTimelineId, toLsn, reason },
      'WAL is missing: the server no longer has what comes next; the hole is on record in holes.json',
    );
  }
  return hole;
}

/** Where WAL is available again behind a hole. */
export function endOf({ toTimelineId, toLsn }: RecordedHole): WalPosition | undefined {
  return toTimelineId === null || toLsn === null
    ? undefined
    : { timelineId: toTimelineId as WalPosition['timelineId'], lsn: parseLsn(toLsn) };
}

/** The segments of a hole, by name, as in "from A to B". */
export function segmentsOf(hole: RecordedHole, size: WalSegmentSize): string {
  const first = walFileNameAt(toTimelineId(hole.timelineId), parseLsn(hole.fromLsn), size);
  const end = endOf(hole);
  const last = end === undefined ? undefined : walFileNameAt(end.timelineId, addToLsn(end.lsn, -1), size);
  return last === undefined || last === first ? first : `${first} to ${last}`;
}

function walRemoved(server: ServerConfig, hole: RecordedHole, size: WalSegmentSize, cause?: CoreError): CoreError {
  const { fromLsn, timelineId, toLsn } = hole;
  const left = toLsn === null ? '' : `, the first that it has is at ${toLsn}`;
  const why = cause === undefined ? '' : ` (${cause.message})`;
  return new CoreError(
    'ERR_WAL_REMOVED',
    `the server no longer has the WAL from ${fromLsn} on timeline ${timelineId} on${left}${why}`,
    {
      hint:
        `Either bring ${segmentsOf(hole, size)} back, into pg_wal of the server while it is stopped or by a connection to a server that has ` +
        'them; the receiver then goes on by itself. ' +
        `Or accept the hole: set gap_policy = continue, or run "walvault receive-wal --reset ${server.name}" with the receiver stopped, ` +
        'and take a new base backup.',
      cause,
    },
  );
}
