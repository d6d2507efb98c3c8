/** The figures of a snapshot that are kept over time. */
import { isReportedError } from '@walvault/core/observing';
import type { ServerSnapshot } from '../collector/server-snapshot.ts';
import { summarize } from '../collector/summarize.ts';
import type { FigureSample } from './figures.ts';

/** Null for what is not known right now, and for all that comes from samples that are too old. */
export function sampleFigures(snapshot: ServerSnapshot, nowMs: number): FigureSample {
  const { rpo, behindBytes, bytesPerSecond, slot, phase } = summarize(snapshot, nowMs);
  const { live, inspection, archive } = snapshot;
  const latency = phase === 'streaming' ? live?.value.receiver.state?.flushLatency : undefined;
  const files = inspection?.value.facts?.files;
  const queues = files === undefined ? [] : [files.streaming, files.incoming];
  const sender = ourSender(snapshot);
  const stored = archive === undefined || isReportedError(archive.value) ? undefined : archive.value;
  return {
    rpoDurableSeconds: rpo.durableSeconds,
    rpoDurableBytes: rpo.durableBytes,
    rpoArchivedSeconds: rpo.archivedSeconds,
    rpoArchivedBytes: rpo.archivedBytes,
    receivedBehindBytes: behindBytes.received,
    flushedBehindBytes: behindBytes.flushed,
    archivedBehindBytes: behindBytes.archived,
    writeLagMs: sender?.writeLagMs ?? null,
    flushLagMs: sender?.flushLagMs ?? null,
    bytesPerSecond,
    flushP50Ms: latency === undefined || latency.count === 0 ? null : latency.p50Ms,
    flushP99Ms: latency === undefined || latency.count === 0 ? null : latency.p99Ms,
    slotRetainedBytes: slot?.retainedBytes ?? null,
    slotSafeBytes: slot?.safeBytes ?? null,
    archiveBytes:
      stored === undefined || isReportedError(stored.catalog)
        ? null
        : stored.timelines.reduce((sum, { totals }) => sum + (totals?.storedBytes ?? 0), 0),
    archiveQueue:
      queues.length === 0 || queues.some(isReportedError)
        ? null
        : queues.reduce((sum, queue) => sum + (isReportedError(queue) ? 0 : queue.waiting.length), 0),
  };
}

/** The walsender of our receiver, as the server shows it. */
function ourSender({ server, inspection }: ServerSnapshot) {
  const sql = inspection?.value.facts?.observation.sql;
  if (sql === undefined || isReportedError(sql)) return undefined;
  return sql.walSenders.find(
    ({ applicationName, slotName }) => applicationName === server.streamingArchiverName && slotName === server.slotName,
  );
}
