/** `show-servers`: all options of a server and what it answers, as Barman's, sorted by name. */
import { serverConfigFacts, serverLiveFacts, type ShownFacts } from '@walvault/core/viewing';
import type { CommandContext } from '../context.ts';
import { exitCode } from '../exit-code.ts';

const patienceMs = 10_000;

/** Runs the command; gives the exit code, which a server that does not answer leaves at 0: it says so under `connection_error`. */
export async function showServersCommand(context: CommandContext, serverNames: readonly string[]): Promise<number> {
  const { output } = context;
  const { globals } = await context.configuration();
  const servers = await context.servers(serverNames);
  const live = await Promise.all(servers.map((server) => serverLiveFacts(server, { patienceMs, signal: context.stop })));
  for (const [index, server] of servers.entries()) {
    const facts = sorted({ ...serverConfigFacts(server, globals), ...live[index] });
    output.result(server.name, facts);
    if (output.isJson) continue;
    output.info(`Server ${server.name}:`);
    for (const [name, value] of Object.entries(facts)) output.info(`\t${name}: ${asPython(value)}`);
  }
  return exitCode.ok;
}

function sorted(facts: ShownFacts): ShownFacts {
  return Object.fromEntries(Object.entries(facts).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** A value as Barman's console has it. */
function asPython(value: ShownFacts[string] | undefined): string {
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return typeof value === 'object' ? `[${value.map((item) => `'${item}'`).join(', ')}]` : String(value);
}
