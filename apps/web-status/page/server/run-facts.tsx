/** How `walvault run` is with a server. */
import type { JSX } from 'preact';
import type { ServerDetail } from '../../src/schema/server-detail.ts';
import { Ago } from '../parts/moment.tsx';
import { Facts } from './facts.tsx';

/** The card; nothing where nobody knows of it. */
export function RunFacts({ run }: { readonly run: ServerDetail['run'] }): JSX.Element | null {
  if (run === null) return null;
  const state = run.isAlive ? (run.isReady ? 'running, ready' : 'running, not ready') : 'not running';
  // What a process that is gone was about is no news of now.
  const duties = Object.entries((run.pid === null ? null : run.duties) ?? {});
  return (
    <Facts
      title="walvault run"
      rows={[
        // Without a process there is nothing more to say of it.
        ['State', run.pid === null || run.reason === null ? state : `${state}: ${run.reason}`],
        ...duties.map(
          ([name, duty]) =>
            [
              `${name[0]?.toUpperCase()}${name.slice(1)}`,
              <>
                {duty.phase}, since <Ago time={duty.since} />
                {duty.lastError === null ? null : `: ${duty.lastError.message} (${duty.lastError.code})`}
              </>,
            ] as const,
        ),
      ]}
    >
      {run.isAlive ? null : <p class="quiet">That is no trouble where cron does its work.</p>}
    </Facts>
  );
}
