/** `cron`: starts what should run and does not. Meant to be called every minute; does nothing when all is well. */
import { isDeletionDue, planCron, stopTask, withTaskLock } from '@walvault/core';
import { archiverCommand, deletionCommand, launch, receiverCommand } from '../background.ts';
import type { CommandContext } from '../context.ts';
import { exitCode } from '../exit-code.ts';

/** Runs the command; gives the exit code. */
export async function cronCommand(context: CommandContext): Promise<number> {
  const { output } = context;
  const configuration = await context.configuration();
  let worst: number = exitCode.ok;
  for (const server of configuration.servers.values()) {
    try {
      if (!server.active) {
        output.info(`Skipping inactive server '${server.name}'`);
        continue;
      }
      const isOurs = await withTaskLock(server, 'cron', async () => {
        const plan = await planCron(server);
        if (plan.archive === 'start') {
          output.info(`Starting WAL archiving for server ${server.name}`);
          await launch(await archiverCommand(context, server));
        } else if (plan.archive === 'busy') {
          output.info(`Another archive-wal process is already running on server ${server.name}. Skipping to the next server`);
        }
        if (plan.receiver === 'start') {
          output.info(`Starting streaming archiver for server ${server.name}`);
          await launch(await receiverCommand(context, server, true));
        } else if (plan.receiver === 'stop') {
          await stopTask(server, 'receive-wal');
        }
        if (await isDeletionDue(server)) {
          output.info(`Starting deletion of WAL for server ${server.name}`);
          await launch(await deletionCommand(context, server));
        }
      });
      if (!isOurs) output.info(`Another cron process is already running on server ${server.name}. Skipping to the next server`);
    } catch (error) {
      // one server in trouble must not keep the others from being looked after
      output.error(error);
      worst = exitCode.error;
    }
  }
  return worst;
}
