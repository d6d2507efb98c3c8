/** The command line of the demo. */
import { parseArgs } from 'node:util';

/** What the user asked for. */
export interface DemoArguments {
  readonly help: boolean;
  /** Leave everything where it is at the end, the restored server running. */
  readonly keep: boolean;
  /** Damage the archive before the restore, to see the demo fail. */
  readonly sabotage: boolean;
  /** How long the clients work before the disaster. */
  readonly seconds: number;
}

/** What `--help` prints. */
export const usage = `usage: npm run demo -- [--keep] [--seconds N] [--sabotage]

Starts a real PostgreSQL server in a temporary folder, archives its WAL with walvault, kills the server in
the middle of its work, destroys its data, restores it from the archive, and counts: is every commit that
the server acknowledged there? Takes about half a minute, needs no rights, and leaves nothing behind.

  --keep       leave everything in place at the end, the restored server running, and say what to try next
  --seconds N  let the clients work for N seconds before the disaster (default 8)
  --sabotage   delete the end of the archive and its records before the restore, to see that the demo tells a loss
  --help       print this

exit code: 0 nothing was lost, 1 something was lost or a step failed, 130 or 143 interrupted
`;

/**
 * Reads the command line.
 * @throws {TypeError} that says in one line what is wrong with it
 */
export function readArguments(argv: readonly string[]): DemoArguments {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      keep: { type: 'boolean', default: false },
      sabotage: { type: 'boolean', default: false },
      seconds: { type: 'string', default: '8' },
    },
  });
  const seconds = Number(values.seconds);
  if (!(seconds >= 1 && seconds <= 3600))
    throw new TypeError(`--seconds must be a number from 1 to 3600, got '${values.seconds}'`);
  return { ...values, seconds };
}
