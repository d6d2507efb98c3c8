/** How a server is at this moment. */
import type { JSX } from 'preact';
import type { ServerDetail } from '../../src/schema/server-detail.ts';
import type { ServerSummary } from '../../src/schema/server-summary.ts';
import { serverRoute } from '../api/ask.ts';
import { useResource } from '../api/use-resource.ts';
import { Refused } from '../parts/refused.tsx';
import { Trouble } from '../parts/trouble.tsx';
import { ArchiveFacts } from './archive-facts.tsx';
import { KeyFigures } from './key-figures.tsx';
import { PostgresFacts } from './postgres-facts.tsx';
import { ReceiverFacts } from './receiver-facts.tsx';
import { RunFacts } from './run-facts.tsx';
import { WayOfData } from './way-of-data.tsx';

/** How often the details are asked for; the figures above them are live. */
const everyMs = 5000;

/** The view. */
export function NowSection({ server }: { readonly server: ServerSummary }): JSX.Element {
  const detail = useResource<ServerDetail>(serverRoute(server.name), everyMs, `${server.verdict} ${server.phase}`);
  return (
    <>
      <Trouble error={server.error} title="Trouble of the receiver" />
      <KeyFigures server={server} limitSeconds={detail.value?.rpoLimitSeconds ?? null} />
      <WayOfData server={server} segmentSize={detail.value?.postgres?.walSegmentSize ?? null} />
      <Refused of={detail} />
      {detail.value === undefined ? null : <Details detail={detail.value} />}
    </>
  );
}

function Details({ detail }: { readonly detail: ServerDetail }): JSX.Element {
  return (
    <div class="cards">
      <ReceiverFacts receiver={detail.receiver} summary={detail.summary} />
      <PostgresFacts postgres={detail.postgres} detail={detail} />
      <ArchiveFacts archive={detail.archive} />
      <RunFacts run={detail.run} />
    </div>
  );
}
