/** What goes from an old catalogue into the one that takes its place. */
import type { Catalog } from './catalog.ts';

/** Tables that cannot be made anew from the files; those that others refer to come first. */
const recordTables = ['verify_run', 'segment_check', 'heal', 'deletion'] as const;

/** Copies what is on record, in place of what is there. @throws {CatalogError} */
export function carryRecords(from: Catalog, to: Catalog): void {
  to.database.transaction(() => {
    for (const table of recordTables.toReversed()) to.database.run(`DELETE FROM ${table}`);
    for (const table of recordTables) {
      for (const row of from.database.rows(`SELECT * FROM ${table}`)) {
        const values = Object.values(row);
        to.database.run(`INSERT INTO ${table} VALUES (${values.map(() => '?').join(', ')})`, ...values);
      }
    }
  });
}

/** Copies when segments were archived, as far as they are still the same. @throws {CatalogError} */
export function carryArchiveTimes(from: Catalog, to: Catalog): void {
  to.database.transaction(() => {
    for (const row of from.database.rows('SELECT archived_at, name, sha256 FROM segment'))
      to.database.run('UPDATE segment SET archived_at = ? WHERE name = ? AND sha256 = ?', ...Object.values(row));
  });
}

/** Copies what was noted since a time in milliseconds since 1970, as far as `isThere` knows the file. @throws {CatalogError} */
export function carryNews(from: Catalog, to: Catalog, since: number, isThere: (name: string) => boolean): void {
  const rows = from.database.rows('SELECT name FROM segment WHERE archived_at >= ?', since);
  const names = rows.map((row) => String(row['name'])).filter(isThere);
  to.note(names.map((name) => from.entry(name)).filter((entry) => entry !== undefined));
}
