/** What is in the archive of a server, and what is not. */
import type { JSX } from 'preact';
import type { Coverage, HoleList, TimelineTree } from '../../src/schema/coverage.ts';
import type { ServerSummary } from '../../src/schema/server-summary.ts';
import { serverRoute } from '../api/ask.ts';
import { useResource } from '../api/use-resource.ts';
import { CoverageCard } from './coverage-card.tsx';
import { DaysCard } from './days-card.tsx';
import { HolesCard } from './holes-card.tsx';
import { TimelineCard } from './timeline-tree.tsx';

const everyMs = 10_000;

/** The view. */
export function ArchiveSection({ server }: { readonly server: ServerSummary }): JSX.Element {
  const news = `${server.holes} ${server.badSegments} ${server.timelineId} ${server.lastArchivedAt}`;
  const coverage = useResource<Coverage>(serverRoute(server.name, '/coverage'), everyMs, news);
  const holes = useResource<HoleList>(serverRoute(server.name, '/holes'), everyMs, news);
  const tree = useResource<TimelineTree>(serverRoute(server.name, '/timelines'), everyMs, news);
  return (
    <>
      <CoverageCard coverage={coverage} />
      <div class="cards">
        <HolesCard holes={holes} coverage={coverage.value} />
        <TimelineCard tree={tree} />
      </div>
      <DaysCard days={coverage.value?.days ?? null} />
    </>
  );
}
