/** A progress bar. */
import type { Paint } from './narrator.ts';

const width = 24;

/** Draws a part from 0 to 1; what is less or more counts as that. */
export function bar(part: number, paint: Paint): string {
  const filled = Math.round(Math.min(1, Math.max(0, part)) * width);
  return paint('green', '━'.repeat(filled)) + paint('dim', '─'.repeat(width - filled));
}
