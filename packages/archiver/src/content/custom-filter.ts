/**
 * `compression = custom`: shell commands of the operator, run as Barman runs them, so that those that work there work here:
 * as a function of the shell that reads the file `$1` and writes the file `$2`.
 */
import { createReadStream } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { errnoOf, fileSystemError } from '@walvault/durable-fs';
import { WalvaultError } from '@walvault/wal';
import { CodecProgramError } from '../errors.ts';
import { runShell } from './run-program.ts';

const readSize = 512 * 1024;

/**
 * What a filter makes of the bytes; they pass through files below the directory for temporary files (`TMPDIR`).
 * @throws {CodecProgramError} when the filter fails
 * @throws {FileSystemError} when there is no room for the files
 */
export async function* customFilter(
  filter: string,
  source: AsyncIterable<Buffer>,
  signal?: AbortSignal,
): AsyncGenerator<Buffer, void, undefined> {
  const directory = await mkdtemp(join(tmpdir(), 'walvault-filter-'));
  try {
    const [from, to] = [join(directory, 'source'), join(directory, 'result')];
    await save(source, from);
    const line = `barman_command(){ ${filter} > "$2" < "$1";}; barman_command "$1" "$2"`;
    const { exitCode, said } = await runShell(line, [from, to], signal);
    if (exitCode !== 0) throw CodecProgramError.failed(filter, exitCode, said);
    for await (const chunk of createReadStream(to, { highWaterMark: readSize })) yield chunk as Buffer;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function save(source: AsyncIterable<Buffer>, path: string): Promise<void> {
  try {
    const file = await open(path, 'wx', 0o600);
    await pipeline(source, file.createWriteStream());
  } catch (error) {
    if (WalvaultError.is(error) || errnoOf(error) === undefined) throw error;
    throw fileSystemError('write to', path, error);
  }
}
