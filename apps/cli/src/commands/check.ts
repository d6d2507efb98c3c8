/** `check`: whether all is well, one line a fact. Names, order, hints and exit codes are Barman's; what it does not check comes behind. */
import { type CheckResult, checkServer } from '@walvault/core/checking';
import type { ServerConfig } from '@walvault/core/configuration';
import type { CommandContext } from '../context.ts';
import { exitCode } from '../exit-code.ts';
import { leaveSoon } from '../leave-soon.ts';
import type { Output } from '../output.ts';

/** Options of the command. */
export interface CheckCommandOptions {
  readonly nagios?: boolean | undefined;
  /** Milliseconds; that of the configuration unless given. */
  readonly checkTimeout?: number | undefined;
}

/** A server with what its check has come to. */
export interface CheckedServer {
  readonly server: ServerConfig;
  readonly results: readonly CheckResult[];
}

/** Runs the command; gives the exit code. All servers are checked at the same time, and none waits for another. */
export async function checkCommand(
  context: CommandContext,
  serverNames: readonly string[],
  { nagios = false, checkTimeout }: CheckCommandOptions,
): Promise<number> {
  if (nagios) return (await import('./check-nagios.ts')).checkForNagios(context, serverNames, checkTimeout);
  const servers = await context.servers(serverNames);
  const checks = servers.map(async (server) => ({ server, results: await check(server, checkTimeout) }));
  let worst: number = exitCode.ok;
  for (const checked of checks) {
    const { server, results } = await checked;
    print(context.output, { server, results });
    // What is wrong with a server that is switched off is told, and is no failure.
    if (server.active && results.some(({ status }) => status === 'failed')) worst = exitCode.error;
  }
  leaveSoon();
  return worst;
}

/** Checks a server; a check that breaks is one that failed. */
export async function check(server: ServerConfig, timeoutMs: number | undefined): Promise<readonly CheckResult[]> {
  try {
    return await checkServer(server, { timeoutMs });
  } catch (error) {
    const hint = error instanceof Error ? error.message : String(error);
    return [{ name: 'configuration', status: 'failed', hint, numbers: {}, isOurs: false }];
  }
}

const words = { ok: 'OK', warning: 'WARNING', failed: 'FAILED' } as const;
const moods = { ok: 'good', warning: 'careful', failed: 'bad' } as const;

/** What a result says, `FAILED (why)`. */
export function resultInWords({ status, hint }: CheckResult, word: string = words[status]): string {
  return hint === '' ? word : `${word} (${hint})`;
}

function print(output: Output, { server, results }: CheckedServer): void {
  output.result(server.name, asJson(results));
  if (output.isJson) return;
  output.info(`Server ${server.name}${server.active ? '' : ' (inactive)'}:`);
  for (const result of results) {
    const word = output.word(words[result.status], moods[result.status]);
    output.info(`\t${result.name}: ${resultInWords(result, word)}`);
  }
}

/** Barman's shape, by Barman's keys; `numbers` are ours. */
function asJson(
  results: readonly CheckResult[],
): Readonly<Record<string, { hint: string; status: string; numbers?: CheckResult['numbers'] }>> {
  return Object.fromEntries(
    results.map(({ name, status, hint, numbers }) => {
      const key = name.toLowerCase().replaceAll(/[^a-z0-9]/g, '_');
      const value = { hint, status: words[status] };
      return [key, Object.keys(numbers).length === 0 ? value : { ...value, numbers }];
    }),
  );
}
