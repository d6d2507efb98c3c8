/** Between connecting and streaming: is it the right cluster, what was received before, what does the slot keep, where to start. */
import type { ArchivedWal } from '@walvault/archiver/getting';
import type { ServerConfig } from '@walvault/config';
import type { ReplicationConnection, SystemIdentity } from '@walvault/protocol';
import {
  beginAt,
  chooseStart,
  type Divergence,
  HistoryFiles,
  pinIdentity,
  type Positions,
  readIdentity,
  segmentFileMode,
  type StartPosition,
  type StreamStart,
  type Survey,
  type SurveyOptions,
  surveyReceived,
} from '@walvault/receiver';
import {
  formatLsn,
  invalidLsn,
  type Logger,
  type Lsn,
  parseWalSegmentSize,
  type TimelineId,
  type WalSegmentSize,
} from '@walvault/wal';
import { archiveEnd } from './server-archive.ts';
import { openServerWal } from './server-wal.ts';
import { ensureSlot, type SlotPosition } from './ensure-slot.ts';
import { identityPath } from './server-paths.ts';
import type { ServerFacts } from './state-publisher.ts';

const noSlot: SlotPosition = { restartLsn: undefined, restartTimelineId: undefined };

/** What {@link prepareStream} needs besides the server. */
export interface PrepareOptions {
  /** Idle. */
  readonly connection: ReplicationConnection;
  readonly signal: AbortSignal;
  readonly log: Logger;
  /** How far an earlier stream of this process came, if there was one. */
  readonly before: Positions | undefined;
  /** Start there and nowhere else: what lies before is given up. */
  readonly startAt?: { readonly timelineId: TimelineId; readonly lsn: Lsn } | undefined;
}

/** A stream that can begin. */
export interface PreparedStream extends StreamStart {
  readonly facts: ServerFacts;
  readonly start: StartPosition;
  readonly histories: HistoryFiles;
  readonly fileMode: number;
}

/**
 * Finds out where streaming starts.
 * @throws {ReceiverError} when the cluster, the directory and the server do not fit together
 * @throws {CoreError} `ERR_SLOT_UNUSABLE`
 */
export async function prepareStream(server: ServerConfig, options: PrepareOptions): Promise<PreparedStream> {
  const { connection, log, startAt } = options;
  const system = await connection.identifySystem();
  const { systemIdentifier } = system;
  const identity = { systemIdentifier, version: String(connection.majorVersion) };
  const isKnown = (await readIdentity(identityPath(server))) !== undefined;
  if (isKnown) await pinIdentity(identityPath(server), identity);
  const walSegmentSize = parseWalSegmentSize(await connection.show('wal_segment_size'));
  const fileMode = await segmentFileMode(connection);
  const histories = historyFiles(server, { connection, fileMode, log });
  const survey = await surveyServer(server, { ...options, system, walSegmentSize, histories });
  // Not before the files have agreed: they may be the only ones that know where they belong.
  if (!isKnown) await pinIdentity(identityPath(server), identity);
  const slot = await ensureSlot(server, options);
  const { restartLsn: slotRestartLsn, restartTimelineId: slotRestartTimelineId } = slot ?? noSlot;
  const start: StartPosition =
    startAt === undefined
      ? chooseStart({ ...survey.facts, slotRestartLsn, slotRestartTimelineId })
      : { ...startAt, acknowledgedLsn: slotRestartLsn ?? invalidLsn, source: 'override', divergence: undefined };
  tellOfStart(start, survey, options);
  const { timelineId } = system;
  const facts = { systemIdentifier, serverVersion: connection.serverVersion, timelineId, walSegmentSize };
  return { facts, start, histories, fileMode, ...beginAt(start, survey.resume) };
}

interface SurveyContext extends PrepareOptions {
  readonly system: SystemIdentity;
  readonly walSegmentSize: WalSegmentSize;
  readonly histories: HistoryFiles;
}

async function surveyServer(server: ServerConfig, context: SurveyContext): Promise<Survey> {
  const { connection, system, walSegmentSize, histories, before } = context;
  return surveyReceived({
    connection,
    system,
    directory: server.directories.streaming,
    walSegmentSize,
    histories,
    flushed: before === undefined ? undefined : rememberedOf(before),
    archiveEnd: () => archiveEnd(server, { walSegmentSize, systemIdentifier: system.systemIdentifier }),
    openArchived: async (name) => {
      const wal = await openServerWal(server, name, {});
      return wal === undefined ? undefined : bytesOnce(wal);
    },
  });
}

/** Its content; it is closed behind that, or when its reader has seen enough. */
async function* bytesOnce(wal: ArchivedWal): AsyncGenerator<Buffer, void, undefined> {
  await using _ = wal;
  yield* wal.bytes();
}

/** How far an earlier stream has come. Half a record counts for nothing: another server need not have it. */
export function rememberedOf({
  timelineId,
  flushedLsn,
  verifiedLsn,
  acknowledgedLsn,
}: Positions): NonNullable<SurveyOptions['flushed']> {
  return { timelineId, lsn: flushedLsn < verifiedLsn ? flushedLsn : verifiedLsn, acknowledgedLsn };
}

/** History files leave the streaming directory for the archive, where they count as well. */
function historyFiles(
  server: ServerConfig,
  options: { readonly connection: ReplicationConnection; readonly fileMode: number; readonly log: Logger },
): HistoryFiles {
  return new HistoryFiles({
    ...options,
    directory: server.directories.streaming,
    readArchived: async (name) => {
      const wal = await openServerWal(server, name, {});
      return wal === undefined ? undefined : Buffer.concat(await Array.fromAsync(wal.bytes()));
    },
  });
}

function tellOfStart(start: StartPosition, { directory }: Survey, { log, before }: PrepareOptions): void {
  for (const name of directory.foreignNames)
    log.warn({ name }, 'foreign file in the streaming directory; archive-wal moves it to errors');
  // what lies astray stays there, and is told of when it is news: at the start, and when this process was there itself
  const { divergence } = start;
  if (divergence !== undefined && (before === undefined || before.timelineId === divergence.timelineId))
    tellOfDivergence(divergence, log);
  log.info({ lsn: formatLsn(start.lsn), timelineId: start.timelineId, source: start.source }, 'starting log streaming');
}

function tellOfDivergence({ timelineId, fromLsn, toLsn }: Divergence, log: Logger): void {
  log.warn(
    { timelineId, fromLsn: formatLsn(fromLsn), toLsn: formatLsn(toLsn) },
    `timeline ${timelineId} was received up to ${formatLsn(toLsn)}, but the server left it at ${formatLsn(fromLsn)}: transactions between are not on ` +
      `this server. Their WAL is kept under the names of timeline ${timelineId} (pg_waldump shows what is in it); the new timeline is received beside it`,
  );
}
