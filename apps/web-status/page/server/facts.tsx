/** Names and values under a heading. */
import type { ComponentChildren, JSX } from 'preact';

/** Rows of a name and what stands beside it. */
export type FactRows = readonly (readonly [name: string, value: ComponentChildren])[];

interface FactsProperties {
  readonly title: string;
  readonly rows: FactRows;
  /** What stands above the rows. */
  readonly children?: ComponentChildren;
}

/** One card. */
export function Facts({ title, rows, children }: FactsProperties): JSX.Element {
  return (
    <section class="card" aria-label={title}>
      <h2>{title}</h2>
      {children}
      <dl class="facts">
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
