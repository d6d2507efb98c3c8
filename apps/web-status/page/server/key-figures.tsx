/** The figures that count, in large. */
import type { ComponentChildren, JSX } from 'preact';
import type { ServerSummary } from '../../src/schema/server-summary.ts';
import { counted, formatBytes, formatRate } from '../format/bytes.ts';
import { formatSeconds } from '../format/duration.ts';
import { slotHealth, slotRoom } from '../overview/slot-text.ts';
import { Figure } from '../parts/figure.tsx';
import { Icon } from '../parts/icon.tsx';
import { Ago } from '../parts/moment.tsx';

interface KeyFigure {
  readonly name: string;
  readonly value: ComponentChildren;
  readonly more: ComponentChildren;
}

/** All of them. @param limitSeconds from where on the age of what could be lost is no longer good */
export function KeyFigures({
  server,
  limitSeconds,
}: {
  readonly server: ServerSummary;
  readonly limitSeconds: number | null;
}): JSX.Element {
  return (
    <dl class="key-figures" aria-label="Key figures">
      {[...recoveryPoints(server, limitSeconds), rate(server), slot(server), health(server)].map(({ name, value, more }) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd class="great">{value}</dd>
          <dd class="second">{more}</dd>
        </div>
      ))}
    </dl>
  );
}

function recoveryPoints({ rpo }: ServerSummary, limitSeconds: number | null): readonly KeyFigure[] {
  return [
    {
      name: 'Could be lost now',
      value: <Figure value={rpo.durableSeconds} format={formatSeconds} />,
      more:
        rpo.durableReason ??
        `${bytesText(rpo.durableBytes)}${limitSeconds === null ? '' : `, limit ${formatSeconds(limitSeconds)}`}`,
    },
    {
      name: 'Not yet in the archive',
      value: <Figure value={rpo.archivedSeconds} format={formatSeconds} />,
      more: rpo.archivedReason ?? bytesText(rpo.archivedBytes),
    },
  ];
}

function bytesText(bytes: number | null): string {
  return bytes === null ? 'bytes unknown' : formatBytes(bytes);
}

function rate(server: ServerSummary): KeyFigure {
  return {
    name: 'WAL received',
    value: <Figure value={server.bytesPerSecond} format={formatRate} />,
    more: (
      <>
        last message <Ago time={server.lastMessageAt} />
      </>
    ),
  };
}

function slot({ slot }: ServerSummary): KeyFigure {
  if (slot === null) return { name: 'Replication slot', value: <span class="quiet">none</span>, more: 'none is configured' };
  const { sign, word } = slotHealth(slot);
  return {
    name: `Replication slot ${slot.name}`,
    value: (
      <span class="signed">
        <Icon sign={sign} /> {word}
      </span>
    ),
    more: slot.reason === null || slot.level === 'ok' ? slotRoom(slot) : `${slotRoom(slot)}: ${slot.reason}`,
  };
}

function health(server: ServerSummary): KeyFigure {
  const { holes, badSegments } = server;
  const isBad = (holes ?? 0) + (badSegments ?? 0) > 0;
  const texts = [holes === null ? 'holes unknown' : counted(holes, 'hole'), badText(badSegments)];
  return {
    name: 'Holes and damage',
    value: (
      <span class="signed">
        {isBad ? <Icon sign="danger" /> : null} {texts[0]}
      </span>
    ),
    more: (
      <>
        {texts[1]}, archived <Ago time={server.lastArchivedAt} />, verified <Ago time={server.lastVerifiedAt} />
      </>
    ),
  };
}

function badText(badSegments: number | null): string {
  return badSegments === null ? 'damage unknown' : counted(badSegments, 'damaged segment');
}
