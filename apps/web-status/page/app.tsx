/** The page: a head, and the view that the address names. */
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { useStore } from './live/store.ts';
import { Overview } from './overview/overview.tsx';
import { Announcer } from './parts/announcer.tsx';
import { Header, StaleNotice } from './parts/header.tsx';
import { route } from './routing/route.ts';
import { ServerView } from './server/server-view.tsx';

/** All of it. */
export function App(): JSX.Element {
  const place = useStore(route, (value) => value);
  const key = place.view === 'server' ? `${place.server}/${place.section}` : 'overview';
  // A new view starts at its top, and for who reads by ear at its heading.
  useEffect(() => scrollTo(0, 0), [key]);
  return (
    <>
      <Header />
      <main id="main">
        <StaleNotice />
        {place.view === 'overview' ? <Overview /> : <ServerView key={place.server} place={place} />}
      </main>
      <Announcer />
    </>
  );
}
