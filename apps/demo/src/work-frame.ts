/** The figures of the work: what the clients know, what came over the wire, what is on disk, what is archived. */
import type { ReceiverState } from '@walvault/core';
import { lsnDistance, parseLsn } from '@walvault/wal';
import { bar } from './bar.ts';
import { count, formatBytes, formatSeconds } from './figures.ts';
import type { Frame } from './live-view.ts';
import type { Paint } from './narrator.ts';

/** What was seen at one moment. */
export interface WorkSample {
  readonly elapsedMs: number;
  readonly totalMs: number;
  /** What the receiver published last. */
  readonly state: ReceiverState | undefined;
  /** Commits acknowledged so far. */
  readonly commits: number;
  /** Segments in the archive. */
  readonly segments: number;
}

/** Draws a moment. */
export function workFrame(sample: WorkSample, paint: Paint): Frame {
  const { elapsedMs, totalMs, state, segments } = sample;
  const commits = `${count(sample.commits, 'commit')} acknowledged`;
  const perSecond = `${Math.round((sample.commits * 1000) / Math.max(elapsedMs, 1))}/s`;
  const rate = `${formatBytes(state?.bytesPerSecond ?? 0)}/s`;
  const [received, durable] = [state?.writtenLsn ?? '-', state?.flushedLsn ?? '-'];
  const lag = formatBytes(lagBytes(state));
  const latency = `flush median ${state?.flushLatency.p50Ms ?? 0} ms`;
  const archived = `${count(segments, 'segment')} archived`;
  const row = (label: string, value: string, more: string) => `    ${paint('dim', label.padEnd(9))} ${value.padEnd(28)} ${more}`;
  return {
    block: [
      `    ${bar(elapsedMs / totalMs, paint)} ${formatSeconds(elapsedMs)}`,
      row('clients', commits, perSecond),
      row('received', received, rate),
      row('on disk', durable, `lag ${lag}, ${latency}`),
      row('archive', archived, state?.partialName ?? ''),
    ],
    line:
      `    ${formatSeconds(elapsedMs).padStart(6)}  ${commits} (${perSecond})  received ${received} (${rate})` +
      `  on disk ${durable} (lag ${lag})  ${archived}`,
  };
}

/** Bytes that the server has told us of and that are not on disk here. */
function lagBytes(state: ReceiverState | undefined): number {
  if (state?.serverLsn == null || state.flushedLsn === null) return 0;
  return Math.max(0, lsnDistance(parseLsn(state.flushedLsn), parseLsn(state.serverLsn)));
}
