/** `get-wal`: one WAL file to stdout or into a directory, or the names of those that follow. Flags and exit codes are Barman's. */
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { getSystemErrorMessage } from 'node:util';
import { type ArchivedWal, openServerWal, peekServerWal, saveWal, type WalForm } from '@walvault/core/getting';
import { tryParseWalFileName, WalvaultError } from '@walvault/wal';
import type { CommandContext } from '../context.ts';
import { exitCode } from '../exit-code.ts';
import { isClosedPipe } from '../reader-of-output.ts';
import { sshSuffix } from '../ssh-client.ts';

/** What is wanted. */
export interface GetWalRequest {
  readonly serverName: string;
  readonly walFile: string;
  readonly outputDirectory?: string | undefined;
  readonly partial?: boolean | undefined;
  readonly gzip?: boolean | undefined;
  readonly bzip2?: boolean | undefined;
  readonly keepCompression?: boolean | undefined;
  /** How many names to list, instead of giving the file. */
  readonly peek?: number | undefined;
  readonly test?: boolean | undefined;
}

/** Runs the command; gives the exit code. Trouble is thrown, for the caller to end with a code above 125. */
export async function getWalCommand(context: CommandContext, request: GetWalRequest): Promise<number> {
  const { output } = context;
  const { walFile } = request;
  const server = await context.server(request.serverName);
  if (request.test === true) {
    output.info(`Ready to retrieve WAL files from the server ${server.name}`);
    return exitCode.ok;
  }
  if (tryParseWalFileName(walFile) === undefined) {
    output.failure(`'${walFile}' is not a valid wal file name${sshSuffix()}`);
    return exitCode.badName;
  }
  if (request.peek !== undefined) {
    for await (const name of peekServerWal(server, walFile, request.peek)) output.info(name);
    return exitCode.ok;
  }
  await using wal = await openServerWal(server, walFile, { partial: request.partial });
  if (wal === undefined) {
    output.failure(`WAL file '${walFile}' not found in server '${server.name}'${sshSuffix()}`);
    return exitCode.error;
  }
  if (request.outputDirectory !== undefined) return await saveInto(request.outputDirectory, wal, context, request);
  output.beginContent();
  return await print(wal, formOf(request));
}

/** A reader that went away needs no words, and is no end of the archive for a recovering server. */
async function print(wal: ArchivedWal, form: WalForm): Promise<number> {
  try {
    await pipeline(wal.bytes(form), process.stdout, { end: false });
    return exitCode.ok;
  } catch (error) {
    if (isClosedPipe(error)) return exitCode.trouble;
    throw error;
  }
}

async function saveInto(
  directory: string,
  wal: ArchivedWal,
  { output }: CommandContext,
  request: GetWalRequest,
): Promise<number> {
  const shown = wal.isPartial ? `${wal.name}.partial` : wal.name;
  let isOpen = false;
  const onOpen = (path: string): void => {
    isOpen = true;
    output.info(`Sending WAL '${shown}' for server '${request.serverName}' into '${path}' file${sshSuffix()}`);
  };
  try {
    await saveWal(wal, { directory, form: formOf(request), onOpen });
    return exitCode.ok;
  } catch (error) {
    if (isOpen || !WalvaultError.is(error)) throw error;
    const path = join(directory, wal.name);
    output.failure(`Unable to open '${path}' file${sshSuffix()}: ${reasonOf(error)}`, 'Name a directory that you may write to.');
    return exitCode.badName;
  }
}

function formOf({ gzip, bzip2, keepCompression }: GetWalRequest): WalForm {
  if (gzip === true) return 'gzip';
  if (bzip2 === true) return 'bzip2';
  return keepCompression === true ? 'stored' : 'plain';
}

/** The system's words for why a file could not be opened: `permission denied`. */
function reasonOf(error: Error): string {
  const { errno } = (error.cause ?? {}) as NodeJS.ErrnoException;
  return errno === undefined ? error.message : getSystemErrorMessage(errno);
}
