/** The way of the data as a picture: server, received, durable, archived, where each stands, and what lies between. */
import type { JSX } from 'preact';
import type { ServerSummary } from '../../src/schema/server-summary.ts';
import { formatBytes } from '../format/bytes.ts';
import { isStale, live } from '../live/live-state.ts';
import { useStore } from '../live/store.ts';
import { LsnText } from '../parts/figure.tsx';
import { Tape } from './tape.tsx';

/** A place on the way. */
export interface Station {
  readonly key: 'server' | 'received' | 'durable' | 'archived';
  readonly title: string;
  readonly lsn: string | null;
  /** Bytes between the station before and this one; null where it is not known. */
  readonly gap: number | null;
}

/** The four places in order. */
export function stationsOf({ lsn, behindBytes }: ServerSummary): readonly Station[] {
  return [
    { key: 'server', title: 'On the server', lsn: lsn.server, gap: null },
    { key: 'received', title: 'Received', lsn: lsn.received, gap: behindBytes.received },
    { key: 'durable', title: 'Durable here', lsn: lsn.flushed, gap: between(behindBytes.received, behindBytes.flushed) },
    { key: 'archived', title: 'In the archive', lsn: lsn.archived, gap: between(behindBytes.flushed, behindBytes.archived) },
  ];
}

function between(near: number | null, far: number | null): number | null {
  return near === null || far === null ? null : Math.max(0, far - near);
}

interface WayProperties {
  readonly server: ServerSummary;
  /** Null while it is not known. */
  readonly segmentSize: number | null;
}

/** The picture. */
export function WayOfData({ server, segmentSize }: WayProperties): JSX.Element {
  const stale = useStore(live, isStale);
  const stations = stationsOf(server);
  const flows = !stale && server.phase === 'streaming' && (server.bytesPerSecond ?? 0) > 0;
  return (
    <section class="card way" aria-label="The way of the data">
      <h2>The way of the data</h2>
      <ol class={`stations${flows ? ' flows' : ''}`}>
        {stations.map((station) => (
          <li key={station.key} class={`station station-${station.key}`}>
            {station.key === 'server' ? null : (
              <Gap gap={station.gap} isBroken={station.key === 'received' && server.phase !== 'streaming'} />
            )}
            <span class="station-title">
              <span class={`swatch swatch-${station.key}`} aria-hidden="true" /> {station.title}
            </span>
            <LsnText lsn={station.lsn} />
          </li>
        ))}
      </ol>
      <p class="second">
        Timeline {server.timelineId ?? 'unknown'}; the receiver is {phaseWords[server.phase]}
        {server.syncState === null ? '' : `; for the server it is ${server.syncState}`}.
      </p>
      {segmentSize === null ? null : <Tape stations={stations} segmentSize={segmentSize} />}
    </section>
  );
}

const phaseWords: Readonly<Record<ServerSummary['phase'], string>> = {
  starting: 'starting',
  streaming: 'streaming',
  waiting: 'waiting to try again',
  stopped: 'stopped',
  failed: 'stopped by an error',
  dead: 'dead: it was killed',
  none: 'not there: none has ever run',
  off: 'switched off in the configuration',
  unknown: 'doing what is not known: what it has published cannot be read',
};

function Gap({ gap, isBroken }: { readonly gap: number | null; readonly isBroken: boolean }): JSX.Element {
  const state = isBroken ? 'broken' : gap === 0 ? 'even' : gap === null ? 'unknown' : 'behind';
  return (
    <span class={`gap gap-${state}`}>
      <span class="gap-line" aria-hidden="true" />
      <span class="gap-text">
        {isBroken ? 'not connected' : null}
        {isBroken && gap !== null ? ', ' : null}
        {gap === null ? (isBroken ? null : 'unknown') : gap === 0 ? 'nothing between' : `${formatBytes(gap)} between`}
      </span>
    </span>
  );
}
