/** `switch-wal`: the lines are Barman's; what did not happen is an error here also where it has no name. */
import { awaitArchived, type ServerConfig, switchServerWal, type SwitchWalOutcome } from '@walvault/core/operating';
import { WalvaultError } from '@walvault/wal';
import type { CommandContext } from '../context.ts';
import { exitCode } from '../exit-code.ts';
import { describeError } from '../output.ts';

/** Options of the command. */
export interface SwitchWalCommandOptions {
  readonly force?: boolean | undefined;
  readonly archive?: boolean | undefined;
  /** Seconds. */
  readonly archiveTimeout: number;
}

/** Runs the command; gives the exit code. A server in trouble does not keep the others from their turn. */
export async function switchWalCommand(
  context: CommandContext,
  serverNames: readonly string[],
  options: SwitchWalCommandOptions,
): Promise<number> {
  let worst: number = exitCode.ok;
  for (const server of await context.servers(serverNames)) {
    if (!server.active) context.output.info(`Skipping inactive server '${server.name}'`);
    else if (!(await switchOne(context, server, options))) worst = exitCode.error;
  }
  return worst;
}

/** Whether all was done that was asked for. */
async function switchOne(context: CommandContext, server: ServerConfig, options: SwitchWalCommandOptions): Promise<boolean> {
  const { output } = context;
  try {
    const outcome = await switchServerWal(server, { signal: context.stop, force: options.force });
    output.info(wordsFor(outcome, server.name));
    const name = outcome.kind === 'standby' ? undefined : outcome.name;
    const archived =
      options.archive === true ? await waitFor(context, server, { name, seconds: options.archiveTimeout }) : undefined;
    output.result(server.name, {
      outcome: outcome.kind,
      closed_wal: outcome.kind === 'closed' ? outcome.name : null,
      archived_wal: archived ?? null,
    });
    return options.archive !== true || archived !== undefined;
  } catch (error) {
    tellFailure(context, server, error);
    return false;
  }
}

function wordsFor(outcome: SwitchWalOutcome, serverName: string): string {
  switch (outcome.kind) {
    case 'closed':
      return `The WAL file ${outcome.name} has been closed on server '${serverName}'`;
    case 'notRequired':
      return `No switch required for server '${serverName}'`;
    case 'standby':
      return `No switch performed because server '${serverName}' is a standby.`;
  }
}

/** Waits for a segment, or for any when it has no name; gives the name of the one that came. */
async function waitFor(
  context: CommandContext,
  server: ServerConfig,
  { name, seconds }: { readonly name: string | undefined; readonly seconds: number },
): Promise<string | undefined> {
  const { output } = context;
  const which = name === undefined ? 'a WAL file' : `the WAL file ${name}`;
  const purpose = name === undefined ? ' to be archived' : '';
  output.info(`Waiting for ${which} from server '${server.name}'${purpose} (max: ${seconds} seconds)`);
  const { file: configFile } = await context.configuration();
  const archived = await awaitArchived(server, name, { signal: context.stop, configFile, timeoutMs: seconds * 1000 });
  if (archived === undefined)
    output.failure(
      `${which[0]?.toUpperCase()}${which.slice(1)} has not been received in ${seconds} seconds`,
      `Look at whether it is being received: walvault status ${server.name}`,
    );
  return archived;
}

function tellFailure(context: CommandContext, server: ServerConfig, error: unknown): void {
  const { message, hint, code } = describeError(error);
  const isAboutPrivilege = WalvaultError.is(error) && error.code === 'ERR_MISSING_PRIVILEGE';
  context.output.failure(
    isAboutPrivilege ? message : `Unable to perform pg_switch_wal for server '${server.name}': ${message}`,
    hint,
    code,
  );
}
