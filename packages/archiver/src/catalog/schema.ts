/**
 * The tables of the catalogue.
 *
 * LSNs are signed 64-bit integers that hold the 64 bits of the LSN (their order is that of LSNs below 8 EiB, which no cluster
 * reaches), as are system identifiers. Times of commits are microseconds since 1970 UTC, `..._at` are milliseconds, but
 * `modified_at`, which is seconds with fractions as in xlog.db. Booleans are 0 and 1.
 */

/** Tells a catalogue from any other SQLite file: "wvlt". */
export const applicationId = 0x77766c74;

/** Goes up with every change of the tables below. A catalogue is never migrated: it is rebuilt from the files. */
export const schemaVersion = 1;

/** All tables; one that lacks some was not made here, or is damaged. */
export const tableNames: readonly string[] = [
  'segment',
  'restore_point',
  'rmgr_count',
  'verify_run',
  'segment_check',
  'heal',
  'deletion',
];

/** Makes them in an empty file. */
export const schema: string = `
CREATE TABLE segment (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  timeline INTEGER NOT NULL,
  number INTEGER NOT NULL,
  partial INTEGER NOT NULL,
  start_lsn INTEGER NOT NULL,
  segment_size INTEGER NOT NULL,
  system_identifier INTEGER NOT NULL,
  magic INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  verdict TEXT NOT NULL,
  fault_kind TEXT,
  fault_lsn INTEGER,
  fault_problem TEXT,
  link TEXT NOT NULL,
  verified_lsn INTEGER NOT NULL,
  records INTEGER NOT NULL,
  first_record_lsn INTEGER,
  end_lsn INTEGER,
  commits INTEGER NOT NULL,
  aborts INTEGER NOT NULL,
  first_commit_time INTEGER,
  last_commit_time INTEGER,
  first_xid INTEGER,
  last_xid INTEGER,
  stored_bytes INTEGER NOT NULL,
  compression TEXT,
  modified_at REAL NOT NULL,
  archived_at INTEGER NOT NULL,
  seam BLOB
) STRICT;
CREATE INDEX segment_place ON segment (timeline, number, partial);
CREATE INDEX segment_time ON segment (timeline, number, last_commit_time, first_commit_time)
  WHERE partial = 0 AND last_commit_time IS NOT NULL;
CREATE INDEX segment_xid ON segment (timeline, number, first_xid, last_xid)
  WHERE partial = 0 AND first_xid IS NOT NULL;
CREATE INDEX segment_faulty ON segment (timeline, number) WHERE verdict <> 'good' OR link = 'broken';
CREATE INDEX segment_archived ON segment (archived_at, timeline, segment_size, stored_bytes);

CREATE TABLE restore_point (
  id INTEGER PRIMARY KEY,
  segment_id INTEGER NOT NULL REFERENCES segment ON DELETE CASCADE,
  name TEXT NOT NULL,
  time INTEGER NOT NULL,
  lsn INTEGER NOT NULL,
  end_lsn INTEGER NOT NULL
) STRICT;
CREATE INDEX restore_point_segment ON restore_point (segment_id);
CREATE INDEX restore_point_name ON restore_point (name);
CREATE INDEX restore_point_time ON restore_point (time);

CREATE TABLE rmgr_count (
  segment_id INTEGER NOT NULL REFERENCES segment ON DELETE CASCADE,
  rmgr INTEGER NOT NULL,
  info INTEGER NOT NULL,
  count INTEGER NOT NULL,
  record_bytes INTEGER NOT NULL,
  fpi_bytes INTEGER NOT NULL,
  PRIMARY KEY (segment_id, rmgr, info)
) STRICT, WITHOUT ROWID;

CREATE TABLE verify_run (
  id INTEGER PRIMARY KEY,
  scope TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  finished_at INTEGER,
  good INTEGER NOT NULL,
  bad INTEGER NOT NULL,
  holes INTEGER NOT NULL,
  unknown INTEGER NOT NULL
) STRICT;
CREATE TABLE segment_check (
  name TEXT PRIMARY KEY,
  run_id INTEGER REFERENCES verify_run ON DELETE SET NULL,
  checked_at INTEGER NOT NULL,
  verdict TEXT NOT NULL,
  detail TEXT
) STRICT;
CREATE TABLE heal (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  reason TEXT NOT NULL,
  source TEXT NOT NULL,
  healed_at INTEGER NOT NULL,
  moved_to TEXT
) STRICT;
CREATE TABLE deletion (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  stored_bytes INTEGER NOT NULL,
  policy TEXT NOT NULL,
  deleted_at INTEGER NOT NULL
) STRICT;
CREATE INDEX deletion_name ON deletion (name);
PRAGMA application_id = ${applicationId};
PRAGMA user_version = ${schemaVersion};
`;
