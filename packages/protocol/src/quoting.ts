/** Names and values as they are written in SQL and in pg_hba.conf. */

/** Key words that PostgreSQL reserves ("SQL Key Words" in its manual): as a name each must stand in quotes. */
const reservedWords: ReadonlySet<string> = new Set(
  `all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate collation column concurrently
  constraint create cross current_catalog current_date current_role current_schema current_time current_timestamp current_user default
  deferrable desc distinct do else end except false fetch for foreign freeze from full grant group having ilike in initially inner
  intersect into is isnull join lateral leading left like limit localtime localtimestamp natural none not notnull null offset on only or
  order outer overlaps placing primary public references returning right select session_user similar some symmetric system_user table
  tablesample then to trailing true union unique user using variadic verbose when where window with`.split(/\s+/),
);

/** Words that mean something in the database or user column of pg_hba.conf unless they stand in quotes. */
const hbaWords: ReadonlySet<string> = new Set(['all', 'replication', 'sameuser', 'samerole', 'samegroup']);

/** A name in SQL, in quotes where it needs them. */
export function quoteIdentifier(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) && !reservedWords.has(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

/** A value in SQL, whatever `standard_conforming_strings` says. */
export function quoteLiteral(value: string): string {
  const quoted = `'${value.replaceAll("'", "''")}'`;
  return value.includes('\\') ? ` E${quoted.replaceAll('\\', String.raw`\\`)}` : quoted;
}

/** A database or user in pg_hba.conf, in quotes where it needs them. */
export function quoteHba(name: string): string {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !hbaWords.has(name) ? name : `"${name.replaceAll('"', '""')}"`;
}
