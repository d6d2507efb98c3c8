/**
 * `receive-wal --reset`: makes streaming go on where it cannot, at the price of a hole.
 *
 * What Barman's does with names alone is done here by what the server says and has: "aligned" is said only when the server still
 * has the WAL that comes next. Otherwise the hole goes on record, and an empty partial segment marks where to go on; the latest
 * segment decides that, here and in pg_receivewal. Nothing is removed: the partial segment before the hole stays for the archive.
 */
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ServerConfig } from '@walvault/config';
import { errnoOf, fileSystemError, syncFile, syncParent, tryLock } from '@walvault/durable-fs';
import type { ReplicationConnection } from '@walvault/protocol';
import { ReceiverError } from '@walvault/receiver';
import {
  type Logger,
  type Lsn,
  parseWalSegmentSize,
  partialSuffix,
  silentLogger,
  tryParseWalFileName,
  walFileNameAt,
} from '@walvault/wal';
import { openStreaming } from './connections.ts';
import { ensureSlot, replaceLostSlot } from './ensure-slot.ts';
import { CoreError, SlotUnusableError } from './errors.ts';
import { firstAvailableWal, hasWal } from './first-available-wal.ts';
import { segmentsOf, startOf } from './gap-policy.ts';
import { HoleRecord, type RecordedHole } from './holes.ts';
import { prepareStream } from './prepare-stream.ts';
import { ensureDirectories, holesPath, lockPath } from './server-paths.ts';

/** How to reset. */
export interface ResetOptions {
  readonly signal: AbortSignal;
  readonly log?: Logger | undefined;
}

/** What was done. */
export type ResetOutcome =
  /** The server has the WAL that comes next; nothing was changed but a lost slot, if `slotReplaced`. */
  | { readonly kind: 'aligned'; readonly slotReplaced: boolean }
  | {
      readonly kind: 'reset';
      /** The slot had lost its WAL, and was dropped and created anew. */
      readonly slotReplaced: boolean;
      /** As it is on record. */
      readonly hole: RecordedHole;
      /** The segments that are missing, `A to B`. The first one may be there in part. */
      readonly missing: string;
      /** Where it is on record. */
      readonly holesPath: string;
      /** Partial segment that marks where to go on. */
      readonly createdPath: string;
    };

/**
 * Resets the receiver of a server, which must not run.
 * @throws {CoreError} `ERR_STILL_RUNNING`, `ERR_RESET_AHEAD`
 * @throws {SlotUnusableError} for a slot that is missing, in use or of the wrong type; what connecting throws
 */
export async function resetReceiver(server: ServerConfig, options: ResetOptions): Promise<ResetOutcome> {
  const { signal, log = silentLogger } = options;
  const { backup, streaming, wals } = server.directories;
  await ensureDirectories(server.lockDirectory, backup, streaming, wals);
  await using lock = await tryLock(lockPath(server, 'receive-wal'), { withFlock: true });
  if (lock === undefined) throw stillRunning(server);
  const holes = await HoleRecord.open(holesPath(server));
  await using connection = await openStreaming(server, { signal, log });
  const context = { connection, signal, log, before: undefined };
  const slot = await usableSlot(server, context);
  const prepared = await prepareStream(server, context).catch(async (error: unknown) => {
    throw isAhead(error) ? await ahead(server, connection, error) : error;
  });
  const from = startOf(prepared);
  if (await hasWal(connection, from)) return { kind: 'aligned', slotReplaced: slot.isReplaced };
  const { walSegmentSize } = prepared.facts;
  const to = await firstAvailableWal(connection, { missing: from, walSegmentSize, slotRestartLsn: slot.restartLsn });
  const reason = slot.isReplaced ? 'slotLost' : 'walRemoved';
  const createdPath = join(streaming, walFileNameAt(to.timelineId, to.lsn, walSegmentSize) + partialSuffix);
  await holes.found({ from, to, reason });
  await createEmpty(createdPath);
  await holes.startedAt(to, 'reset');
  const hole = holes.holes.at(-1) as RecordedHole;
  const missing = segmentsOf(hole, walSegmentSize);
  return { kind: 'reset', slotReplaced: slot.isReplaced, hole, missing, holesPath: holesPath(server), createdPath };
}

interface SlotContext {
  readonly connection: ReplicationConnection;
  readonly signal: AbortSignal;
  readonly log: Logger;
}

/** A slot that can be streamed with: a lost one, which serves nobody, is made anew; a missing one is for the operator to create. */
async function usableSlot(
  server: ServerConfig,
  context: SlotContext,
): Promise<{ readonly restartLsn: Lsn | undefined; readonly isReplaced: boolean }> {
  try {
    return { restartLsn: (await ensureSlot(server, context))?.restartLsn, isReplaced: false };
  } catch (error) {
    if (!(error instanceof SlotUnusableError) || error.problem !== 'lost' || server.slotName === undefined) throw error;
    await replaceLostSlot(server.slotName, context);
    return { restartLsn: (await ensureSlot(server, context))?.restartLsn, isReplaced: true };
  }
}

/** An empty partial segment is what pg_receivewal begins with too: either tool makes a whole one of it. */
async function createEmpty(path: string): Promise<void> {
  try {
    await (await open(path, 'wx', 0o600)).close();
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return;
    throw fileSystemError('create', path, error);
  }
  await syncFile(path);
  await syncParent(path);
}

function isAhead(error: unknown): error is ReceiverError {
  return error instanceof ReceiverError && (error.code === 'ERR_RECEIVER_AHEAD' || error.code === 'ERR_TIMELINE_NOT_IN_HISTORY');
}

/** Says what is here that the server does not have, in Barman's words and by the names of the files. */
async function ahead(server: ServerConfig, connection: ReplicationConnection, cause: ReceiverError): Promise<CoreError> {
  const walSegmentSize = parseWalSegmentSize(await connection.show('wal_segment_size'));
  const { timelineId, flushLsn } = await connection.identifySystem();
  const current = walFileNameAt(timelineId, flushLsn, walSegmentSize);
  const { streaming } = server.directories;
  const names = (await readdir(streaming)).filter((name) => isSegmentName(name) && name.slice(0, 24) > current).toSorted();
  const last = names.at(-1) ?? (cause.lsn === undefined ? undefined : walFileNameAt(timelineId, cause.lsn, walSegmentSize));
  const there = names.length === 0 ? cause.message : `In "${streaming}", ${listed(names)} lie behind what the server has written`;
  return new CoreError(
    'ERR_RESET_AHEAD',
    `The receive-wal position is ahead of PostgreSQL current WAL lsn (${last} > ${current})`,
    {
      hint:
        `${there}. Nothing was changed. A standby that lags catches up by itself. What lies there by mistake can be moved out of the directory. If ` +
        'the server was restored to an earlier state, this is another history: keep it, and receive the server into directories of its own, by a ' +
        'section of its own.',
      cause,
    },
  );
}

function isSegmentName(name: string): boolean {
  const kind = tryParseWalFileName(name)?.kind;
  return kind === 'segment' || kind === 'partial';
}

function listed(names: readonly string[]): string {
  const [first, last] = [names[0], names.at(-1)];
  return names.length < 3 ? names.join(' and ') : `${names.length} segments from ${first} to ${last}`;
}

function stillRunning(server: ServerConfig): CoreError {
  return new CoreError(
    'ERR_STILL_RUNNING',
    `Unable to reset the status of receive-wal for server ${server.name}. Process is still running`,
    { hint: `Stop it first: walvault receive-wal --stop ${server.name}` },
  );
}
