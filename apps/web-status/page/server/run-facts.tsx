/** How `walvault run` is with a server. */
import type { JSX } from 'preact';
import type { ServerDetail } from '../../src/schema/server-detail.ts';
import { Ago } from '../parts/moment.tsx';
import { Facts } from './facts.tsx';

function stateOf({ pid, isAlive, isReady }: NonNullable<ServerDetail['run']>): string {
  if (pid === null) return 'not running';
  if (!isAlive) return 'silent';
  return isReady ? 'running, ready' : 'running, not ready';
}

/** The card; nothing where nobody knows of it. */
export function RunFacts({ run }: { readonly run: ServerDetail['run'] }): JSX.Element | null {
  if (run === null) return null;
  const state = stateOf(run);
  // What a process that is gone, or silent, was about is no news of now.
  const duties = Object.entries((run.isAlive ? run.duties : null) ?? {});
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
      {run.pid !== null ? null : <p class="quiet">That is no trouble where cron does its work.</p>}
    </Facts>
  );
}
