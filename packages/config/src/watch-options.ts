/** The options of a server that say what is still well: what `check` compares with what it finds. */
import type { OptionTable } from './global-options.ts';
import { intervalType, seconds, size, wholeNumber } from './option-types.ts';

/** Values of these options by their names; undefined where an option is not set. Periods are in milliseconds. */
export interface WatchValues {
  readonly archive_delay_limit: number;
  readonly check_timeout: number;
  readonly free_space_hours: number;
  readonly last_wal_maximum_age: number | undefined;
  readonly max_incoming_wals_queue: number | undefined;
  readonly receive_lag_limit: number;
  readonly rpo_limit: number;
}

/** The table of these options. */
export const watchOptions: OptionTable<WatchValues> = {
  archive_delay_limit: {
    type: seconds(60, 31_536_000),
    scope: 'both',
    default: '3600',
    doc: 'Seconds that a complete segment may wait to be archived before check fails.',
    own: true,
  },
  check_timeout: { type: seconds(0, 86_400), scope: 'both', default: '30', doc: 'Seconds that check may take; 0 for no limit.' },
  free_space_hours: {
    type: wholeNumber(0, 8760),
    scope: 'both',
    default: '24',
    doc: 'Hours that the free disk space must last at the rate of the last day, or check fails; 0 for as long as there is room for two segments.',
    own: true,
  },
  last_wal_maximum_age: { type: intervalType, scope: 'both', doc: 'Age of the last archived segment from which on check fails.' },
  max_incoming_wals_queue: {
    type: wholeNumber(0),
    scope: 'both',
    doc: 'Segments waiting to be archived from which on check complains.',
  },
  receive_lag_limit: {
    type: size('1MB'),
    scope: 'both',
    default: '1GB',
    doc: 'WAL that the server may have and that is not durable here before check fails.',
    own: true,
  },
  rpo_limit: {
    type: seconds(1, 31_536_000),
    scope: 'both',
    default: '300',
    doc: 'Seconds that the oldest commit may be old that is not known to be durable here, before check fails. Counts where WAL is streamed.',
    own: true,
  },
};
