/** A catalogue on the model of a disk: a transaction is a line that is synced, and a line that is not whole is none. */
import type { DiskMount } from '@walvault/testkit/faulty-disk';
import type { CatalogEntry } from '../catalog/catalog.ts';
import type { ArchiveCatalog } from './catalog-notes.ts';

const path = '/catalog/journal';

/** See above. */
export class ModelCatalog implements ArchiveCatalog {
  readonly #mount: DiskMount;

  constructor(mount: DiskMount) {
    this.#mount = mount;
  }

  async note(entries: readonly CatalogEntry[]): Promise<void> {
    const names = entries.map(({ facts }) => facts.name);
    // Begins with a newline, too: what a crash has left of the line before must not spoil this one.
    const line = Buffer.from(`\n${JSON.stringify(names)}\n`);
    await using file = await this.#mount.open(path, 'a');
    for (let done = 0; done < line.length; ) done += (await file.writev([line.subarray(done)])).bytesWritten;
    await file.datasync();
    await using directory = await this.#mount.open('/catalog', 'r');
    await directory.sync();
  }

  seamOf(): undefined {
    return undefined;
  }
}

/** The names in the catalogue, as its file has them. */
export function namesInCatalog(journal: Buffer | undefined): ReadonlySet<string> {
  const lines = (journal?.toString('latin1') ?? '').split('\n');
  return new Set(lines.flatMap((line) => (/^\["[^\0]*"\]$/.test(line) ? (JSON.parse(line) as string[]) : [])));
}
