/** `config show`: the options as they count, each with the place where it was written, without passwords. */
import { configuredSettings } from '@walvault/core/viewing';
import type { CommandContext } from '../context.ts';
import { exitCode } from '../exit-code.ts';

/** Runs the command; gives the exit code. Without servers all of them are shown. */
export async function configShowCommand(
  context: CommandContext,
  serverNames: readonly string[],
  options: { readonly all?: boolean | undefined },
): Promise<number> {
  const { output } = context;
  const configuration = await context.configuration();
  const servers = await context.servers(serverNames.length === 0 ? ['all'] : serverNames);
  for (const [section, settings] of Object.entries(configuredSettings(configuration, servers, options.all ?? false))) {
    output.result(
      section,
      Object.fromEntries(Object.entries(settings).map(([name, { value, source }]) => [name, { value, source }])),
    );
    if (output.isJson) continue;
    output.info(`[${section}]`);
    for (const [name, { text = '', source }] of Object.entries(settings)) {
      output.info(`; ${source}`);
      output.info(`${name} = ${text.replaceAll('%', '%%').replaceAll('\n', '\n  ')}`);
    }
  }
  return exitCode.ok;
}
