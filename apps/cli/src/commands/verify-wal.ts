/**
 * `verify-wal`: every page and record of the WAL of a server, and what is missing. Exit code 0 when all is good, 2 when something is
 * bad or missing, 3 when nothing is but not all is known to be right, 1 when it could not be done or was stopped.
 */
import type { ServerConfig } from '@walvault/core/configuration';
import { parseVerifyEdge, type ServerVerification, verifyServerWal } from '@walvault/core/verifying';
import type { TimelineId } from '@walvault/wal';
import type { CommandContext } from '../context.ts';
import { exitCode } from '../exit-code.ts';
import { describeError } from '../output.ts';
import { Progress } from '../progress.ts';
import { linesOf, resultOf } from './verification-result.ts';

/** Options of the command. */
export interface VerifyWalCommandOptions {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly timeline?: TimelineId | undefined;
  readonly quick?: boolean | undefined;
  readonly restart?: boolean | undefined;
}

const exitCodes = { good: exitCode.ok, bad: exitCode.bad, unknown: exitCode.unknown } as const;

/** Runs the command; gives the exit code. */
export async function verifyWalCommand(
  context: CommandContext,
  serverName: string,
  options: VerifyWalCommandOptions,
): Promise<number> {
  const { output } = context;
  const server = await context.server(serverName);
  const startedAtMs = performance.now();
  const verification = await verify(context, server, options);
  if (verification === undefined) return exitCode.error;
  const run = { seconds: (performance.now() - startedAtMs) / 1000, isQuick: options.quick === true };
  output.result(server.name, resultOf(verification, run));
  if (!output.isJson) for (const line of linesOf(server.name, verification, run)) output.info(line);
  if (verification.catalogTrouble !== undefined) {
    const { message, hint } = describeError(verification.catalogTrouble);
    output.warning(`the verdicts are not in the catalogue: ${message}`);
    if (hint !== undefined) output.hint(hint);
  }
  if (verification.notRecorded !== undefined)
    output.warning(`nothing of this run is on record, nor can it be gone on with: ${verification.notRecorded.message}`);
  return exitCodes[verification.verdict];
}

/** Undefined when it was stopped. */
async function verify(
  context: CommandContext,
  server: ServerConfig,
  { from, to, timeline, quick, restart }: VerifyWalCommandOptions,
): Promise<ServerVerification | undefined> {
  const range = {
    from: from === undefined ? undefined : parseVerifyEdge(from),
    to: to === undefined ? undefined : parseVerifyEdge(to),
    timelineId: timeline,
  };
  let [done, total] = [0, 0];
  try {
    using progress = new Progress(context, `Verifying the WAL of server ${server.name}`);
    return await verifyServerWal(server, {
      range,
      quick,
      restart,
      signal: context.stop,
      onProgress: (state) => {
        ({ done, total } = state);
        progress.show(done, total, state.bytes);
      },
    });
  } catch (error) {
    if (!context.stop.aborted || error !== context.stop.reason) throw error;
    context.output.failure(
      `stopped after ${done} of ${total} segments`,
      'The same command goes on there; with --restart it begins anew.',
    );
    return undefined;
  }
}
