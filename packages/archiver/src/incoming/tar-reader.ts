/**
 * Reads a tar archive as it comes in: ustar (POSIX.1-2001, pax), with the headers that GNU tar and Python's tarfile write before
 * files of ordinary names. One entry at a time, nothing is held but the chunk at hand.
 */
import { ChunkReader } from '../content/chunk-reader.ts';
import { PutWalError } from '../errors.ts';

/** A file in the archive, or what else it may hold. */
export interface TarEntry {
  /** As it stands there, without `./` before it. */
  readonly name: string;
  /** `0` for a file; else tar's letter for what it is: `1` and `2` for links, `5` for a directory. */
  readonly type: string;
  /** Bytes of the content. */
  readonly size: number;
  /** Seconds since 1970, with fractions. */
  readonly modifiedAt: number;
  /** The content; to be read before the next entry is asked for, or not at all. The chunks belong to the caller. */
  content(): AsyncGenerator<Buffer, void, undefined>;
}

const blockBytes = 512;
const chunkBytes = 256 * 1024;
/** What describes an entry is a few lines. */
const largestDescription = 1024 * 1024;

/**
 * The entries of an archive. It must come to its end mark: without that it was cut off.
 * @throws {PutWalError} when it is no tar archive, damaged or cut off
 */
export async function* readTar(chunks: AsyncIterable<Buffer>): AsyncGenerator<TarEntry, void, undefined> {
  await using reader = new ChunkReader(chunks);
  let described: Description = {};
  for (;;) {
    const header = await takeAll(reader, blockBytes);
    if (header.every((byte) => byte === 0)) return await drain(reader);
    const { type, size, ...facts } = parseHeader(header);
    if (type === 'x' || type === 'g') {
      if (size > largestDescription) throw broken('has a description that is too long');
      described = { ...described, ...parseDescription(await takeAll(reader, size)) };
      await takeAll(reader, padding(size));
      continue;
    }
    const entry = new OpenEntry(reader, described.size ?? size);
    yield {
      name: (described.path ?? facts.name).replace(/^\.\//, ''),
      type: described.isSparse === true ? 'S' : type,
      size: entry.size,
      modifiedAt: described.modifiedAt ?? facts.modifiedAt,
      content: () => entry.content(),
    };
    await entry.skip();
    described = {};
  }
}

/** What a pax header says of the entry behind it. */
interface Description {
  readonly path?: string;
  readonly size?: number;
  readonly modifiedAt?: number;
  readonly isSparse?: boolean;
}

/** The bytes of one entry, of which some may be read already. */
class OpenEntry {
  readonly size: number;
  readonly #reader: ChunkReader;
  #left: number;

  constructor(reader: ChunkReader, size: number) {
    this.size = size;
    this.#reader = reader;
    this.#left = size;
  }

  async *content(): AsyncGenerator<Buffer, void, undefined> {
    while (this.#left > 0) {
      const chunk = await takeAll(this.#reader, Math.min(this.#left, chunkBytes));
      this.#left -= chunk.length;
      yield chunk;
    }
  }

  /** Reads what is left, and what fills the last block. */
  async skip(): Promise<void> {
    for await (const _ of this.content());
    await takeAll(this.#reader, padding(this.size));
  }
}

async function takeAll(reader: ChunkReader, length: number): Promise<Buffer> {
  const bytes = await reader.take(length);
  if (bytes.length < length) throw broken('was cut off before its end');
  return bytes;
}

/** What fills the last record, so that the sender need not notice that nobody reads it. */
async function drain(reader: ChunkReader): Promise<void> {
  while ((await reader.take(chunkBytes)).length > 0);
}

function parseHeader(header: Buffer): { name: string; type: string; size: number; modifiedAt: number } {
  let sum = 8 * 0x20; // the checksum itself counts as blanks
  for (const [index, byte] of header.entries()) if (index < 148 || index >= 156) sum += byte;
  if (sum !== numberIn(header.subarray(148, 156))) throw broken('is no tar archive, or is damaged');
  const isPosix = header.toString('latin1', 257, 263) === 'ustar\0';
  const prefix = isPosix ? textIn(header.subarray(345, 500)) : '';
  const name = textIn(header.subarray(0, 100));
  const type = String.fromCharCode(header[156] ?? 0);
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    type: type === '\0' || type === '7' ? '0' : type,
    size: numberIn(header.subarray(124, 136)),
    modifiedAt: numberIn(header.subarray(136, 148)),
  };
}

function parseDescription(bytes: Buffer): Description {
  const records = new Map<string, string>();
  for (let at = 0; at < bytes.length; ) {
    const match = /^(\d{1,7}) ([^=]+)=/.exec(bytes.toString('latin1', at, at + 200));
    const length = Number(match?.[1] ?? 0);
    if (match?.[2] === undefined || length <= match[0].length || at + length > bytes.length)
      throw broken('has a damaged description');
    records.set(match[2], bytes.toString('utf8', at + match[0].length, at + length - 1));
    at += length;
  }
  const path = records.get('path');
  const size = records.get('size');
  const time = records.get('mtime');
  return {
    ...(path === undefined ? {} : { path }),
    ...(size === undefined ? {} : { size: Number(size) }),
    ...(time === undefined ? {} : { modifiedAt: Number(time) }),
    isSparse: [...records.keys()].some((key) => key.startsWith('GNU.sparse.')),
  };
}

function textIn(field: Buffer): string {
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end === -1 ? field.length : end);
}

/** Octal digits; or, where these do not suffice, a number in base 256 behind a byte of 0x80. */
function numberIn(field: Buffer): number {
  if (field[0] === 0x80) return Number(BigInt(`0x${field.subarray(1).toString('hex')}`));
  const text = textIn(field).trim();
  if (!/^[0-7]*$/.test(text)) throw broken('is no tar archive, or is damaged');
  return Number.parseInt(text === '' ? '0' : text, 8);
}

function padding(size: number): number {
  return (blockBytes - (size % blockBytes)) % blockBytes;
}

function broken(problem: string): PutWalError {
  return new PutWalError(`what came in ${problem}`, {
    hint: 'A tar archive with WAL files and their checksums is wanted, as barman-wal-archive sends it. Nothing was kept.',
  });
}
