/** The program: argv in, exit code out. Everything between is in program.ts and the commands. */
import { CommanderError } from 'commander';
import { exitCode } from './exit-code.ts';
import { buildProgram } from './program.ts';
import { watchReader } from './reader-of-output.ts';
import { leaveSoonAfter, onStopSignals } from './stop-signals.ts';

/** A restore_command must never end with a code up to 125 because of trouble: PostgreSQL would take it as the end of the archive. */
const isRestoring = process.argv.includes('restore-wal') || process.argv.includes('get-wal');

const stop = new AbortController();
onStopSignals(stop);
if (isRestoring) leaveSoonAfter(stop.signal);
const reader = watchReader();

try {
  const program = buildProgram(stop.signal, (code) => {
    process.exitCode = reader.exitCodeFor(code);
  });
  if (asksForHelp(process.argv.slice(2))) (await import('./help.ts')).addExamples(program);
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = reader.exitCodeFor(error.exitCode === 0 ? exitCode.ok : isRestoring ? exitCode.trouble : exitCode.usage);
}

/** The help has examples, which nobody else needs. */
function asksForHelp(words: readonly string[]): boolean {
  return words.length === 0 || words.some((word) => ['-h', '--help', 'help'].includes(word));
}
