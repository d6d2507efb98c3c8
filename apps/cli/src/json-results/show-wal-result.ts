/** The result of show-wal. */
import { holes } from './holes-result.ts';
import { either, flag, list, lsn, object, orNull, type Schema, text, time, timestamp, whole } from './schema.ts';

const name = text('Name of the segment.');
const bytes = {
  segments: whole('Segments.'),
  wal_bytes: whole('Bytes of WAL in them.'),
  stored_bytes: whole('Bytes that they take in the archive.'),
};
const heals = list(
  object({
    name,
    reason: text('What was wrong with it.'),
    source: text('Where it was streamed from.'),
    healed_at: time('When.'),
    moved_to: orNull(text('Where the bad copy is now.')),
  }),
  'Segments that heal-wal has streamed again.',
);
const restorePoint = object({
  name: text('Name of the restore point.'),
  time: timestamp('When it was made.'),
  lsn: lsn('Start of its record.'),
  end_lsn: lsn('Behind its record.'),
});

const surveyOfTimeline = object({
  timeline: whole('ID of the timeline.'),
  parent: orNull(whole('The timeline that it branched off.')),
  begin_lsn: orNull(lsn('Where it did.')),
  first: orNull(text('First complete segment.')),
  last: orNull(text('Last one.')),
  segments: whole('Complete segments.'),
  waiting: whole('How many of them wait to be archived.'),
  holes,
  partials: list(text('A name.'), 'Segments that are not complete.'),
  known: orNull(
    object(
      {
        ...bytes,
        good: whole('Found good.'),
        bad: whole('Found bad.'),
        linked: whole('Of which it is known that they continue the one before.'),
        unlinked: whole('Of which it is known that they do not.'),
        commits: whole('Commits in them.'),
        first_commit_time: orNull(timestamp('Of the first commit.')),
        last_commit_time: orNull(timestamp('Of the last commit.')),
      },
      'What the catalogue knows.',
    ),
  ),
});

const survey = object(
  {
    wal_segment_size: orNull(whole('Bytes in a segment.')),
    timelines: list(surveyOfTimeline, 'By their IDs.'),
    impossible_names: list(text('A name.'), 'Names that cannot be with this segment size.'),
    catalog: orNull(
      object(
        {
          days: list(object({ day: text('The day.'), ...bytes, commits: whole('Commits.') }), 'The last days.'),
          compressions: list(object({ compression: orNull(text('Its name.')), ...bytes }), 'By compression.'),
          restore_points: whole('Named restore points.'),
          last_verify: orNull(
            object(
              {
                started_at: time('Begin.'),
                finished_at: orNull(time('End; null when it was interrupted.')),
                good: whole('Good segments.'),
                bad: whole('Bad ones.'),
                holes: whole('Holes.'),
                unknown: whole('Of which nothing can be said.'),
              },
              'The last run of verify-wal.',
            ),
          ),
          bad_checks: list(
            object({ name, verdict: text('What was found.'), detail: orNull(text('More.')), checked_at: time('When.') }),
            'What verify-wal found wrong.',
          ),
          heals,
          unknown_segments: whole('In the archive and not in the catalogue.'),
          gone_segments: whole('In the catalogue and not in the archive.'),
        },
        'What the catalogue tells of the archive as a whole.',
      ),
    ),
    catalog_error: orNull(
      object({ code: text('`ERR_...`'), message: text('What it is.') }, 'Why the catalogue could not be read.'),
    ),
  },
  'The archive as a whole.',
);

const segment = object(
  {
    name,
    timeline: whole('Its timeline.'),
    start_lsn: lsn('Where it begins.'),
    verified_lsn: lsn('Up to where it is right.'),
    wal_segment_size: whole('Bytes in a segment.'),
    system_identifier: text('Of its cluster, as digits.'),
    verdict: text('What was found.'),
    fault: orNull(object({ kind: text('Of what.'), lsn: lsn('Where.'), problem: text('What.') }, 'What is wrong.')),
    link: text('Whether it continues the one before.'),
    sha256: text('Of the WAL in it.'),
    stored_bytes: whole('Bytes of the file in the archive.'),
    compression: orNull(text('Its name.')),
    modified_at: time('Modification time of the file.'),
    archived_at: orNull(time('When it was archived.')),
    in_catalog: flag('Whether this is from the catalogue, or from the file itself.'),
    records: whole('Records that begin in it.'),
    commits: whole('Commits.'),
    aborts: whole('Aborts.'),
    first_xid: orNull(whole('Lowest transaction.')),
    last_xid: orNull(whole('Highest transaction.')),
    first_commit_time: orNull(timestamp('Of the first commit.')),
    last_commit_time: orNull(timestamp('Of the last commit.')),
    restore_points: list(restorePoint, 'Named restore points in it.'),
    check: orNull(
      object(
        { checked_at: time('When.'), verdict: text('What was found.'), detail: orNull(text('More.')) },
        'The last look of verify-wal.',
      ),
    ),
    heals,
  },
  'With --segment.',
);

const statistics = object(
  {
    timeline: whole('The timeline to whose end was read.'),
    first_lsn: lsn('Begin.'),
    end_lsn: lsn('End.'),
    rmgrs: list(
      object({
        rmgr: text('Resource manager.'),
        record: text('Type of record.'),
        count: whole('How many.'),
        record_bytes: whole('Bytes of records.'),
        fpi_bytes: whole('Bytes of full-page images.'),
      }),
      'By type of record.',
    ),
  },
  'With --stats.',
);

/** One server of `show-wal`. */
export const showWal: Schema = either([survey, segment, statistics], 'What the archive holds.');
