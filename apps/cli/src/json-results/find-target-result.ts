/** The result of find-target. */
import { holes } from './holes-result.ts';
import { either, flag, list, lsn, object, orNull, type Schema, text, timestamp, whole } from './schema.ts';

const event = object({
  kind: text('`commit`, `abort`, `restorePoint`, ...'),
  xid: orNull(whole('The transaction.')),
  time: orNull(timestamp('Its time.')),
  name: orNull(text('Of a restore point.')),
  lsn: lsn('Start of the record.'),
  end_lsn: lsn('Behind the record.'),
});

const place = object({
  timeline: whole('Timeline of the segment.'),
  target_timeline: whole('Timeline to recover along.'),
  segment: text('The segment that it is in.'),
  is_partial: flag('Whether that is not complete.'),
  lsn: lsn('Where it is.'),
  end_lsn: lsn('Where recovery stops.'),
  is_replayed: flag('Whether the record itself is replayed.'),
  record: orNull(event),
  last_commit: orNull(event),
});

const foundTarget = object(
  {
    target: text('The target, in words.'),
    found: flag('Whether it is in the WAL.'),
    finding: text('How the search ended.'),
    place: orNull(place),
    others: list(place, 'Others that fit.'),
    reachability: orNull(
      object(
        {
          verdict: text('`reachable`, `unknown`, or why not.'),
          backup: orNull(
            object(
              {
                id: text('ID of the base backup.'),
                end_lsn: lsn('Where it is consistent.'),
                end_time: orNull(timestamp('When it ended.')),
                timeline: whole('Its timeline.'),
              },
              'The base backup to begin with.',
            ),
          ),
          holes,
          faulty: list(text('A name.'), 'Segments on the way that are known to be bad.'),
          whole_from: orNull(text('First segment from which on nothing is missing.')),
        },
        'Whether a recovery can come there.',
      ),
    ),
    settings: orNull(
      object(
        {
          file: text('The file.'),
          signal_file: orNull(text('An empty file to make.')),
          lines: list(text('A line.'), 'What to write.'),
        },
        'What to write for the recovery.',
      ),
    ),
    reach: object(
      {
        timeline: whole('The newest timeline.'),
        first: orNull(text('First segment.')),
        last: orNull(text('Last complete segment.')),
        end_lsn: orNull(lsn('Where its WAL ends.')),
        first_commit_time: orNull(timestamp('Of the first commit.')),
        last_commit_time: orNull(timestamp('Of the last commit.')),
        partial: orNull(
          object({
            name: text('The partial segment.'),
            verified_lsn: lsn('Up to where it is right.'),
            last_commit_time: orNull(timestamp('Of the last commit in it.')),
          }),
        ),
      },
      'What there is of WAL.',
    ),
    segments_read: whole('How many segments were read for it.'),
    warnings: list(text('A sentence.'), 'What to know before.'),
  },
  'A target.',
);

/** One server of `find-target`. */
export const findTarget: Schema = either(
  [
    foundTarget,
    object(
      {
        restore_points: list(
          object({
            name: text('Its name.'),
            time: timestamp('When it was made.'),
            lsn: lsn('Start of its record.'),
            end_lsn: lsn('Behind its record.'),
            timeline: whole('Its timeline.'),
          }),
          'All named restore points.',
        ),
      },
      'With --list-restore-points.',
    ),
  ],
  'A recovery target.',
);
