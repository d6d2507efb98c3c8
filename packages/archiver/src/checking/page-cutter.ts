/** Cuts chunks of any size into whole pages; only what is left of a page at the end of a chunk is copied. */
import { addToLsn, type Lsn } from '@walvault/wal';
import type { PlacedPage } from './partial-rest.ts';

export class PageCutter {
  readonly #pageSize: number;
  readonly #begun: Buffer;
  #length = 0;
  #lsn: Lsn;

  /** @param lsn of the first page */
  constructor(lsn: Lsn, pageSize: number) {
    this.#lsn = lsn;
    this.#pageSize = pageSize;
    this.#begun = Buffer.alloc(pageSize);
  }

  /** The pages that are whole with this chunk. Each is valid until the next one is asked for, or as long as the chunk. */
  *take(chunk: Buffer): Generator<PlacedPage, void, undefined> {
    for (let at = 0; at < chunk.length; ) {
      const end = Math.min(at + this.#pageSize - this.#length, chunk.length);
      if (end - at === this.#pageSize) {
        yield this.#placed(chunk.subarray(at, end));
      } else {
        this.#length += chunk.copy(this.#begun, this.#length, at, end);
        if (this.#length === this.#pageSize) {
          this.#length = 0;
          yield this.#placed(this.#begun);
        }
      }
      at = end;
    }
  }

  /** What is left: the beginning of a page, or nothing. */
  *rest(): Generator<PlacedPage, void, undefined> {
    if (this.#length > 0) yield this.#placed(this.#begun.subarray(0, this.#length));
  }

  #placed(bytes: Buffer): PlacedPage {
    const lsn = this.#lsn;
    this.#lsn = addToLsn(lsn, bytes.length);
    return { bytes, lsn };
  }
}
