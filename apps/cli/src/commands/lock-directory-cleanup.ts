/** `lock-directory-cleanup`: removes the lock files that no process holds. Silent, as Barman's, but in JSON. */
import { cleanLockDirectory } from '@walvault/core/operating';
import type { CommandContext } from '../context.ts';
import { exitCode } from '../exit-code.ts';

/** Runs the command; gives the exit code. */
export async function lockDirectoryCleanupCommand(context: CommandContext): Promise<number> {
  const removed = await cleanLockDirectory(await context.configuration());
  context.output.result('removed', removed);
  return exitCode.ok;
}
