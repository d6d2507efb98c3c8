/** Between connecting and streaming: is it the right cluster, what is in the directory, what does the slot keep, where to start. */
import type { ServerConfig } from '@walvault/config';
import type { ReplicationConnection } from '@walvault/protocol';
import {
  chooseStart,
  otherCluster,
  pinIdentity,
  Positions,
  readIdentity,
  readStreamingDirectory,
  type StreamingDirectory,
} from '@walvault/receiver';
import { formatLsn, type Logger, parseWalSegmentSize } from '@walvault/wal';
import { archiveEnd } from './archive.ts';
import { ensureSlot } from './ensure-slot.ts';
import { identityPath } from './server-paths.ts';
import type { ServerFacts } from './state-publisher.ts';

/** What {@link prepareStream} needs besides the server. */
export interface PrepareOptions {
  /** Idle. */
  readonly connection: ReplicationConnection;
  readonly signal: AbortSignal;
  readonly log: Logger;
  /** How far an earlier stream of this process came, if there was one. */
  readonly before: Positions | undefined;
}

/** A stream that can begin. */
export interface PreparedStream {
  readonly facts: ServerFacts;
  /** At the start of the stream. */
  readonly positions: Positions;
}

/**
 * Finds out where streaming starts.
 * @throws {ReceiverError} when the cluster, the directory and the server do not fit together
 * @throws {CoreError} `ERR_SLOT_UNUSABLE`
 */
export async function prepareStream(server: ServerConfig, options: PrepareOptions): Promise<PreparedStream> {
  const { connection, log, before } = options;
  const system = await connection.identifySystem();
  const { systemIdentifier } = system;
  const identity = { systemIdentifier, version: String(connection.majorVersion) };
  const isKnown = (await readIdentity(identityPath(server))) !== undefined;
  if (isKnown) await pinIdentity(identityPath(server), identity);
  const walSegmentSize = parseWalSegmentSize(await connection.show('wal_segment_size'));
  const found = await readStreamingDirectory(server.directories.streaming, walSegmentSize);
  checkDirectory(found, systemIdentifier, log);
  const archived = found.latest === undefined ? await archiveEnd(server, { walSegmentSize, systemIdentifier }) : undefined;
  // Not before the files have agreed: they may be the only ones that know where they belong.
  if (!isKnown) await pinIdentity(identityPath(server), identity);
  const slot = await ensureSlot(server, options);
  const start = chooseStart({
    walSegmentSize,
    latest: found.latest,
    archived,
    slotRestartLsn: slot?.restartLsn,
    slotRestartTimelineId: slot?.restartTimelineId,
    server: system,
    flushed: before === undefined ? undefined : { timelineId: before.timelineId, lsn: before.flushedLsn },
  });
  log.info({ lsn: formatLsn(start.lsn), timelineId: start.timelineId, source: start.source }, 'starting log streaming');
  const facts = { systemIdentifier, serverVersion: connection.serverVersion, walSegmentSize };
  return { facts, positions: new Positions(start, start.acknowledgedLsn) };
}

/** The segments themselves tell their cluster, also where identity.json was lost. A page of zeros tells nothing. */
function checkDirectory({ latest, foreignNames }: StreamingDirectory, systemIdentifier: bigint, log: Logger): void {
  for (const name of foreignNames) log.warn({ name }, 'foreign file in the streaming directory; archive-wal moves it to errors');
  if (latest?.systemIdentifier === undefined || latest.systemIdentifier === systemIdentifier) return;
  throw otherCluster(latest.systemIdentifier, systemIdentifier, latest.name);
}
