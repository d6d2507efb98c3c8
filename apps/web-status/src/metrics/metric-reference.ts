/** docs/metrics.md, made from the metrics themselves. */
import { errorMetric } from './error-counts.ts';
import { flushLatencyMetric } from './flush-latency-metric.ts';
import { ownMetrics, serverMetrics } from './metric-registry.ts';

interface Documented {
  readonly name: string;
  readonly type?: string;
  readonly help: string;
  readonly labels: Readonly<Record<string, string>>;
}

const head = `# Metrics

<!-- Written from apps/web-status/src/metrics; vitest --update writes it anew. Do not edit. -->

\`walvault-web-status\` tells Prometheus how all servers of a configuration are, at \`/metrics\`. It answers from what it has sampled in the background: no scrape leads to a
question to a PostgreSQL server.

\`\`\`yaml
scrape_configs:
  - job_name: walvault
    static_configs:
      - targets: ['127.0.0.1:8432']
rule_files:
  - rules.yml
\`\`\`

Where it asks for a token, add \`authorization: { credentials_file: /etc/walvault/web-status.token }\`; behind a base path, \`metrics_path: /walvault/metrics\`.
The name of the job must contain \`walvault\`, or [the alert](alerts/WalvaultNotScraped.md) for a scrape that fails must be changed.

- [rules.yml](../apps/web-status/alerts/rules.yml): recording rules and [alerts](alerts/README.md), each with a page that says what to do.
- [dashboard.json](../apps/web-status/alerts/dashboard.json): a dashboard for Grafana 9 and later; import it, and choose the data source at its top.

What is not known is missing, and never 0: where \`walvault_rpo_known\` is 0 there is no \`walvault_rpo_seconds\`. Samples that are too old (30 seconds for the receiver, 2 minutes for the server, 1 hour
for the archive) count as unknown. Times are seconds since 1970; LSNs are numbers, so that one less another is bytes, but only on one timeline.
Counters of a receiver begin anew with its process. A server with all its checks has about 110 time series. No label holds a connection string, an address or a message.
`;

const receiver: readonly Documented[] = [
  ...serverMetrics.receiverMetrics,
  flushLatencyMetric,
  errorMetric({ of: () => new Map<string, number>() }),
];

/** The parts of the page. */
const sections: readonly (readonly [title: string, metrics: readonly Documented[]])[] = [
  ['What would be lost, and where WAL stands', serverMetrics.recoveryMetrics],
  ['The receiver', receiver],
  ['The PostgreSQL server and the slot', serverMetrics.postgresMetrics],
  ['The archive and the checks', serverMetrics.archiveMetrics],
  ['The program itself', Object.values(ownMetrics)],
];

/** The page. All but `walvault_build_info` have the label `server` as well. */
export function formatMetricReference(): string {
  const tables = sections.map(([title, metrics]) => {
    const rows = metrics.map(({ name, type = 'gauge', help, labels }) => {
      const words = Object.entries(labels).map(([label, values]) => `\`${label}\`: ${values}`);
      return `| \`${name}\` | ${type} | ${words.join('; ')} | ${help} |`;
    });
    return [`## ${title}\n`, '| metric | type | labels | meaning |', '|---|---|---|---|', ...rows, ''].join('\n');
  });
  return [
    head,
    'All but `walvault_build_info` have the label `server`, the name in the configuration, as well.\n',
    ...tables,
  ].join('\n');
}

/** Names of all metrics, without the suffixes of histograms. */
export const metricNames: readonly string[] = sections.flatMap(([, metrics]) => metrics.map(({ name }) => name));
