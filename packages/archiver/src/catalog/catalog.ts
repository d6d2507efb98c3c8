/**
 * The catalogue of an archive: what is known of each segment in it, in one SQLite file beside the archive.
 *
 * It is a view of the files and may always be made anew from them; where both differ, the files are right. So nobody takes
 * "not in the catalogue" for "not in the archive".
 */
import type { SegmentFacts } from '../checking/segment-facts.ts';
import { CatalogDatabase, type CatalogOpenOptions, memoryPath } from './catalog-database.ts';
import { CatalogRecords } from './catalog-records.ts';
import { bytesOf, entryOf, restorePointOf, rmgrOf, segmentColumns, type SegmentDetails, signed } from './segment-rows.ts';

/** A segment in the archive. A plain value. */
export interface CatalogEntry {
  readonly facts: SegmentFacts;
  /** Bytes of the file in the archive, that is after compression. */
  readonly storedBytes: number;
  /** Name of the compression as in xlog.db; undefined for none. */
  readonly compression: string | undefined;
  /** Modification time of the file in seconds since 1970, with fractions, as in xlog.db. */
  readonly modifiedAt: number;
  /** When it was archived, in milliseconds since 1970. */
  readonly archivedAt: number;
}

/** An open catalogue. Several processes may have it open, and write. */
export class Catalog implements Disposable {
  /** For the queries beside this class. */
  readonly database: CatalogDatabase;
  /** What cannot be made anew from the files: checks, heals, deletions. */
  readonly records: CatalogRecords;

  private constructor(database: CatalogDatabase) {
    this.database = database;
    this.records = new CatalogRecords(database);
  }

  /**
   * Opens a catalogue, and makes it if it is not there.
   * @throws {CatalogError} when it cannot be used; never is a damaged one taken for an empty one
   */
  static open(path: string, options: CatalogOpenOptions = {}): Catalog {
    return new Catalog(new CatalogDatabase(path, options));
  }

  /** One that is nowhere but in memory. */
  static inMemory(): Catalog {
    return new Catalog(new CatalogDatabase(memoryPath));
  }

  get path(): string {
    return this.database.path;
  }

  /**
   * Notes segments, in place of what was known of those names: all of them or none, durable when this returns.
   * @throws {CatalogError}
   */
  note(entries: readonly CatalogEntry[]): void {
    if (entries.length === 0) return;
    this.database.transaction(() => {
      for (const entry of entries) this.#put(entry);
    });
  }

  /** Forgets segments whose files were removed; names that are not there are fine. Durable. @throws {CatalogError} */
  forget(names: readonly string[]): void {
    if (names.length === 0) return;
    this.database.transaction(() => {
      for (const name of names) {
        this.database.run('DELETE FROM segment WHERE name = ?', name);
        this.database.run('DELETE FROM segment_check WHERE name = ?', name);
      }
    });
  }

  /** All that is known of a segment; undefined when it is not in the catalogue. @throws {CatalogError} */
  entry(name: string): CatalogEntry | undefined {
    const row = this.database.row('SELECT * FROM segment WHERE name = ?', name);
    return row === undefined ? undefined : entryOf(row, this.#details(row['id'] as bigint));
  }

  /** What the check of the successor of a segment begins with, if that is known. @throws {CatalogError} */
  seamOf(name: string): Uint8Array | undefined {
    return bytesOf(this.database.row('SELECT seam FROM segment WHERE name = ?', name)?.['seam']);
  }

  /** Names of all segments in it, sorted. @throws {CatalogError} */
  names(): readonly string[] {
    return this.database.rows('SELECT name FROM segment ORDER BY name').map((row) => String(row['name']));
  }

  [Symbol.dispose](): void {
    this.database[Symbol.dispose]();
  }

  #put(entry: CatalogEntry): void {
    const { database } = this;
    const { name, sha256, statistics } = entry.facts;
    const old = database.row('SELECT id, sha256 FROM segment WHERE name = ?', name);
    if (old !== undefined) database.run('DELETE FROM segment WHERE id = ?', old['id'] as bigint);
    // A verdict about other content says nothing about this.
    if (old?.['sha256'] !== sha256) database.run('DELETE FROM segment_check WHERE name = ?', name);
    const columns = segmentColumns(entry);
    const names = Object.keys(columns);
    const id = database.run(
      `INSERT INTO segment (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`,
      ...Object.values(columns),
    );
    for (const { rmgr, info, count, recordBytes, fpiBytes } of statistics.rmgrs)
      database.run('INSERT INTO rmgr_count VALUES (?, ?, ?, ?, ?, ?)', id, rmgr, info, count, recordBytes, fpiBytes);
    for (const { name, time, lsn, endLsn } of statistics.restorePoints)
      database.run('INSERT INTO restore_point VALUES (NULL, ?, ?, ?, ?, ?)', id, name, time, signed(lsn), signed(endLsn));
  }

  #details(id: bigint): SegmentDetails {
    const rmgrs = this.database.rows('SELECT * FROM rmgr_count WHERE segment_id = ? ORDER BY rmgr, info', id);
    const points = this.database.rows('SELECT * FROM restore_point WHERE segment_id = ? ORDER BY lsn', id);
    return { rmgrs: rmgrs.map(rmgrOf), restorePoints: points.map(restorePointOf) };
  }
}
