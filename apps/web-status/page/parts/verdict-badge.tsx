/** The one word about a server. */
import type { JSX } from 'preact';
import type { Verdict } from '../../src/schema/server-summary.ts';
import { isStale, live } from '../live/live-state.ts';
import { useStore } from '../live/store.ts';
import { Icon } from './icon.tsx';

/** The word for each verdict. */
export const verdictWords: Readonly<Record<Verdict, string>> = {
  safe: 'Safe',
  warning: 'Warning',
  danger: 'Danger',
  unknown: 'Unknown',
};

/** The verdict; of one that may be old it is said that it was, and it has no colour. */
export function VerdictBadge({ verdict }: { readonly verdict: Verdict }): JSX.Element {
  const stale = useStore(live, isStale);
  const word = verdictWords[verdict];
  return (
    <span class={`verdict verdict-${stale ? 'stale' : verdict}`}>
      <Icon sign={stale ? 'unknown' : verdict} />
      {stale ? `Was ${word.toLowerCase()}` : word}
    </span>
  );
}
