/** Figures, and what stands where there is none: unknown is a word, and never 0. */
import type { JSX } from 'preact';

/** Why it is not known goes to whoever points at it. */
export function Unknown({ reason }: { readonly reason?: string | null | undefined }): JSX.Element {
  return (
    <span class="quiet" title={reason ?? undefined}>
      unknown
    </span>
  );
}

interface FigureProperties {
  readonly value: number | null | undefined;
  readonly format: (value: number) => string;
  readonly reason?: string | null | undefined;
}

/** A number with its unit. */
export function Figure({ value, format, reason }: FigureProperties): JSX.Element {
  return value === null || value === undefined ? <Unknown reason={reason} /> : <span class="figure">{format(value)}</span>;
}

/** A place in the WAL. */
export function LsnText({ lsn }: { readonly lsn: string | null | undefined }): JSX.Element {
  return lsn === null || lsn === undefined ? <Unknown /> : <span class="lsn">{lsn}</span>;
}
