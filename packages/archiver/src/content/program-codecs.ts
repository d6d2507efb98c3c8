/** bzip2 and xz, by the programs of these names, and gzip by pigz. */
import { CodecProgramError, WalFileError } from '../errors.ts';
import { defaultLevels } from './default-levels.ts';
import { type Program, type ProgramEnd, throughProgram } from './run-program.ts';
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
 * @throws {CodecProgramError} when the program is missing, was killed, had no memory, or failed for any reason but damage
 */
export async function* programDecode(codec: 'bzip2' | 'xz', stored: StoredBytes): AsyncGenerator<Buffer, void, undefined> {
  const { exitCode, said } = yield* throughProgram({ command: codec, args: ['-d', '-c'] }, stored.from(0));
  if (exitCode === 0 && said === '') return;
  if (!isDamage[codec]({ exitCode, said })) throw CodecProgramError.failed(codec, exitCode, said);
  throw new WalFileError('ERR_WAL_FILE_CORRUPT', stored.path, `cannot be decompressed: ${said.split('\n', 1)[0]}`, {
    hint: 'The file is damaged; look for another copy of it.',
  });
}

/**
 * Whether a program that failed has found damage. A good file must not count as damaged since this machine has no memory: what is not
 * surely damage is none.
 *
 * bzip2 ends with 2 then, and with 1 or 3 when something else is wrong (bzip2.c). xz ends with 1 whatever it was, want of memory as well, and
 * only says it; the programs run without a locale, and these are liblzma's findings about the data (message_strm, xz's message.c).
 */
const isDamage: Readonly<Record<'bzip2' | 'xz', (end: ProgramEnd) => boolean>> = {
  bzip2: ({ exitCode }) => exitCode === 2 || exitCode === 0,
  xz: ({ said }) => /: (Compressed data is corrupt|Unexpected end of input|File format not recognized)$/m.test(said),
};
