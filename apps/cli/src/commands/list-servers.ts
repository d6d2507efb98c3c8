/** `list-servers`: the configured servers, by name. */
import type { ServerConfig } from '@walvault/core/configuration';
import type { CommandContext } from '../context.ts';
import { exitCode } from '../exit-code.ts';

/** Runs the command; gives the exit code. */
export async function listServersCommand(
  context: CommandContext,
  options: { readonly minimal?: boolean | undefined },
): Promise<number> {
  const { output } = context;
  const configuration = await context.configuration();
  for (const server of configuration.servers.values()) {
    const description = `${server.description ?? ''}${suffixOf(server)}`;
    output.result(server.name, { description, active: server.active, passive: server.passive });
    if (output.isJson) continue;
    output.info(options.minimal === true || description === '' ? server.name : `${server.name} - ${description}`);
  }
  return exitCode.ok;
}

/** Barman's marks. It has one more, of servers that it has disabled for what their sections say; here that is an error of the file. */
function suffixOf(server: ServerConfig): string {
  if (!server.active) return ' (inactive)';
  return server.passive ? ' (Passive)' : '';
}
