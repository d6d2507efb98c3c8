/**
 * `check --nagios`: one line with what is wrong and the numbers, then a line for each thing that is wrong, as a Nagios plug-in says it
 * (https://nagios-plugins.org/doc/guidelines.html). Exit codes 0, 1 and 2 for OK, WARNING and CRITICAL.
 */
import type { CommandContext } from '../context.ts';
import { exitCode } from '../exit-code.ts';
import { leaveSoon } from '../leave-soon.ts';
import { check, type CheckedServer, resultInWords } from './check.ts';

/** Runs the command; gives the exit code. Trouble with the command itself or the configuration is critical as well. */
export async function checkForNagios(
  context: CommandContext,
  serverNames: readonly string[],
  timeoutMs: number | undefined,
): Promise<number> {
  try {
    const servers = await context.servers(serverNames);
    const active = servers.filter((server) => server.active);
    const checked = await Promise.all(active.map(async (server) => ({ server, results: await check(server, timeoutMs) })));
    const ignored = servers.filter((server) => !server.active).map(({ name }) => ` * IGNORING: ${name}`);
    const { code, lines } = report(checked, ignored.join(''));
    for (const line of lines) context.output.info(line);
    leaveSoon();
    return code;
  } catch (error) {
    context.output.info(`WALVAULT CRITICAL - ${error instanceof Error ? error.message.split('\n', 1)[0] : String(error)}`);
    return exitCode.critical;
  }
}

/** What is said, and the exit code. */
function report(
  checked: readonly CheckedServer[],
  ignored: string,
): { readonly code: number; readonly lines: readonly string[] } {
  const numbers = checked.flatMap(numbersOf);
  const perfdata = numbers.length === 0 ? '' : `|${numbers.join(' ')}`;
  for (const [status, word, code] of severities) {
    const bad = checked.filter(({ results }) => results.some((result) => result.status === status));
    if (bad.length === 0) continue;
    const summary = bad.map((one) => ` * ${one.server.name} ${word[1]}: ${namesOf(one, status)}`).join('');
    const [only] = checked;
    const what = word[2];
    const head =
      checked.length === 1 && only !== undefined
        ? `server ${only.server.name} has ${what}`
        : `${bad.length} server out of ${checked.length} have ${what}`;
    return { code, lines: [`WALVAULT ${word[0]} - ${head}${summary}${ignored}${perfdata}`, ...details(checked)] };
  }
  return { code: exitCode.ok, lines: [`WALVAULT OK - ${readiness(checked)}${ignored}${perfdata}`] };
}

const severities = [
  ['failed', ['CRITICAL', 'FAILED', 'issues'], exitCode.critical],
  ['warning', ['WARNING', 'WARNING', 'warnings'], exitCode.warning],
] as const;

function readiness(checked: readonly CheckedServer[]): string {
  const names = checked.map(({ server }) => server.name);
  if (names.length === 0) return 'No server configured';
  if (names.length === 1) return `Ready to give back the WAL of ${names[0]}`;
  return `Ready to give back the WAL of ${names.length} servers * ${names.join(' * ')}`;
}

function namesOf({ results }: CheckedServer, status: string): string {
  return results
    .filter((result) => result.status === status)
    .map(({ name }) => name)
    .join(', ');
}

function details(checked: readonly CheckedServer[]): readonly string[] {
  return checked.flatMap(({ server, results }) =>
    results.filter(({ status }) => status !== 'ok').map((result) => `${server.name}.${result.name}: ${resultInWords(result)}`),
  );
}

/** `pg_lag_bytes=0B`. A line ends a plug-in's first line, and a blank a number, so that neither is in a name. */
function numbersOf({ server, results }: CheckedServer): readonly string[] {
  const numbers = results.flatMap((result) => Object.entries(result.numbers));
  return numbers.map(([name, value]) => `${labelOf(server.name, name)}=${value}${unitOf(name)}`);
}

/** Barman calls the size of the archive `pg_wals`. */
function labelOf(serverName: string, name: string): string {
  return `${serverName}_${name === 'wals_bytes' ? 'wals' : name}`;
}

function unitOf(name: string): string {
  if (name.endsWith('_bytes')) return 'B';
  return name.endsWith('_seconds') ? 's' : '';
}
