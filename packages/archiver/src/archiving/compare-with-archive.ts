/** What the archive has under the name of a file that comes. */
import type { WalFileName } from '@walvault/wal';
import { ContentFile, sameBytes } from '../content/content.ts';
import { WalFileError } from '../errors.ts';
import { examineFile, type Examination } from './examine-file.ts';
import { moveInvalid } from './errors-directory.ts';
import type { PassContext } from './pass-context.ts';

/** A good file, and where it is to be. */
export interface Newcomer {
  readonly name: WalFileName;
  readonly file: ContentFile;
  readonly content: Examination['content'];
  /** Path in the archive. */
  readonly destination: string;
}

/**
 * Compares all bytes. A copy in the archive that is damaged is moved aside: the good file takes its place.
 * @throws {FileSystemError}
 */
export async function compareWithArchive(context: PassContext, newcomer: Newcomer): Promise<'none' | 'same' | 'different'> {
  const { name, file, content, destination } = newcomer;
  await using existing = await ContentFile.open(destination, { custom: context.compression.custom, disk: context.disk });
  if (existing === undefined) return 'none';
  if (existing.stats.ino === file.stats.ino && existing.stats.dev === file.stats.dev) return 'same';
  if (await isSame(content === undefined ? file.bytes() : [content], existing)) return 'same';
  const damage = await damageOf(context, name, existing);
  if (damage === undefined || damage.code === 'ERR_WAL_FILE_FOREIGN') return 'different';
  const { code, message } = damage;
  context.log.warn({ server: context.serverName, file: name.name, code }, `the copy in the archive is damaged: ${message}`);
  await moveInvalid(destination, damage, context);
  return 'none';
}

/** A copy that cannot be decompressed is not the same. */
async function isSame(bytes: AsyncIterable<Buffer> | Iterable<Buffer>, existing: ContentFile): Promise<boolean> {
  try {
    return await sameBytes(bytes, existing.bytes());
  } catch (error) {
    if (error instanceof WalFileError) return false;
    throw error;
  }
}

async function damageOf(context: PassContext, name: WalFileName, source: ContentFile): Promise<WalFileError | undefined> {
  const { error } = await examineFile({ source, name, facts: context.facts, seamBefore: () => undefined });
  return error;
}
