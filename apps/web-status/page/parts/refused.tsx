/** What is shown instead of an answer. */
import type { JSX } from 'preact';
import type { Resource } from '../api/use-resource.ts';

/** Nothing while there is an answer and no trouble. */
export function Refused({ of }: { readonly of: Resource<unknown> }): JSX.Element | null {
  const { value, refusal } = of;
  if (refusal === undefined) return value === undefined ? <p class="quiet">Loading…</p> : null;
  return (
    <p class="notice notice-warning" role="alert">
      {value === undefined ? refusal.message : `What follows is old: ${refusal.message}`}
      {refusal.hint === undefined ? null : <span class="hint"> {refusal.hint}</span>}
    </p>
  );
}
