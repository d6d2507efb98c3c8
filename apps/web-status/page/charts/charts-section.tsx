/** All charts of a server. */
import type { JSX } from 'preact';
import type { ServerSummary } from '../../src/schema/server-summary.ts';
import { serverAddress } from '../routing/route.ts';
import { Chart } from './chart.tsx';
import { chartKinds, type Period, periods } from './chart-kinds.ts';
import { useSeries } from './series.ts';

const metrics = chartKinds.flatMap(({ lines }) => lines.map(({ metric }) => metric));

interface ChartsProperties {
  readonly server: ServerSummary;
  /** From the address. */
  readonly wanted: string | null;
}

/** The view. */
export function ChartsSection({ server, wanted }: ChartsProperties): JSX.Element {
  const period: Period = wanted !== null && wanted in periods ? (wanted as Period) : '1h';
  const set = useSeries(server.name, metrics, period);
  return (
    <>
      <nav class="periods" aria-label="Period">
        <ul>
          {Object.entries(periods).map(([key, { title }]) => (
            <li key={key}>
              <a href={serverAddress(server.name, 'charts', { period: key })} aria-current={key === period ? 'true' : undefined}>
                {title}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      {set.refusal === undefined ? null : (
        <p class="notice notice-warning" role="alert">
          {set.refusal.message}
        </p>
      )}
      <p class="second">
        {period === '1h' ? 'A point every 2 seconds' : 'The greatest of every 5 minutes'}. Where nothing was recorded there is no
        line.
      </p>
      <div class="cards">
        {chartKinds.map((kind) => (
          <Chart key={kind.title} kind={kind} set={set} />
        ))}
      </div>
    </>
  );
}
