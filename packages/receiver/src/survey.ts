/**
 * Between connecting and streaming: which way the server came, what was received before, how far it can be trusted, and so where
 * the stream begins.
 */
import type { Disk } from '@walvault/durable-fs';
import type { ReplicationConnection, SystemIdentity } from '@walvault/protocol';
import type { Lsn, TimelineId, WalChecker, WalSegmentSize } from '@walvault/wal';
import { otherCluster } from './identity.ts';
import { type Lineage, lineageOf } from './lineage.ts';
import { Positions } from './positions.ts';
import { findResumePoint, type ResumePoint } from './resume-point.ts';
import type { Received, StartFacts, StartPosition } from './start-position.ts';
import { type LatestSegment, readStreamingDirectory, type StreamingDirectory } from './streaming-directory.ts';
import type { HistoryFiles } from './timeline-history.ts';

/** Where and what to look at. */
export interface SurveyOptions {
  /** Idle. */
  readonly connection: ReplicationConnection;
  /** What the connection answered to IDENTIFY_SYSTEM. */
  readonly system: SystemIdentity;
  readonly directory: string;
  readonly walSegmentSize: WalSegmentSize;
  readonly histories: HistoryFiles;
  /** How far the last stream of this process was durable and right, and what the server was told; the same unless given. */
  readonly flushed?:
    | { readonly timelineId: TimelineId; readonly lsn: Lsn; readonly acknowledgedLsn?: Lsn | undefined }
    | undefined;
  /** Where the archive ends, asked for only when the directory does not tell where to go on. */
  readonly archiveEnd?: (() => Promise<{ readonly timelineId: TimelineId; readonly lsn: Lsn } | undefined>) | undefined;
  /** A complete segment that has left the directory, by its name. A buffer is used up before the next is asked for. */
  readonly openArchived?: ((name: string) => Promise<AsyncIterable<Buffer> | undefined>) | undefined;
  readonly disk?: Disk | undefined;
}

/** What was found. */
export interface Survey {
  readonly directory: StreamingDirectory;
  /** How far the latest segment of the directory can be trusted. */
  readonly resume: ResumePoint | undefined;
  /** For `chooseStart`, which needs the slot besides. */
  readonly facts: Omit<StartFacts, 'slotRestartLsn' | 'slotRestartTimelineId'>;
}

/**
 * Looks at what was received before.
 * @throws {ReceiverError} `ERR_OTHER_CLUSTER`, `ERR_SEGMENT_FILE_SIZE`; whatever reading the directory or the server throws
 */
export async function surveyReceived(options: SurveyOptions): Promise<Survey> {
  const { connection, system, histories, walSegmentSize, flushed, disk } = options;
  const lineage = lineageOf(system.timelineId, await histories.ofServer(system.timelineId));
  const found = await readStreamingDirectory(options.directory, { walSegmentSize, lineage, disk });
  const { latest } = found;
  if (latest?.systemIdentifier !== undefined && latest.systemIdentifier !== system.systemIdentifier)
    throw otherCluster(latest.systemIdentifier, system.systemIdentifier, latest.name);
  const walPageSize = Number(await connection.show('wal_block_size'));
  const along = async (timelineId: TimelineId, lsn: Lsn): Promise<Received> => ({
    lineage: await lineageTo(timelineId, histories, lineage),
    lsn,
  });
  const examine = async (file: LatestSegment): Promise<ResumePoint & Received> => {
    const fileLineage = await lineageTo(file.timelineId, histories, lineage);
    const { systemIdentifier } = system;
    return {
      ...(await findResumePoint(file, { ...options, walPageSize, systemIdentifier, lineage: fileLineage })),
      lineage: fileLineage,
    };
  };
  const resume = latest === undefined ? undefined : await examine(latest);
  const directory: Received[] = resume === undefined ? [] : [resume];
  for (const file of found.astray) directory.push(await examine(file));
  const archived = latest === undefined ? await options.archiveEnd?.() : undefined;
  return {
    directory: found,
    resume,
    facts: {
      walSegmentSize,
      server: { lineage, flushLsn: system.flushLsn },
      memory:
        flushed === undefined
          ? undefined
          : { ...(await along(flushed.timelineId, flushed.lsn)), acknowledgedLsn: flushed.acknowledgedLsn ?? flushed.lsn },
      directory,
      archive: archived === undefined ? undefined : await along(archived.timelineId, archived.lsn),
    },
  };
}

/** A stream that can begin: its positions, and what knows the record that goes on at its start. */
export interface StreamStart {
  readonly positions: Positions;
  readonly checker: WalChecker | undefined;
}

/** Where a stream stands before its first byte. `resume` counts when it is there that the stream begins. */
export function beginAt(start: StartPosition, resume: ResumePoint | undefined): StreamStart {
  const checker = start.source === 'directory' && start.divergence === undefined ? resume?.checker : undefined;
  if (checker?.checkedLsn !== start.lsn) return { positions: new Positions(start, start.acknowledgedLsn), checker: undefined };
  const { verifiedLsn } = checker;
  return { positions: new Positions({ ...start, verifiedLsn }, start.acknowledgedLsn), checker };
}

/** What was kept of the way to a timeline counts more than what this server says: there may be two of the same number. */
async function lineageTo(timelineId: TimelineId, histories: HistoryFiles, server: Lineage): Promise<Lineage> {
  const kept = await histories.ofKept(timelineId);
  if (kept !== undefined) return lineageOf(timelineId, kept);
  const index = server.findIndex((step) => step.timelineId === timelineId);
  return index < 0 ? lineageOf(timelineId, []) : [...server.slice(0, index), { timelineId, endLsn: undefined }];
}
