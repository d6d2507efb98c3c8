/**
 * A file that waits, looked at whole before it is archived: size, first page, every page header and record, and whether it goes on
 * where the segment before it ends; of a history or backup history file its text. Up to 64 MiB it is read once and kept in memory for
 * what comes next; a larger one is read in chunks, and again when it is stored.
 */
import { longPageHeaderSize, type WalFileName } from '@walvault/wal';
import type { SegmentFacts } from '../checking/segment-facts.ts';
import { SegmentInspection } from '../checking/segment-inspection.ts';
import { checkFirstPage, checkText, type ClusterFacts, largestText } from '../content/check-wal-file.ts';
import type { ContentFile } from '../content/content.ts';
import { WalFileError } from '../errors.ts';
import { isSegmentFile, type SegmentFileName, type TextFileName } from '../wal-files/layout.ts';
import { faultOf } from './segment-fault.ts';

/** What a look at a file has found. */
export interface Examination {
  /** The whole content before compression, if it is not too large; it stays as it is until the file is disposed of. */
  readonly content: Buffer | undefined;
  /** Of a segment whose pages could be read. Its checksum is not taken yet, and empty, where `content` is there. */
  readonly facts: SegmentFacts | undefined;
  /** Why it must not be archived. */
  readonly error: WalFileError | undefined;
}

/** What a look needs to know. */
export interface ExamineOptions {
  readonly source: ContentFile;
  readonly name: WalFileName;
  readonly facts: ClusterFacts;
  /** The seam of the segment before, when the segment size is known. */
  readonly seamBefore: (name: SegmentFileName, walSegmentSize: SegmentFacts['walSegmentSize']) => Uint8Array | undefined;
}

/**
 * Looks at a file.
 * @throws {FileSystemError} when it cannot be read
 */
export async function examineFile(options: ExamineOptions): Promise<Examination> {
  const { source, name } = options;
  try {
    if (isSegmentFile(name)) return await examineSegment(options, name);
    return await examineText(source, name);
  } catch (error) {
    if (!(error instanceof WalFileError)) throw error;
    return { content: undefined, facts: undefined, error };
  }
}

async function examineText(source: ContentFile, name: TextFileName): Promise<Examination> {
  const content = await source.whole(largestText);
  if (content === undefined)
    throw new WalFileError('ERR_WAL_FILE_WRONG_SIZE', source.path, `is too long for a ${name.kind} file`);
  checkText(content.toString('utf8'), name, source.path);
  return { content, facts: undefined, error: undefined };
}

async function examineSegment({ source, facts, seamBefore }: ExamineOptions, name: SegmentFileName): Promise<Examination> {
  const { path } = source;
  if (source.size === 0) throw new WalFileError('ERR_WAL_FILE_WRONG_SIZE', path, 'is empty');
  const content = await source.whole();
  const head = content ?? (await source.head(longPageHeaderSize));
  const walSegmentSize = checkFirstPage(head.subarray(0, longPageHeaderSize), name, facts, path);
  const inspection = new SegmentInspection(name, {
    systemIdentifier: facts.systemIdentifier,
    walSegmentSize,
    predecessor: seamBefore(name, walSegmentSize),
    hash: content === undefined,
  });
  const size = new SizeCheck(name, walSegmentSize, path);
  if (source.codec === undefined) size.check(source.size);
  let length = 0;
  for await (const chunk of content === undefined ? source.bytes() : [content]) {
    length += chunk.length;
    size.checkNotAbove(length);
    inspection.take(chunk);
  }
  size.check(length);
  const found = inspection.finish();
  return { content, facts: found, error: faultOf(found, path) };
}

/** A complete segment has the size that its first page says; a partial one at most that. */
class SizeCheck {
  readonly #name: SegmentFileName;
  readonly #expected: number;
  readonly #path: string;

  constructor(name: SegmentFileName, expected: number, path: string) {
    this.#name = name;
    this.#expected = expected;
    this.#path = path;
  }

  check(bytes: number): void {
    this.checkNotAbove(bytes);
    if (bytes < this.#expected && this.#name.kind !== 'partial') throw this.#error(`${bytes} bytes`);
  }

  checkNotAbove(bytes: number): void {
    if (bytes > this.#expected) throw this.#error(`${bytes} bytes or more`);
  }

  #error(found: string): WalFileError {
    return new WalFileError('ERR_WAL_FILE_WRONG_SIZE', this.#path, `has ${found} instead of ${this.#expected}`, {
      hint: 'The file was cut off, is damaged, or is of another cluster; look for another copy of it.',
    });
  }
}
