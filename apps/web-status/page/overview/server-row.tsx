/** A server in the overview: a row of the table, and a card on narrow screens. */
import type { ComponentChildren, JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import type { ServerSummary } from '../../src/schema/server-summary.ts';
import { formatBytes, formatCount, formatRate } from '../format/bytes.ts';
import { formatSeconds } from '../format/duration.ts';
import { Figure, LsnText, Unknown } from '../parts/figure.tsx';
import { Icon } from '../parts/icon.tsx';
import { Ago } from '../parts/moment.tsx';
import { VerdictBadge } from '../parts/verdict-badge.tsx';
import { serverAddress } from '../routing/route.ts';
import { slotHealth, slotRoom } from './slot-text.ts';

/** Heads of the columns, in order. */
export const columns = [
  'Server',
  'Data',
  'Could be lost now',
  'Positions',
  'Rate',
  'Slot',
  'Holes',
  'Archived',
  'Verified',
] as const;

interface CellProperties {
  readonly of: (typeof columns)[number];
  readonly children: ComponentChildren;
}

/** The roles are said because the cards of narrow screens would take them away from the table. */
function Cell({ of, children }: CellProperties): JSX.Element {
  return (
    <td role="cell" data-label={of} class={`cell-${of.split(' ')[0]?.toLowerCase()}`}>
      {children}
    </td>
  );
}

function ServerRow({ server }: { readonly server: ServerSummary }): JSX.Element {
  return (
    <tr role="row" class={server.active ? undefined : 'inactive'}>
      <th role="rowheader" scope="row">
        <a href={serverAddress(server.name)}>{server.name}</a>
        {server.description === null ? null : <span class="second">{server.description}</span>}
      </th>
      <Cell of="Data">
        <VerdictBadge verdict={server.verdict} />
        <span class="second">{server.reason}</span>
      </Cell>
      <Cell of="Could be lost now">
        <RecoveryPoint rpo={server.rpo} />
      </Cell>
      <Cell of="Positions">
        <Positions server={server} />
      </Cell>
      <Cell of="Rate">
        <Figure value={server.bytesPerSecond} format={formatRate} />
      </Cell>
      <Cell of="Slot">
        <Slot slot={server.slot} />
      </Cell>
      <Cell of="Holes">
        <Holes holes={server.holes} bad={server.badSegments} />
      </Cell>
      <Cell of="Archived">
        <Ago time={server.lastArchivedAt} />
      </Cell>
      <Cell of="Verified">
        <Ago time={server.lastVerifiedAt} />
      </Cell>
    </tr>
  );
}

/** Drawn anew only when something of the server has changed. */
export function MemoServerRow({ server }: { readonly server: ServerSummary }): JSX.Element {
  return useMemo(() => <ServerRow server={server} />, [server]);
}

function RecoveryPoint({ rpo }: { readonly rpo: ServerSummary['rpo'] }): JSX.Element {
  return (
    <>
      <span class="figures">
        <Amount seconds={rpo.durableSeconds} bytes={rpo.durableBytes} reason={rpo.durableReason} />
      </span>
      <span class="second">
        not archived: <Amount seconds={rpo.archivedSeconds} bytes={rpo.archivedBytes} reason={rpo.archivedReason} />
      </span>
    </>
  );
}

interface AmountProperties {
  readonly seconds: number | null;
  readonly bytes: number | null;
  readonly reason: string | null;
}

/** Both, or the one that is known. */
function Amount({ seconds, bytes, reason }: AmountProperties): JSX.Element {
  if (seconds === null && bytes === null) return <Unknown reason={reason} />;
  return (
    <>
      {seconds === null ? null : <span class="figure">{formatSeconds(seconds)}</span>}{' '}
      {bytes === null ? null : <span class="figure">{formatBytes(bytes)}</span>}
    </>
  );
}

function Positions({ server: { lsn } }: { readonly server: ServerSummary }): JSX.Element {
  const rows = [
    ['server', lsn.server],
    ['durable', lsn.flushed],
    ['archived', lsn.archived],
  ] as const;
  return (
    <span class="positions">
      {rows.map(([name, place]) => (
        <span key={name}>
          <span class="quiet">{name} </span>
          <LsnText lsn={place} />
        </span>
      ))}
    </span>
  );
}

function Slot({ slot }: { readonly slot: ServerSummary['slot'] }): JSX.Element {
  if (slot === null) return <span class="quiet">none</span>;
  const { sign, word } = slotHealth(slot);
  return (
    <>
      <span class="signed" title={slot.reason ?? undefined}>
        <Icon sign={sign} /> {word}
      </span>
      <span class="second">{slotRoom(slot)}</span>
    </>
  );
}

function Holes({ holes, bad }: { readonly holes: number | null; readonly bad: number | null }): JSX.Element {
  return (
    <>
      {holes !== null && holes > 0 ? (
        <strong class="signed">
          <Icon sign="danger" /> {formatCount(holes)}
        </strong>
      ) : (
        <Figure value={holes} format={formatCount} />
      )}
      {bad !== null && bad > 0 ? (
        <strong class="second signed">
          <Icon sign="danger" /> {formatCount(bad)} damaged
        </strong>
      ) : null}
    </>
  );
}
