/** What `walvault check` says, and who streams from the server. */
import type { JSX } from 'preact';
import type { CheckList } from '../../src/schema/checks.ts';
import type { ServerSummary } from '../../src/schema/server-summary.ts';
import { serverRoute } from '../api/ask.ts';
import { useResource } from '../api/use-resource.ts';
import { Icon, type Sign } from '../parts/icon.tsx';
import { Ago } from '../parts/moment.tsx';
import { Refused } from '../parts/refused.tsx';
import { ClientTable } from './client-table.tsx';

type Check = NonNullable<CheckList['results']>[number];

const signs: Readonly<Record<Check['status'], Sign>> = { ok: 'safe', warning: 'warning', failed: 'danger' };
const words: Readonly<Record<Check['status'], string>> = { ok: 'OK', warning: 'WARNING', failed: 'FAILED' };
const ranks: Readonly<Record<Check['status'], number>> = { failed: 0, warning: 1, ok: 2 };

/** The view. */
export function ChecksSection({ server }: { readonly server: ServerSummary }): JSX.Element {
  return (
    <>
      <Checks server={server} />
      <ClientTable server={server} />
    </>
  );
}

function Checks({ server }: { readonly server: ServerSummary }): JSX.Element {
  const checks = useResource<CheckList>(serverRoute(server.name, '/checks'), 10_000, server.verdict);
  const results = checks.value?.results ?? [];
  return (
    <section class="card" aria-label="Checks">
      <h2>Checks</h2>
      <Refused of={checks} />
      {checks.value === undefined ? null : (
        <p class="second">
          What <code>walvault check {server.name}</code> says; looked at <Ago time={checks.value.sampledAt} never="not yet" />.{' '}
          {checks.value.reason}
        </p>
      )}
      {results.length === 0 ? null : (
        <ul class="checks">
          {results
            .toSorted((a, b) => ranks[a.status] - ranks[b.status])
            .map((check) => (
              <li key={check.name} class={`check check-${check.status}`}>
                <span class="signed">
                  <Icon sign={signs[check.status]} /> <strong>{words[check.status]}</strong>
                </span>
                <span>{check.name}</span>
                {check.hint === '' ? null : <span class="second">{check.hint}</span>}
              </li>
            ))}
        </ul>
      )}
    </section>
  );
}
