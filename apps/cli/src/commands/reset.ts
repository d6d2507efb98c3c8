/** `receive-wal --reset`, with Barman's lines where they say what is so, and the hole that a reset means. */
import { type RecordedHole, resetReceiver, type ServerConfig } from '@walvault/core';
import { WalvaultError } from '@walvault/wal';
import type { CommandContext } from '../context.ts';
import { exitCode } from '../exit-code.ts';
import { describeError } from '../output.ts';

/** Runs the command; gives the exit code. */
export async function resetCommand(context: CommandContext, server: ServerConfig): Promise<number> {
  const { output } = context;
  try {
    const outcome = await resetReceiver(server, { signal: context.stop });
    if (outcome.slotReplaced) output.info(`Replication slot '${server.slotName}' had lost its WAL: dropped and created anew`);
    if (outcome.kind === 'aligned') {
      output.info('Nothing to do. Position of receive-wal is aligned.');
      return exitCode.ok;
    }
    output.info('Resetting receive-wal directory status');
    output.info(`Creating status file ${outcome.createdPath}`);
    output.warning(`WAL is missing: ${rangeOf(outcome.hole)}, segments ${outcome.missing}`);
    output.warning(
      `Backups from before that hole cannot be recovered past it: take a new base backup. The hole is on record in ${outcome.holesPath}`,
    );
    return exitCode.ok;
  } catch (error) {
    const { message, hint, code } = describeError(error);
    const isAboutReaching = WalvaultError.is(error) && error.code === 'ERR_CONNECT';
    output.failure(isAboutReaching ? `Cannot connect to server '${server.name}': ${message}` : message, hint, code);
    return exitCode.error;
  }
}

function rangeOf({ fromLsn, timelineId, toLsn, toTimelineId }: RecordedHole): string {
  return `from ${fromLsn} on timeline ${timelineId} to ${toLsn} on timeline ${toTimelineId}`;
}
