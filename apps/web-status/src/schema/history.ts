/** `GET /api/v1/servers/{name}/history?metric=&from=&to=`: one figure over time. */
import { z } from 'zod';
import { time } from './scalars.ts';

/** The figures that are kept. Their names end in their unit. */
export const historyMetrics = [
  'rpoDurableSeconds',
  'rpoDurableBytes',
  'rpoArchivedSeconds',
  'rpoArchivedBytes',
  'receivedBehindBytes',
  'flushedBehindBytes',
  'archivedBehindBytes',
  'writeLagMs',
  'flushLagMs',
  'bytesPerSecond',
  'flushP50Ms',
  'flushP99Ms',
  'slotRetainedBytes',
  'slotSafeBytes',
  'archiveBytes',
  'archiveQueue',
] as const;

/** Name of a figure. */
export const historyMetric = z.enum(historyMetrics).meta({ id: 'HistoryMetric' });

/** Milliseconds since 1970, then the least, the mean and the greatest value in the time up to the next point; null where it was not known. */
export const historyPoint = z
  .tuple([z.number(), z.number().nullable(), z.number().nullable(), z.number().nullable()])
  .meta({ id: 'HistoryPoint', description: '[milliseconds since 1970, least, mean, greatest]' });

/** The figure. Where nothing was recorded there is no point. */
export const historySeries = z
  .object({
    server: z.string(),
    metric: historyMetric,
    from: time,
    to: time,
    /** How far points lie apart: 2000 for the last hour, 300000 for the last 30 days. */
    stepMs: z.number().int().positive(),
    /** In order of time. */
    points: z.array(historyPoint),
  })
  .meta({ id: 'HistorySeries' });

const instant = z.iso.datetime({ offset: true }).optional();

/** What may be asked. Without `from` it is the last hour; more than an hour back, or over more than an hour, points lie 5 minutes apart. */
export const historyQuery = z.strictObject({ metric: historyMetric, from: instant, to: instant });

export type HistoryMetric = z.infer<typeof historyMetric>;
export type HistoryPoint = z.infer<typeof historyPoint>;
export type HistorySeries = z.infer<typeof historySeries>;
