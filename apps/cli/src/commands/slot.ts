/** `receive-wal --create-slot` and `--drop-slot`, with Barman's lines for every way they can end. */
import { createServerSlot, dropServerSlot, requireSlotName, type ServerConfig } from '@walvault/core';
import { WalvaultError } from '@walvault/wal';
import type { CommandContext } from '../context.ts';
import { exitCode } from '../exit-code.ts';
import { describeError } from '../output.ts';

/** Creates the slot of a server; gives the exit code. */
export async function createSlotCommand(context: CommandContext, server: ServerConfig, ifNotExists: boolean): Promise<number> {
  const { output } = context;
  const slotName = requireSlotName(server, 'create');
  output.info(`Creating physical replication slot '${slotName}' on server '${server.name}'`);
  try {
    await createServerSlot(server, context.stop);
  } catch (error) {
    if (WalvaultError.is(error) && error.code === 'ERR_SLOT_EXISTS' && ifNotExists) {
      output.info(`Replication slot '${slotName}' already exists and --if-not-exists was specified. Skipping creation`);
      return exitCode.ok;
    }
    return tellFailure(context, error, {
      ERR_SLOT_EXISTS: `Replication slot '${slotName}' already exists`,
      ERR_SLOTS_EXHAUSTED: `All replication slots for server '${server.name}' are in use\nFree one or increase the max_replication_slots value on your PostgreSQL server.`,
      ERR_SERVER: `Cannot create replication slot '${slotName}' on server '${server.name}': ${describeError(error).message}`,
      ERR_CONNECT: `Cannot connect to server '${server.name}': ${describeError(error).message}`,
    });
  }
  output.info(`Replication slot '${slotName}' created`);
  return exitCode.ok;
}

/** Drops the slot of a server; gives the exit code. */
export async function dropSlotCommand(context: CommandContext, server: ServerConfig): Promise<number> {
  const { output } = context;
  const slotName = requireSlotName(server, 'drop');
  output.info(`Dropping physical replication slot '${slotName}' on server '${server.name}'`);
  try {
    await dropServerSlot(server, context.stop);
  } catch (error) {
    return tellFailure(context, error, {
      ERR_SLOT_MISSING: `Replication slot '${slotName}' does not exist`,
      ERR_SLOT_IN_USE: `Cannot drop replication slot '${slotName}' on server '${server.name}' because it is in use.`,
      ERR_CONNECT: `Cannot connect to server '${server.name}': ${describeError(error).message}`,
    });
  }
  output.info(`Replication slot '${slotName}' dropped`);
  return exitCode.ok;
}

/** Says a failure in the words for its code, if there are some, and always what to do about it. */
function tellFailure(context: CommandContext, error: unknown, words: Readonly<Record<string, string>>): number {
  const { message, hint, code } = describeError(error);
  context.output.failure((WalvaultError.is(error) ? words[error.code] : undefined) ?? message, hint, code);
  return exitCode.error;
}
