/** The catalogue as the archiver uses it. */
import { type Logger, WalvaultError } from '@walvault/wal';
import type { CatalogEntry } from '../catalog/catalog.ts';

/** The part of the catalogue that the archiver needs. What it throws never keeps a file from being archived. */
export interface ArchiveCatalog {
  /** Notes segments, all or none; durable when it is done. */
  note(entries: readonly CatalogEntry[]): void | Promise<void>;
  /** What the check of the successor of a segment begins with. */
  seamOf(name: string): Uint8Array | undefined;
}

/** The catalogue as long as it can be used. It is a view of the files: trouble with it is told, once, and archiving goes on. */
export class CatalogNotes {
  readonly #catalog: ArchiveCatalog | undefined;
  readonly #log: Logger;
  /** Why it could not be used. */
  trouble: Error | undefined;

  constructor(catalog: ArchiveCatalog | undefined, log: Logger) {
    this.#catalog = catalog;
    this.#log = log;
  }

  seamOf(name: string): Uint8Array | undefined {
    if (this.trouble !== undefined) return undefined;
    try {
      return this.#catalog?.seamOf(name);
    } catch (error) {
      this.#giveUp(error);
      return undefined;
    }
  }

  async note(entries: readonly CatalogEntry[]): Promise<void> {
    if (this.trouble !== undefined || entries.length === 0) return;
    try {
      await this.#catalog?.note(entries);
    } catch (error) {
      this.#giveUp(error);
    }
  }

  #giveUp(error: unknown): void {
    this.trouble = error instanceof Error ? error : new Error(String(error));
    const fields = WalvaultError.is(error) ? { code: error.code, hint: error.hint } : {};
    this.#log.warn(fields, `archiving goes on without the catalogue: ${this.trouble.message}`);
  }
}
