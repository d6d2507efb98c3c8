/** All servers at a glance. */
import type { JSX } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { ServerSummary } from '../../src/schema/server-summary.ts';
import { isStale, live } from '../live/live-state.ts';
import { useStore } from '../live/store.ts';
import { Icon } from '../parts/icon.tsx';
import { headline, inOrder, tally, worst } from './ranking.ts';
import { columns, MemoServerRow } from './server-row.tsx';

/** From so many servers on there is a field to find one. */
const manyServers = 8;

/** So many rows more are drawn in each frame: more than a screen is high, and less than keeps the page from answering. */
const rowsAtOnce = 16;

/** The view. */
export function Overview(): JSX.Element {
  const servers = useStore(live, (state) => state.servers);
  const [wanted, setWanted] = useState('');
  const all = useMemo(() => inOrder(servers?.values() ?? []), [servers]);
  if (servers === undefined) return <h1 class="quiet">Waiting for the first figures…</h1>;
  const shown = all.filter((server) => matches(server, wanted));
  return (
    <>
      <Headline servers={all} />
      {all.length < manyServers ? null : (
        <p class="search">
          <label>
            Show only <input type="search" value={wanted} onInput={(event) => setWanted(event.currentTarget.value)} />
          </label>{' '}
          <span class="quiet" role="status">
            {shown.length} of {all.length}
          </span>
        </p>
      )}
      {all.length === 0 ? <NoServer /> : <ServerTable servers={shown} />}
    </>
  );
}

/** A number that grows by so much with each frame that is drawn, until it is great enough. */
function useGrowing(step: number, wanted: number): number {
  const [count, setCount] = useState(step);
  const isEnough = count >= wanted;
  useEffect(() => {
    if (isEnough) return undefined;
    const request = requestAnimationFrame(() => setCount(count + step));
    return () => cancelAnimationFrame(request);
  }, [count, isEnough, step]);
  return count;
}

function NoServer(): JSX.Element {
  return (
    <p>
      The configuration names no server. Write a section for each into its file, then send SIGHUP to{' '}
      <code>walvault-web-status</code>.
    </p>
  );
}

function Headline({ servers }: { readonly servers: readonly ServerSummary[] }): JSX.Element {
  const stale = useStore(live, isStale);
  const counts = tally(servers);
  const words = headline(counts, servers.length);
  const sign = stale ? 'unknown' : worst(counts);
  return (
    <h1 class={`headline headline-${sign}`}>
      <Icon sign={sign} /> {stale ? `Last known: ${words}` : words}
    </h1>
  );
}

function ServerTable({ servers }: { readonly servers: readonly ServerSummary[] }): JSX.Element {
  const count = useGrowing(rowsAtOnce, servers.length);
  return (
    <table class="servers" role="table" aria-label="Servers">
      <thead role="rowgroup">
        <tr role="row">
          {columns.map((name) => (
            <th key={name} role="columnheader" scope="col">
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {servers.slice(0, count).map((server) => (
          <MemoServerRow key={server.name} server={server} />
        ))}
      </tbody>
    </table>
  );
}

function matches({ name, description, verdict, reason }: ServerSummary, wanted: string): boolean {
  const text = `${name} ${description ?? ''} ${verdict} ${reason}`.toLowerCase();
  return wanted
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}
