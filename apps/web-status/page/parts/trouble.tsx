/** An error with its code and what to do about it. */
import type { JSX } from 'preact';
import { Icon } from './icon.tsx';
import { Ago } from './moment.tsx';

/** What there is to say of it. */
interface Reported {
  readonly code: string;
  readonly message: string;
  readonly hint: string | null;
  readonly at: string | null;
}

/** Nothing when there is none. @param title what it is about */
export function Trouble({ error, title }: { readonly error: Reported | null; readonly title: string }): JSX.Element | null {
  if (error === null) return null;
  return (
    <section class="notice notice-danger" aria-label={title}>
      <p>
        <Icon sign="danger" /> <strong>{title}:</strong> {error.message}
        {error.at === null ? null : (
          <>
            {' '}
            (<Ago time={error.at} />)
          </>
        )}
      </p>
      {error.hint === null ? null : <p class="hint">{error.hint}</p>}
      <p class="quiet">
        More about it: <code>walvault explain {error.code}</code>
      </p>
    </section>
  );
}
