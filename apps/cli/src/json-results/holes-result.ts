/** Holes, as several results have them. */
import { list, object, text, whole } from './schema.ts';

/** Segments that are missing between others. */
export const holes = list(
  object({ first: text('First missing segment.'), last: text('Last one.'), count: whole('How many.') }),
  'Segments that are missing between others.',
);
