/** Timeline IDs (`TimeLineID`, access/xlogdefs.h): which history of the cluster a piece of WAL belongs to. */
import { WalFormatError } from './errors.ts';

declare const timelineBrand: unique symbol;

/** A timeline ID, 1 to 2^32-1. */
export type TimelineId = number & { readonly [timelineBrand]: 'TimelineId' };

/** The timeline that initdb starts with. It has no history file. */
export const firstTimelineId: TimelineId = 1 as TimelineId;

/**
 * Checks that a number is a timeline ID.
 * @throws {WalFormatError} `ERR_INVALID_TIMELINE` unless it is a whole number from 1 to 4294967295.
 */
export function toTimelineId(value: number): TimelineId {
  if (!Number.isInteger(value) || value < 1 || value > 0xffff_ffff) {
    throw new WalFormatError('ERR_INVALID_TIMELINE', `invalid timeline ID ${value}`, {
      hint: 'Timeline IDs are whole numbers from 1 to 4294967295.',
    });
  }
  return value as TimelineId;
}
