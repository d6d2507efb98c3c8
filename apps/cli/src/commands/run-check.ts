/** `run --check`: for the probes of containers and service managers. Looks at lock and `run.json`, and asks no server. */
import { runHealth } from '@walvault/core/running';
import type { CommandContext } from '../context.ts';
import { exitCode } from '../exit-code.ts';

/** What to look for: is `run` there, or does it also receive and archive? */
export type RunCheck = 'alive' | 'ready';

/** Runs the command; gives the exit code: 0 when all servers are, 1 when one is not. */
export async function runCheckCommand(context: CommandContext, names: readonly string[], check: RunCheck): Promise<number> {
  const servers = (await context.servers(names.length === 0 ? ['all'] : names)).filter(({ active }) => active);
  let bad = 0;
  for (const server of servers) {
    const { isAlive, isReady, reason, pid, state } = await runHealth(server);
    const isGood = check === 'alive' ? isAlive : isReady;
    if (!isGood) bad += 1;
    if (isGood) context.output.info(`${server.name}: ${check}`);
    else context.output.failure(`${server.name}: ${reason ?? 'not alive'}`);
    context.output.result(server.name, {
      alive: isAlive,
      ready: isReady,
      reason: reason ?? null,
      pid: pid ?? null,
      receiver: state?.receiver.phase ?? null,
      archiver: state?.archiver.phase ?? null,
    });
  }
  return bad === 0 ? exitCode.ok : exitCode.error;
}
