/** What has happened to a server, the latest first. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { EventList, StatusEvent } from '../../src/schema/events.ts';
import type { ServerSummary } from '../../src/schema/server-summary.ts';
import { ask, serverRoute } from '../api/ask.ts';
import { useResource } from '../api/use-resource.ts';
import { Icon, type Sign } from '../parts/icon.tsx';
import { Moment } from '../parts/moment.tsx';
import { Refused } from '../parts/refused.tsx';

const signs: Readonly<Record<StatusEvent['severity'], Sign>> = {
  good: 'safe',
  info: 'info',
  warning: 'warning',
  danger: 'danger',
};
const kinds: Readonly<Record<StatusEvent['kind'], string>> = {
  receiverStarted: 'Receiver started',
  receiverStopped: 'Receiver stopped',
  receiverFailed: 'Receiver failed',
  receiverDied: 'Receiver killed',
  reconnect: 'Reconnected',
  caughtUp: 'Caught up',
  error: 'Error',
  timelineSwitch: 'Timeline switch',
  divergence: 'Divergence',
  holeFound: 'Hole found',
  holeResolved: 'Hole resolved',
  healed: 'Healed',
  segmentBad: 'Damaged segment',
  slotLevel: 'Slot',
  serverUnreachable: 'Server unreachable',
  serverReachable: 'Server reachable',
  checkFailed: 'Check failed',
  checkPassed: 'Check passed',
  verified: 'Verified',
};

/** The view. */
export function EventsSection({ server }: { readonly server: ServerSummary }): JSX.Element {
  const news = `${server.verdict} ${server.phase} ${server.holes} ${server.timelineId} ${server.error?.code}`;
  const latest = useResource<EventList>(serverRoute(server.name, '/events'), 5000, news);
  const [older, setOlder] = useState<readonly EventList[]>([]);
  const pages = latest.value === undefined ? [] : [latest.value, ...older];
  const events = withoutRepeats(pages.flatMap((page) => page.events));
  const more = async (): Promise<void> => {
    const before = events.at(-1)?.id;
    if (before === undefined) return;
    // Without an answer nothing is added, and the head of the page says why.
    const page = await ask<EventList>(serverRoute(server.name, `/events?before=${before}`), new AbortController().signal);
    setOlder((pages) => [...pages, page]);
  };
  return (
    <section class="card" aria-label="Events">
      <h2>Events</h2>
      <Refused of={latest} />
      {latest.value !== undefined && events.length === 0 ? <p>Nothing has happened since this page's server looks.</p> : null}
      <ol class="events">
        {events.map((event) => (
          <EventItem key={event.id} event={event} />
        ))}
      </ol>
      {pages.at(-1)?.hasMore === true ? (
        <button type="button" onClick={() => void more().catch(() => undefined)}>
          Show older ones
        </button>
      ) : null}
    </section>
  );
}

/** What is new pushes what was on the first page down to where the second one begins. */
function withoutRepeats(events: readonly StatusEvent[]): readonly StatusEvent[] {
  return [...new Map(events.map((event) => [event.id, event])).values()].toSorted(
    (a, b) => Date.parse(b.at) - Date.parse(a.at) || b.id - a.id,
  );
}

function EventItem({ event }: { readonly event: StatusEvent }): JSX.Element {
  const place = [
    event.lsn === null ? [] : `at ${event.lsn}`,
    event.timelineId === null ? [] : `on timeline ${event.timelineId}`,
  ].flat();
  return (
    <li class={`event event-${event.severity}`}>
      <Moment time={event.at} />
      <span class="signed">
        <Icon sign={signs[event.severity]} /> {kinds[event.kind]}
      </span>
      <div>
        <p>
          {event.message} {place.length === 0 ? null : <span class="quiet">{place.join(' ')}</span>}
        </p>
        {event.hint === null ? null : <p class="hint">{event.hint}</p>}
        {event.code === null ? null : (
          <p class="quiet">
            <code>walvault explain {event.code}</code>
          </p>
        )}
      </div>
    </li>
  );
}
