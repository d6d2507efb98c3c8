/** All metrics, as Prometheus reads them. */
import { Counter, Gauge, Registry } from 'prom-client';
import type { Collector } from '../collector/collector.ts';
import { programVersion } from '../program-version.ts';
import { archiveMetrics } from './archive-metrics.ts';
import { ErrorCounts, errorMetric } from './error-counts.ts';
import { FlushLatencyHistogram } from './flush-latency-metric.ts';
import { postgresMetrics } from './postgres-metrics.ts';
import { receiverMetrics } from './receiver-metrics.ts';
import { recoveryMetrics } from './recovery-metrics.ts';
import { type ServerMetric, type ServerView, viewServer } from './server-metric.ts';

/** Metrics about the program itself and what it looks at. */
export const ownMetrics = {
  build: {
    name: 'walvault_build_info',
    help: 'Always 1.',
    labels: { version: 'of walvault-web-status', node_version: 'of Node.js' },
  },
  active: {
    name: 'walvault_server_active',
    help: 'Whether the configuration has the server switched on: 1 or 0. One that is off has no other metric.',
    labels: {},
  },
  sampled: {
    name: 'walvault_sample_timestamp_seconds',
    help: 'When this was looked at the last time. What is too old is left out of the other metrics.',
    labels: { sample: '`live`: the state of the receiver; `inspection`: the server and the checks; `archive`: the archive' },
  },
} as const;

/** The metrics about servers, by what they are about. */
export const serverMetrics = { recoveryMetrics, receiverMetrics, postgresMetrics, archiveMetrics };

/** Reads the last samples of a collector, at each scrape. */
export class MetricRegistry implements Disposable {
  readonly #registry = new Registry();
  readonly #collector: Collector;
  readonly #errors: ErrorCounts;
  #views: readonly ServerView[] = [];

  constructor(collector: Collector) {
    this.#collector = collector;
    this.#errors = new ErrorCounts(collector);
    this.#registerOwn();
    for (const metric of [...Object.values(serverMetrics).flat(), errorMetric(this.#errors)]) this.#register(metric);
    this.#registry.registerMetric(new FlushLatencyHistogram(() => this.#views));
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** The text of a scrape. */
  async text(nowMs: number = Date.now()): Promise<string> {
    const active = this.#collector.snapshots.filter(({ server }) => server.active);
    this.#views = active.map((snapshot) => viewServer(snapshot, nowMs));
    return this.#registry.metrics();
  }

  [Symbol.dispose](): void {
    this.#errors[Symbol.dispose]();
  }

  #registerOwn(): void {
    const { build, active, sampled } = ownMetrics;
    const labels = { version: programVersion, node_version: process.versions.node };
    this.#gauge(build, [], (metric) => metric.set(labels, 1));
    this.#gauge(active, ['server'], (metric) => {
      for (const { server } of this.#collector.snapshots) metric.set({ server: server.name }, Number(server.active));
    });
    this.#gauge(sampled, ['server'], (metric) => {
      for (const { server, ...samples } of this.#collector.snapshots.filter((one) => one.server.active))
        for (const sample of ['live', 'inspection', 'archive'] as const) {
          const at = samples[sample]?.at;
          if (at !== undefined) metric.set({ server: server.name, sample }, at / 1000);
        }
    });
  }

  #register(metric: ServerMetric): void {
    const { name, help, type, labels, read } = metric;
    if (type === 'gauge') {
      this.#gauge(metric, ['server'], (gauge) => {
        for (const [own, value] of this.#readAll(read)) gauge.set(own, value);
      });
      return;
    }
    const counter = new Counter({
      name,
      help,
      labelNames: ['server', ...Object.keys(labels)],
      registers: [this.#registry],
      collect: () => {
        counter.reset();
        for (const [own, value] of this.#readAll(read)) counter.inc(own, value);
      },
    });
  }

  #gauge(
    { name, help, labels }: Pick<ServerMetric, 'name' | 'help' | 'labels'>,
    firstLabels: readonly string[],
    fill: (metric: Gauge) => void,
  ): void {
    const metric = new Gauge({
      name,
      help,
      labelNames: [...firstLabels, ...Object.keys(labels)],
      registers: [this.#registry],
      collect: () => {
        metric.reset();
        fill(metric);
      },
    });
  }

  *#readAll(read: ServerMetric['read']): Generator<readonly [labels: Record<string, string>, value: number]> {
    for (const view of this.#views)
      for (const { labels, value } of read(view)) yield [{ server: view.summary.name, ...labels }, value];
  }
}
