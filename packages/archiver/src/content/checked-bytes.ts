/**
 * The content of a WAL file, checked as it passes: first page against the name, length against the segment size.
 * Nothing that leaves the archive is silently short.
 */
import { longPageHeaderSize, type WalFileName, type WalSegmentSize } from '@walvault/wal';
import { checkFirstPage, checkText, type ClusterFacts, largestText } from './check-wal-file.ts';
import { type ContentFile, wholeLimitBytes } from './content.ts';
import { WalFileError } from '../errors.ts';
import { isSegmentFile } from '../wal-files/layout.ts';

/** A file to be read with checks. */
export interface CheckedBytesOptions {
  readonly content: ContentFile;
  /** What the content must be; for a partial file the name of the segment or of the partial. */
  readonly name: WalFileName;
  readonly facts: ClusterFacts;
  /** A partial segment may be short, and is filled up with zeros to the full size: recovery takes no other. */
  readonly isPartial: boolean;
  /** In one piece if it is not too large to be held: less work, and nothing comes before all is read. False unless given. */
  readonly atOnce?: boolean | undefined;
}

const paddingSize = 256 * 1024;

/**
 * The decompressed content as chunks, which belong to the caller.
 * @throws {WalFileError} before the first chunk when the first page is wrong, behind the last one when the length is
 * @throws {FileSystemError} when it cannot be read
 */
export async function* checkedBytes(options: CheckedBytesOptions): AsyncGenerator<Buffer, void, undefined> {
  const { content, name, facts, isPartial, atOnce = false } = options;
  if (!isSegmentFile(name)) {
    const text = await wholeText(content);
    checkText(text.toString('utf8'), name, content.path);
    yield text;
    return;
  }
  let [size, length] = [0 as WalSegmentSize, 0];
  const whole = atOnce ? await content.whole(wholeLimitBytes, facts.walSegmentSize) : undefined;
  for await (const chunk of whole === undefined ? withHead(content.bytes()) : [whole]) {
    if (length === 0) size = checkFirstPage(chunk, name, facts, content.path);
    length += chunk.length;
    if (length > size) throw wrongLength(content.path, `more than ${size}`, size);
    yield chunk;
  }
  if (length === 0) checkFirstPage(Buffer.alloc(0), name, facts, content.path);
  if (length < size && !isPartial) throw wrongLength(content.path, `${length}`, size);
  for (; length < size; length += paddingSize) yield Buffer.alloc(Math.min(paddingSize, size - length));
}

/** The same chunks, the first of which holds a whole page header where there is so much. */
async function* withHead(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  let head: Buffer | undefined = Buffer.alloc(0);
  for await (const chunk of chunks) {
    if (head === undefined) yield chunk;
    else {
      head = head.length === 0 ? chunk : Buffer.concat([head, chunk]);
      if (head.length < longPageHeaderSize) continue;
      yield head;
      head = undefined;
    }
  }
  if (head !== undefined && head.length > 0) yield head;
}

async function wholeText(content: ContentFile): Promise<Buffer> {
  const text = await content.head(largestText + 1);
  if (text.length <= largestText) return text;
  throw new WalFileError('ERR_WAL_FILE_WRONG_SIZE', content.path, 'is too long for a history or backup history file');
}

function wrongLength(path: string, found: string, size: WalSegmentSize): WalFileError {
  return new WalFileError('ERR_WAL_FILE_WRONG_SIZE', path, `holds ${found} bytes of WAL instead of ${size}`, {
    hint: 'The file was cut off or damaged; look for another copy of it.',
  });
}
