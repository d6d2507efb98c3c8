/** Finds a point in time: whether it can be reached, and what to write to get there. */
import type { JSX } from 'preact';
import type { Coverage, TimelineTree } from '../../src/schema/coverage.ts';
import type { RestorePointList } from '../../src/schema/find-target.ts';
import type { ServerSummary } from '../../src/schema/server-summary.ts';
import { serverRoute } from '../api/ask.ts';
import { mapOf } from '../archive/coverage-model.ts';
import { useResource } from '../api/use-resource.ts';
import { Refused } from '../parts/refused.tsx';
import { serverAddress } from '../routing/route.ts';
import { FoundCard } from './found-card.tsx';
import { MomentMap } from './moment-map.tsx';
import { queryOf, type Target, targetOf } from './target.ts';
import { TargetForm } from './target-form.tsx';

/** As the map ends. */
function latestCommit(coverage: Coverage | undefined): string | undefined {
  const to = coverage === undefined ? undefined : mapOf(coverage, 'time')?.to;
  return to === undefined ? undefined : new Date(to).toISOString();
}

interface FindProperties {
  readonly server: ServerSummary;
  /** Of the address. */
  readonly query: URLSearchParams;
}

/** The view. */
export function FindSection({ server, query }: FindProperties): JSX.Element {
  const coverage = useResource<Coverage>(serverRoute(server.name, '/coverage'), 30_000);
  const tree = useResource<TimelineTree>(serverRoute(server.name, '/timelines'));
  const points = useResource<RestorePointList>(serverRoute(server.name, '/restore-points'), 30_000);
  const target = targetOf(query);
  const look = (wanted: Target): void => {
    location.hash = serverAddress(server.name, 'find', queryOf(wanted));
  };
  return (
    <>
      <section class="card" aria-label="What to find">
        <h2>Which point in time?</h2>
        <Refused of={coverage} />
        {coverage.value === undefined ? null : (
          <MomentMap coverage={coverage.value} points={points.value?.restorePoints ?? []} target={target} onPick={look} />
        )}
        <TargetForm
          key={query.toString()}
          target={target}
          points={points.value}
          timelines={tree.value?.timelines ?? []}
          latest={latestCommit(coverage.value)}
          onLook={look}
        />
      </section>
      {target === undefined ? null : <FoundCard server={server.name} target={target} />}
    </>
  );
}
