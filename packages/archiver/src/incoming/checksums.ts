/** The checksums that come along with WAL files: MD5SUMS or SHA256SUMS, as md5sum and sha256sum write them. */
import { createHash, type Hash } from 'node:crypto';

/** How a checksum was made. */
export type ChecksumKind = 'md5' | 'sha256';

/** The files that hold checksums, by name. */
export const checksumFiles: ReadonlyMap<string, ChecksumKind> = new Map([
  ['MD5SUMS', 'md5'],
  ['SHA256SUMS', 'sha256'],
]);

/** A checksum that a file must have. */
export interface ExpectedChecksum {
  readonly name: string;
  readonly kind: ChecksumKind;
  /** Hexadecimal digits in lower case. */
  readonly checksum: string;
}

/** Both checksums of content that is on its way. */
export class ContentChecksums {
  readonly #hashes: Readonly<Record<ChecksumKind, Hash>> = { md5: createHash('md5'), sha256: createHash('sha256') };

  /** Passes the chunks on as they are. */
  async *through(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
    for await (const chunk of chunks) {
      this.#hashes.md5.update(chunk);
      this.#hashes.sha256.update(chunk);
      yield chunk;
    }
  }

  /** The checksums, when all is through; once. */
  digest(): Readonly<Record<ChecksumKind, string>> {
    return { md5: this.#hashes.md5.digest('hex'), sha256: this.#hashes.sha256.digest('hex') };
  }
}

/** Reads the lines of a file with checksums. What is none is given back for a warning. */
export function parseChecksums(
  text: string,
  kind: ChecksumKind,
): { readonly expected: readonly ExpectedChecksum[]; readonly badLines: readonly string[] } {
  const expected: ExpectedChecksum[] = [];
  const badLines: string[] = [];
  for (const line of text.split('\n').map((each) => each.trimEnd())) {
    const match = /^([0-9a-f]+) [* ](?:\.\/)?(.+)$/i.exec(line);
    if (match?.[1] !== undefined && match[2] !== undefined)
      expected.push({ kind, checksum: match[1].toLowerCase(), name: match[2] });
    else if (line !== '') badLines.push(line);
  }
  return { expected, badLines };
}
