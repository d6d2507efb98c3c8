/** The head of the page: where one is, whether what is shown is of now, and how it is shown. */
import type { JSX } from 'preact';
import { loggedInCookie } from '../../src/schema/session.ts';
import { formatSeconds } from '../format/duration.ts';
import { zoneName } from '../format/time.ts';
import { useClockText } from '../live/clock.ts';
import { type Connection, live } from '../live/live-state.ts';
import { useStore } from '../live/store.ts';
import { theme, type Theme, zone } from '../routing/preferences.ts';
import { Icon } from './icon.tsx';

/** Whether this browser has a session that it can end; where a proxy or nobody asks for a secret there is none. */
const isLoggedIn = document.cookie.split('; ').includes(`${loggedInCookie}=1`);

const themes: readonly Theme[] = ['auto', 'light', 'dark'];

/** The head. */
export function Header(): JSX.Element {
  const chosenZone = useStore(zone, (value) => value);
  const chosenTheme = useStore(theme, (value) => value);
  return (
    <header class="top">
      <a class="wordmark" href="#/">
        walvault
      </a>
      <ConnectionState />
      <span class="choices">
        <button type="button" onClick={() => zone.set(chosenZone === 'utc' ? 'local' : 'utc')}>
          <span class="hidden">Times in </span>
          {chosenZone === 'utc' ? 'UTC' : `Local time (${zoneName(Date.now(), 'local')})`}
        </button>
        <button type="button" onClick={() => theme.set(themes[(themes.indexOf(chosenTheme) + 1) % themes.length] ?? 'auto')}>
          Colours: {chosenTheme === 'auto' ? 'system' : chosenTheme}
        </button>
        {isLoggedIn ? (
          <form method="post" action="logout">
            <button type="submit">Log out</button>
          </form>
        ) : null}
      </span>
    </header>
  );
}

const words: Readonly<Record<Connection, string>> = {
  connecting: 'Connecting…',
  live: 'Live',
  lost: 'Not live',
  refused: 'Refused',
};

function ConnectionState(): JSX.Element {
  const connection = useStore(live, (state) => state.connection);
  return (
    <span class={`connection connection-${connection}`} role="status">
      <span class="dot" aria-hidden="true" />
      {words[connection]}
    </span>
  );
}

/** Says in full when what is shown may be old, or where to log in. */
export function StaleNotice(): JSX.Element | null {
  const connection = useStore(live, (state) => state.connection);
  const trouble = useStore(live, (state) => state.trouble);
  if (connection === 'refused') return <LoginNotice />;
  if (connection !== 'lost') return null;
  return (
    <div class="notice notice-warning stale" role="alert">
      <Icon sign="warning" /> <strong>This is not live.</strong> {trouble} <LastHeard /> Trying again.
    </div>
  );
}

function LastHeard(): JSX.Element | null {
  const heardAt = useStore(live, (state) => state.heardAt);
  const text = useClockText(() => (heardAt === undefined ? '' : formatSeconds(Math.round((Date.now() - heardAt) / 1000))));
  if (heardAt === undefined) return null;
  return <span aria-live="off">What you see is {text} old.</span>;
}

function LoginNotice(): JSX.Element {
  return (
    <p class="notice notice-warning" role="alert">
      <Icon sign="warning" /> <strong>This is not live.</strong> You are not logged in, or no longer. <a href="login">Log in</a>
    </p>
  );
}
