/** `get-wal`: one WAL file, decompressed, to stdout or into a directory. Flags and exit codes are Barman's. */
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { getSystemErrorMessage } from 'node:util';
import { type ArchivedWal, openServerWal } from '@walvault/core/restoring';
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
  if (options.outputDirectory !== undefined)
    return await writeInto(context, wal, { serverName: server.name, directory: options.outputDirectory });
  await pipeline(wal.bytes(), process.stdout, { end: false });
  return exitCode.ok;
}

/** The file appears under its name when it is whole, and not at all when something fails. */
async function writeInto(
  { output }: CommandContext,
  wal: ArchivedWal,
  target: { serverName: string; directory: string },
): Promise<number> {
  const destination = join(target.directory, wal.name);
  const temporary = join(target.directory, `.${wal.name}.${process.pid}.tmp`);
  let file: FileHandle;
  try {
    file = await open(temporary, 'w', 0o600);
  } catch (error) {
    output.failure(`Unable to open '${destination}' file: ${reasonOf(error)}`, 'Name a directory that you may write to.');
    return exitCode.badName;
  }
  const shown = wal.isPartial ? `${wal.name}.partial` : wal.name;
  output.info(`Sending WAL '${shown}' for server '${target.serverName}' into '${destination}' file`);
  try {
    await pipeline(wal.bytes(), file.createWriteStream());
    await rename(temporary, destination);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  return exitCode.ok;
}

/** The system's words for why a file could not be opened: `permission denied`. */
function reasonOf(error: unknown): string {
  const { errno, message } = error as NodeJS.ErrnoException;
  return errno === undefined ? message : getSystemErrorMessage(errno);
}
