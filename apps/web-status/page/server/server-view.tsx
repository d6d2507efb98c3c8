/** A server: its verdict, and the views of it. */
import type { JSX } from 'preact';
import type { ServerSummary } from '../../src/schema/server-summary.ts';
import { FindSection } from '../finder/find-section.tsx';
import { live } from '../live/live-state.ts';
import { useStore } from '../live/store.ts';
import { VerdictBadge } from '../parts/verdict-badge.tsx';
import { type Route, type Section, serverAddress } from '../routing/route.ts';
import { ArchiveSection } from '../archive/archive-section.tsx';
import { ChartsSection } from '../charts/charts-section.tsx';
import { ChecksSection } from './checks-section.tsx';
import { EventsSection } from './events-section.tsx';
import { NowSection } from './now-section.tsx';

/** What each view is called, in order. */
const titles = {
  now: 'Now',
  charts: 'Charts',
  archive: 'Archive',
  find: 'Find a point in time',
  events: 'Events',
  checks: 'Checks and clients',
} as const satisfies Record<Section, string>;

/** The view of one. */
export function ServerView({ place }: { readonly place: Extract<Route, { view: 'server' }> }): JSX.Element {
  const server = useStore(live, (state) => state.servers?.get(place.server));
  const isKnown = useStore(live, (state) => state.servers !== undefined);
  return (
    <>
      <nav aria-label="Where you are">
        <a href="#/">All servers</a>
      </nav>
      {server === undefined ? (
        <h1>{isKnown ? `The configuration has no server "${place.server}"` : place.server}</h1>
      ) : (
        <>
          <ServerHead server={server} />
          <SectionLinks place={place} />
          <SectionOf place={place} server={server} />
        </>
      )}
    </>
  );
}

function ServerHead({ server }: { readonly server: ServerSummary }): JSX.Element {
  return (
    <div class="server-head">
      <h1>
        {server.name} {server.description === null ? null : <span class="second">{server.description}</span>}
      </h1>
      <p class="server-verdict">
        <VerdictBadge verdict={server.verdict} /> <span>{server.reason}</span>
      </p>
    </div>
  );
}

function SectionLinks({ place }: { readonly place: Extract<Route, { view: 'server' }> }): JSX.Element {
  return (
    <nav class="sections" aria-label={`Views of ${place.server}`}>
      <ul>
        {Object.entries(titles).map(([section, title]) => (
          <li key={section}>
            <a
              href={serverAddress(place.server, section as Section)}
              aria-current={section === place.section ? 'page' : undefined}
            >
              {title}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

interface SectionProperties {
  readonly place: Extract<Route, { view: 'server' }>;
  readonly server: ServerSummary;
}

function SectionOf({ place, server }: SectionProperties): JSX.Element {
  switch (place.section) {
    case 'charts':
      return <ChartsSection server={server} wanted={place.query.get('period')} />;
    case 'archive':
      return <ArchiveSection server={server} />;
    case 'find':
      return <FindSection server={server} query={place.query} />;
    case 'events':
      return <EventsSection server={server} />;
    case 'checks':
      return <ChecksSection server={server} />;
    case 'now':
      return <NowSection server={server} />;
  }
}
