/** The histogram of flush latencies. It is counted by the receiver; here it is only put into the words of Prometheus. */
import { Histogram, type MetricValueWithName } from 'prom-client';
import type { ServerView } from './server-metric.ts';

type Values = MetricValueWithName<string>[];

/** What the registry prints. */
interface Printed {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly values: Values;
}

/** See above. */
export const flushLatencyMetric = {
  name: 'walvault_flush_duration_seconds',
  type: 'histogram',
  help: 'How long it takes to make received WAL durable, since the receiver began.',
  labels: { le: 'upper end of the bucket, in seconds' },
} as const;

/** A histogram that shows what receivers have counted. */
export class FlushLatencyHistogram extends Histogram {
  readonly #views: () => readonly ServerView[];

  constructor(views: () => readonly ServerView[]) {
    const { name, help } = flushLatencyMetric;
    super({ name, help, labelNames: ['server'], registers: [] });
    this.#views = views;
  }

  /** What the registry calls of a histogram to print it, and `get` as well; the types of prom-client do not say so. */
  async getForPromString(): Promise<Printed> {
    return { ...flushLatencyMetric, values: this.#views().flatMap(valuesOf) };
  }
}

function valuesOf({ receiver, summary }: ServerView): Values {
  if (receiver === undefined) return [];
  const { name } = flushLatencyMetric;
  const { buckets, sumMs, count } = receiver.flushLatency;
  const value = (suffix: string, number: number, le?: string): Values[number] => ({
    metricName: `${name}_${suffix}`,
    labels: { server: summary.name, ...(le === undefined ? {} : { le }) },
    value: number,
  });
  return [
    ...buckets.map((bucket) => value('bucket', bucket.count, String(bucket.upToMs / 1000))),
    value('bucket', count, '+Inf'),
    value('sum', sumMs / 1000),
    value('count', count),
  ];
}
