/** `list-servers`: the configured servers, by name. */
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
    if (output.isJson) {
      output.result(server.name, { description: server.description ?? '' });
      continue;
    }
    const description = server.description === undefined ? '' : ` - ${server.description}`;
    const inactive = server.active ? '' : ' (inactive)';
    output.info(options.minimal === true ? server.name : `${server.name}${description}${inactive}`);
  }
  return exitCode.ok;
}
