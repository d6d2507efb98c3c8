/** bzip2 and xz, by the programs of these names, and gzip by pigz. */
import { CodecProgramError, WalFileError } from '../errors.ts';
import { defaultLevels } from './codec.ts';
import { type Program, throughProgram } from './run-program.ts';
import type { StoredBytes } from './stored-bytes.ts';

/** What a program does. */
export type ProgramCodec = 'bzip2' | 'xz' | 'pigz';

/** The program that compresses with a codec; its name is that of the codec. */
function compressing(codec: ProgramCodec, level: number | undefined): Program {
  const chosen = level ?? defaultLevels[codec === 'pigz' ? 'gzip' : codec];
  return { command: codec, args: [`-${chosen}`, '-c'] };
}

/**
 * Compresses.
 * @throws {CodecProgramError} when the program is missing or fails
 */
export async function* programEncode(
  codec: ProgramCodec,
  level: number | undefined,
  source: AsyncIterable<Buffer>,
  signal?: AbortSignal,
): AsyncGenerator<Buffer, void, undefined> {
  const { exitCode, said } = yield* throughProgram(compressing(codec, level), source, signal);
  if (exitCode !== 0) throw CodecProgramError.failed(codec, exitCode, said);
}

/**
 * Decompresses. A program that says anything on standard error has found something wrong: bzip2 ends with 0 when there is garbage
 * behind the content.
 * @throws {WalFileError} `ERR_WAL_FILE_CORRUPT`
 * @throws {CodecProgramError} when the program is missing, or was killed
 */
export async function* programDecode(codec: 'bzip2' | 'xz', stored: StoredBytes): AsyncGenerator<Buffer, void, undefined> {
  const { exitCode, said } = yield* throughProgram({ command: codec, args: ['-d', '-c'] }, stored.from(0));
  if (exitCode === 0 && said === '') return;
  if (exitCode === undefined) throw CodecProgramError.failed(codec, exitCode, said);
  throw new WalFileError('ERR_WAL_FILE_CORRUPT', stored.path, `cannot be decompressed: ${said.split('\n', 1)[0]}`, {
    hint: 'The file is damaged; look for another copy of it.',
  });
}
