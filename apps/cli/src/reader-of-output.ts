/** Who reads what this program prints, and may go away before the end: `walvault show-wal pg | head`. */
import { exitCode } from './exit-code.ts';

/** The reader of the standard output. */
export interface OutputReader {
  /** The exit code of a command that ended with this one: success is none where not all that it printed was read. */
  exitCodeFor(code: number): number;
}

/** A reader that went away ends the output, without a word, and not the work. */
export function watchReader(): OutputReader {
  let isGone = false;
  const exitCodeFor = (code: number): number => (isGone && code === exitCode.ok ? exitCode.closedPipe : code);
  process.stdout.on('error', (error) => {
    onlyClosed(error);
    isGone = true;
    // The command may have ended already.
    if (process.exitCode === exitCode.ok) process.exitCode = exitCode.closedPipe;
  });
  process.stderr.on('error', onlyClosed);
  return { exitCodeFor };
}

/** Whether an error says that the reader of a pipe has gone away. */
export function isClosedPipe(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EPIPE';
}

function onlyClosed(error: Error): void {
  if (!isClosedPipe(error)) throw error;
}
