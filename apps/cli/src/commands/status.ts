/** `status`: what an operator asks first. The lines are Barman's where it has them; it has none for streaming. */
import { serverStatus } from '@walvault/core/observing';
import type { CommandContext } from '../context.ts';
import { exitCode } from '../exit-code.ts';
import { leaveSoon } from '../leave-soon.ts';
import { archiveFacts, safetyFacts } from './status-archive.ts';
import type { Fact } from './status-fact.ts';
import { receiverFacts } from './status-receiver.ts';
import { serverFacts } from './status-server.ts';

/** Runs the command; gives the exit code. All servers are looked at at the same time. */
export async function statusCommand(context: CommandContext, serverNames: readonly string[]): Promise<number> {
  const { output } = context;
  const servers = await context.servers(serverNames);
  for (const looked of servers.map(serverStatus)) {
    const status = await looked;
    const facts = [serverFacts, receiverFacts, archiveFacts, safetyFacts].flatMap((factsOf) => factsOf(status));
    output.result(status.server.name, asJson(facts));
    if (output.isJson) continue;
    output.info(`Server ${status.server.name}:`);
    for (const { description, message } of facts) output.info(`\t${description}: ${message}`);
  }
  leaveSoon();
  return exitCode.ok;
}

/** Barman's shape: all messages are text; `value` is the number in it, where there is one. */
function asJson(facts: readonly Fact[]): Readonly<Record<string, { description: string; message: string; value?: number }>> {
  return Object.fromEntries(
    facts.map(({ key, description, message, value }) => [
      key,
      value === undefined ? { description, message } : { description, message, value },
    ]),
  );
}
