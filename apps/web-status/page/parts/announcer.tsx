/** Tells whoever listens instead of looking when a verdict changes. Figures that change each second are not read out. */
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ServerSummary } from '../../src/schema/server-summary.ts';
import { live } from '../live/live-state.ts';
import { verdictWords } from './verdict-badge.tsx';

/** Cannot be seen. */
export function Announcer(): JSX.Element {
  const [text, setText] = useState('');
  const known = useRef<ReadonlyMap<string, ServerSummary> | undefined>(undefined);
  useEffect(
    () =>
      live.listen(() => {
        const { servers } = live.value;
        if (servers === known.current) return;
        const changed = [...(servers?.values() ?? [])].filter((server) => hasChanged(known.current?.get(server.name), server));
        known.current = servers;
        if (changed.length > 0) setText(changed.map(sentence).join(' '));
      }),
    [],
  );
  return (
    <p class="hidden" role="log" aria-live="polite" aria-label="Changes">
      {text}
    </p>
  );
}

function hasChanged(before: ServerSummary | undefined, now: ServerSummary): boolean {
  return before !== undefined && before.verdict !== now.verdict;
}

function sentence({ name, verdict, reason }: ServerSummary): string {
  return `${name}: ${verdictWords[verdict]}, ${reason}.`;
}
