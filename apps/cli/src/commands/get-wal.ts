/** `get-wal`: one WAL file, decompressed, to stdout or into a directory. Flags and exit codes are Barman's. */
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type ArchivedWal, openServerWal } from '@walvault/core';
import { tryParseWalFileName } from '@walvault/wal';
import type { CommandContext } from '../context.ts';
import { exitCode } from '../exit-code.ts';

/** Options of the command. */
export interface GetWalCommandOptions {
  readonly outputDirectory?: string | undefined;
  readonly partial?: boolean | undefined;
}

/** Runs the command; gives the exit code. Trouble is thrown, for the caller to end with a code above 125. */
export async function getWalCommand(
  context: CommandContext,
  serverName: string,
  walFile: string,
  options: GetWalCommandOptions,
): Promise<number> {
  const { output } = context;
  const server = await context.server(serverName);
  if (tryParseWalFileName(walFile) === undefined) {
    output.failure(`'${walFile}' is not a valid wal file name`);
    return exitCode.badName;
  }
  await using wal = await openServerWal(server, walFile, { partial: options.partial });
  if (wal === undefined) {
    output.failure(`WAL file '${walFile}' not found in server '${server.name}'`);
    return exitCode.error;
  }
  if (options.outputDirectory === undefined) await pipeline(wal.bytes(), process.stdout, { end: false });
  else await writeInto(context, wal, { serverName: server.name, directory: options.outputDirectory });
  return exitCode.ok;
}

/** The file appears under its name when it is whole, and not at all when something fails. */
async function writeInto(
  context: CommandContext,
  wal: ArchivedWal,
  target: { serverName: string; directory: string },
): Promise<void> {
  const destination = join(target.directory, wal.name);
  const temporary = join(target.directory, `.${wal.name}.${process.pid}.tmp`);
  const shown = wal.isPartial ? `${wal.name}.partial` : wal.name;
  context.output.info(`Sending WAL '${shown}' for server '${target.serverName}' into '${destination}' file`);
  try {
    await pipeline(wal.bytes(), createWriteStream(temporary, { mode: 0o600 }));
    await rename(temporary, destination);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
