/** `diagnose`: everything that a bug report needs, as JSON in either format. There is no password in it. */
import { diagnose } from '@walvault/core/viewing';
import type { CommandContext } from '../context.ts';
import { exitCode } from '../exit-code.ts';
import type { JsonValue } from '../output.ts';
import { version } from '../version.ts';

/** Runs the command; gives the exit code. */
export async function diagnoseCommand(
  context: CommandContext,
  options: { readonly showConfigSource?: boolean | undefined },
): Promise<number> {
  const configuration = await context.configuration();
  const { showConfigSource = false } = options;
  const found = await diagnose(configuration, { version: version(), showConfigSource, signal: context.stop });
  context.output.document(JSON.parse(JSON.stringify(found)) as Record<string, JsonValue>);
  return exitCode.ok;
}
