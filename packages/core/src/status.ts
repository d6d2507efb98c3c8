/** What there is to say about a server: one value, of which `status` and whatever else shows it are views. */
import type { ArchiveListing } from '@walvault/archiver';
import type { ServerConfig } from '@walvault/config';
import { type Lsn, lsnDistance, parseLsn, type TimelineId } from '@walvault/wal';
import { listServerArchive } from './server-archive.ts';
import { openStreaming } from './connections.ts';
import { readHoles, type RecordedHole } from './holes.ts';
import { isReportedError, readReceiverState, type ReceiverState, type ReportedError } from './receiver-state.ts';
import { holesPath, statePath } from './server-paths.ts';
import { reportError } from './state-publisher.ts';
import { pidOf } from './stop-task.ts';

/** The server as it answers right now. */
export interface LiveServer {
  readonly version: string;
  readonly systemIdentifier: bigint;
  readonly timelineId: TimelineId;
  readonly flushLsn: Lsn;
}

/** The status of a server. A part that could not be found out is the error that stood in the way. */
export interface ServerStatus {
  readonly server: ServerConfig;
  /** PID of the receiver that runs. */
  readonly receiverPid: number | undefined;
  /** What the receiver published last, whether it still runs or not. */
  readonly receiver: ReceiverState | undefined;
  readonly live: LiveServer | ReportedError;
  readonly archive: ArchiveListing | ReportedError;
  /** The holes on record, resolved or not. */
  readonly holes: readonly RecordedHole[] | ReportedError;
  /** Bytes that the server has written and that are not durable here; undefined when either side is not known. */
  readonly lagBytes: number | undefined;
}

const patienceMs = 3000;

/** Looks at a server, its receiver and its archive, all at once. A server that does not answer costs at most 3 s. */
export async function serverStatus(server: ServerConfig): Promise<ServerStatus> {
  const [receiverPid, receiver, live, archive, holes] = await Promise.all([
    pidOf(server, 'receive-wal'),
    readReceiverState(statePath(server)),
    askServer(server).catch(reportError),
    listServerArchive(server).catch(reportError),
    readHoles(holesPath(server)).catch(reportError),
  ]);
  return { server, receiverPid, receiver, live, archive, holes, lagBytes: lagBytes(receiver, live) };
}

async function askServer(server: ServerConfig): Promise<LiveServer> {
  await using connection = await openStreaming(server, { signal: AbortSignal.timeout(patienceMs) });
  const system = await connection.identifySystem();
  return {
    version: connection.parameterStatus.get('server_version') ?? String(connection.majorVersion),
    systemIdentifier: system.systemIdentifier,
    timelineId: system.timelineId,
    flushLsn: system.flushLsn,
  };
}

function lagBytes(receiver: ReceiverState | undefined, live: LiveServer | ReportedError): number | undefined {
  if (receiver?.flushedLsn == null) return undefined;
  const known = isReportedError(live) ? receiver.serverLsn : undefined;
  const serverLsn = isReportedError(live) ? (known == null ? undefined : parseLsn(known)) : live.flushLsn;
  return serverLsn === undefined ? undefined : Math.max(0, lsnDistance(parseLsn(receiver.flushedLsn), serverLsn));
}
