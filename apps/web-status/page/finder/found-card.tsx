/** What was found, and what to write to recover up to there. */
import type { JSX } from 'preact';
import type { FoundTarget } from '../../src/schema/find-target.ts';
import { serverRoute } from '../api/ask.ts';
import { useResource } from '../api/use-resource.ts';
import { counted } from '../format/bytes.ts';
import { Icon, type Sign } from '../parts/icon.tsx';
import { Refused } from '../parts/refused.tsx';
import { FoundFacts } from './found-facts.tsx';
import { RecoverySettings } from './recovery-settings.tsx';
import { queryOf, type Target } from './target.ts';

/** The card. */
export function FoundCard({ server, target }: { readonly server: string; readonly target: Target }): JSX.Element {
  const query = new URLSearchParams(queryOf(target));
  const found = useResource<FoundTarget>(serverRoute(server, `/find-target?${query}`));
  const { value } = found;
  return (
    <section class="card found" aria-label="What was found" aria-live="polite">
      <Refused of={found} />
      {value === undefined ? null : (
        <>
          <Outcome found={value} />
          <Obstacles found={value} />
          {value.settings === null ? null : (
            <RecoverySettings settings={value.settings} isReachable={value.reachability === 'reachable'} />
          )}
          <FoundFacts found={value} />
          <p class="second">
            From the catalogue. <code>walvault find-target {server}</code> reads the WAL itself, and says it to the record.
          </p>
        </>
      )}
    </section>
  );
}

function outcomeOf({ found, reachability, reason }: FoundTarget): {
  readonly sign: Sign;
  readonly word: string;
  readonly why: string;
} {
  if (found === 'unknown')
    return {
      sign: 'unknown',
      word: 'Not known',
      why: reason ?? 'The catalogue does not know the segments in which it would be.',
    };
  if (found === 'no')
    return { sign: 'danger', word: 'Not there', why: reason ?? 'There is no such point in the WAL that is here.' };
  switch (reachability) {
    case 'reachable':
      return { sign: 'safe', word: 'Reachable', why: 'A base backup is there, and all WAL from it to this point.' };
    case 'noBackup':
      return { sign: 'danger', word: 'Not reachable', why: 'There is no base backup before it.' };
    case 'hole':
      return { sign: 'danger', word: 'Not reachable', why: 'WAL is missing between the base backup and this point.' };
    case 'damaged':
      return { sign: 'danger', word: 'Not reachable', why: 'A segment on the way to it is damaged.' };
    case null:
      return { sign: 'unknown', word: 'Not known', why: reason ?? 'Whether it can be reached is not known.' };
  }
}

function Outcome({ found }: { readonly found: FoundTarget }): JSX.Element {
  const { sign, word, why } = outcomeOf(found);
  return (
    <h2 class="outcome">
      <span class={`verdict verdict-${sign}`}>
        <Icon sign={sign} /> {word}
      </span>{' '}
      {why}
    </h2>
  );
}

function Obstacles({ found }: { readonly found: FoundTarget }): JSX.Element | null {
  const { holes, damaged, warnings } = found;
  if (holes.length + damaged.length + warnings.length === 0) return null;
  return (
    <ul class="lines">
      {holes.map(({ first, last, count }) => (
        <li key={first}>
          <Icon sign="danger" /> {counted(count, 'segment')} missing: <code>{count === 1 ? first : `${first} to ${last}`}</code>
        </li>
      ))}
      {damaged.map((name) => (
        <li key={name}>
          <Icon sign="danger" /> damaged: <code>{name}</code>
        </li>
      ))}
      {warnings.map((text) => (
        <li key={text}>
          <Icon sign="warning" /> {text}
        </li>
      ))}
    </ul>
  );
}
