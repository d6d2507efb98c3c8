/** Results of the commands that look after the archive. */
import { holes } from './holes-result.ts';
import { either, flag, list, lsn, map, number, object, oneOf, orNull, type Schema, text, time, whole } from './schema.ts';

const name = text('Name of the segment.');

/** One server of `verify-wal`. */
export const verifyWal: Schema = object(
  {
    verdict: oneOf(['good', 'bad', 'unknown'], 'Of all that was looked at.'),
    quick: flag('Whether only names, sizes and first pages were.'),
    segments: object(
      {
        good: whole('Good ones.'),
        bad: whole('Bad ones.'),
        unknown: whole('Of which nothing can be said.'),
        missing: whole('Missing ones.'),
        waiting: whole('How many wait to be archived.'),
        resumed: whole('Found good by the run that was interrupted.'),
      },
      'Counts of segments.',
    ),
    holes: whole('Holes.'),
    histories: whole('History files.'),
    timelines: list(
      object({
        timeline: whole('ID.'),
        first: text('First segment.'),
        last: text('Last segment.'),
        segments: whole('How many.'),
      }),
      'What was looked at.',
    ),
    findings: list(
      object({
        verdict: oneOf(['bad', 'hole', 'unknown'], 'There and not right; not there; nothing can be said.'),
        name: text('The file; of a hole the first that is missing.'),
        kind: text('What it is about: page, record, link, content, file, beginning, version, missing.'),
        problem: text('What is wrong, in words.'),
        'last?': text('Of a hole: the last file that is missing.'),
        'count?': whole('Of a hole: how many are.'),
        'path?': text('Where the file is.'),
        'lsn?': lsn('Start of the page, record or hole.'),
        'end_lsn?': lsn('Of a hole: where the WAL goes on.'),
        'record?': text('Which record.'),
        'expected?': text('What should be.'),
        'found?': text('What is.'),
      }),
      'What is not good.',
    ),
    bytes: whole('Bytes of WAL that are right.'),
    records: whole('Records in them.'),
    commits: whole('Commits.'),
    aborts: whole('Aborts.'),
    resource_managers: list(
      object({
        name: text('Resource manager and type of record.'),
        count: whole('How many.'),
        record_bytes: whole('Bytes of records.'),
        fpi_bytes: whole('Bytes of full-page images.'),
      }),
      'By type of record.',
    ),
    wal_segment_size: orNull(whole('Bytes in a segment.')),
    system_identifier: orNull(text('Of the cluster, as digits.')),
    catalog: oneOf(['written', 'missing', 'unusable'], 'What became of the catalogue.'),
    seconds: number('How long it took.'),
  },
  'What was found.',
);

/** One server of `heal-wal`. */
export const healWal: Schema = object(
  {
    dry_run: flag('Whether nothing was done.'),
    healed: list(
      object({
        name,
        kind: text('What it was about.'),
        reason: text('What was wrong.'),
        source: text('Where it was streamed from.'),
        moved_to: orNull(text('Where the bad copy is now.')),
        linked: flag('Whether it is known to continue the one before.'),
      }),
      'What was, or would be, streamed again.',
    ),
    unhealed: list(
      object({
        name,
        kind: text('What it is about.'),
        reason: text('What is wrong.'),
        obstacles: list(text('A sentence.'), 'Why it could not be healed, by server.'),
      }),
      'What still is damaged.',
    ),
    sources: list(
      object({ name: text('A server.'), problem: orNull(text('Why it was no use.')) }),
      'The servers that were asked.',
    ),
    holes_healed: list(
      object({ timeline: whole('Timeline.'), from_lsn: lsn('Begin.'), to_lsn: orNull(lsn('End.')) }),
      'Holes on record that are none any more.',
    ),
  },
  'What was damaged.',
);

/** One server of `delete-wal`. */
export const deleteWal: Schema = object(
  {
    dry_run: flag('Whether nothing was done.'),
    deleted: list(object({ name: text('The file.'), size: whole('Its bytes.') }), 'What was, or would be, deleted.'),
    blocked_by: orNull(text('`no_backups`, or the base backup that stands in the way.')),
    stopped_at: orNull(text('The file at which a script has stopped the deletion.')),
    oldest_backup: orNull(text('The oldest base backup that is kept.')),
    window_start: orNull(time('Begin of the time whose WAL is kept.')),
    holes,
  },
  'What retention lets go.',
);

/** One server of `rebuild-catalog`. */
export const rebuildCatalog: Schema = object(
  {
    segments: whole('Segments in the catalogue.'),
    bad: list(text('A name.'), 'Bad ones.'),
    unlinked: list(text('A name.'), 'Those that do not continue the one before.'),
    unreadable: list(
      object({ name: text('The file.'), code: text('`ERR_...`'), message: text('Why.') }),
      'What could not be read.',
    ),
    records_kept: flag('Whether the record of checks, heals and deletions was taken over.'),
    moved_to: orNull(text('Where the file is that was in its place.')),
  },
  'The new catalogue.',
);

/** One server of `rebuild-xlogdb`. */
export const rebuildXlogDb: Schema = object(
  {
    history: whole('History files.'),
    backup_labels: whole('Backup history files.'),
    wal_file: whole('Segments.'),
    partial: whole('Partial segments.'),
    unexpected: list(text('A path.'), 'What does not belong there.'),
  },
  'The new list.',
);

/** Of a server in `diagnose`: base backups by their IDs. */
export const backups: Schema = map(
  either(
    [
      object({
        backup_id: text('ID.'),
        backup_name: orNull(text('Name that somebody gave it.')),
        status: text('`DONE`, `WAITING_FOR_WALS`, ...'),
        mode: orNull(text('How it was taken.')),
        version: orNull(whole('Of the server, 150004 for 15.4.')),
        systemid: orNull(text('Of the cluster, as digits.')),
        timeline: orNull(whole('Timeline.')),
        xlog_segment_size: whole('Bytes in a segment.'),
        parent_backup_id: orNull(text('Of an incremental backup.')),
        keep: orNull(text('`full` or `standalone`.')),
        begin_wal: orNull(text('First segment that it needs.')),
        begin_xlog: orNull(lsn('Where it begins.')),
        begin_time: orNull(time('When it began.')),
        end_wal: orNull(text('Last segment that it needs.')),
        end_xlog: orNull(lsn('Where it is consistent.')),
        end_time: orNull(time('When it ended.')),
      }),
      object({ problem: text('Why it cannot be read.') }),
    ],
    'A base backup.',
  ),
  'Base backups by their IDs, as far as they concern WAL.',
);
