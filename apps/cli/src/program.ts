/**
 * The command line: what holds for all commands. Names, options and help of each are in `program/`; the commands themselves
 * are loaded when they are called.
 */
import { Command, Option } from 'commander';
import { CommandContext, type GlobalOptions } from './context.ts';
import { exitCode } from './exit-code.ts';
import { addArchivingCommands } from './program/archiving.ts';
import { addExplainingCommands } from './program/explaining.ts';
import { addInspectingCommands } from './program/inspecting.ts';
import { addMaintainingCommands } from './program/maintaining.ts';
import { addOperatingCommands } from './program/operating.ts';
import { addPreparingCommands } from './program/preparing.ts';
import { addReceivingCommands } from './program/receiving.ts';
import { addRecoveringCommands } from './program/recovering.ts';
import { logLevels, readLogLevel } from './program/quantities.ts';
import type { Run } from './program/runner.ts';
import { taskVariable } from './task-variable.ts';
import { Output } from './output.ts';
import { addViewingCommands } from './program/viewing.ts';
import { version } from './version.ts';

/**
 * Builds the program.
 * @param stop aborted when the user or a supervisor wants the command to end
 * @param exit takes the exit code of the command that ran
 */
export function buildProgram(stop: AbortSignal, exit: (code: number) => void): Command {
  const program = new Command('walvault')
    .description('Receives, archives and gives back the write-ahead log of PostgreSQL servers.')
    .version(`walvault ${version()}`, '-v, --version', 'print the version')
    .option('-c, --config <file>', 'configuration file (default: ~/.walvault.conf, /etc/walvault.conf, then those of Barman)')
    .option('-q, --quiet', 'print errors and warnings only')
    .option('-d, --debug', 'log more, and name the page of the manual behind each error')
    .addOption(
      new Option('--log-level <level>', 'log from this level on, whatever log_level says')
        .choices(logLevels)
        .argParser(readLogLevel),
    )
    .addOption(
      new Option(
        '--color, --colour <when>',
        'colour ERROR, WARNING, FAILED and OK; auto is on a terminal, unless NO_COLOR is set',
      )
        .choices(['never', 'always', 'auto'])
        .default('auto'),
    )
    .addOption(new Option('-f, --format <format>', 'how to print results').choices(['console', 'json']).default('console'))
    .helpOption('-h, --help', 'print this help')
    .showHelpAfterError(usageHint)
    .configureHelp({ sortSubcommands: true })
    .exitOverride();
  tellUsageErrors(program);

  const run = (command: Command, work: Run, whenItFails: number = exitCode.error): Promise<void> =>
    runCommand(new CommandContext(globalOptions(command), stop), work, { exit, whenItFails });
  addReceivingCommands(program, run);
  addArchivingCommands(program, run);
  addRecoveringCommands(program, run);
  addInspectingCommands(program, run);
  addMaintainingCommands(program, run);
  addOperatingCommands(program, run);
  addExplainingCommands(program, run);
  addViewingCommands(program, run);
  addPreparingCommands(program, run);
  return program;
}

const usageHint = '(run with --help for the usage)';

/** A command line that makes no sense is told in JSON, too, where that was asked for. To be called before there are commands, which inherit it. */
function tellUsageErrors(program: Command): void {
  const isJson = (): boolean => program.opts<GlobalOptions>().format === 'json' || askedForJson(program);
  program.configureOutput({
    outputError: (text, write) => {
      if (!isJson()) return write(text);
      const [message = '', ...more] = text
        .trimEnd()
        .replace(/^error: /, '')
        .split('\n');
      const output = new Output({ format: 'json', quiet: false });
      output.failure(message);
      for (const hint of [...more, usageHint]) output.hint(hint.replace(/^[(](.*)[)]$/, '$1'));
      output.finish();
    },
    writeErr: (text) => {
      if (text.trimEnd() !== usageHint || !isJson()) process.stderr.write(text);
    },
  });
}

/** Whether one of the commands was called with `--json`. */
function askedForJson({ commands }: Command): boolean {
  return commands.some((command) => command.opts<{ readonly json?: true }>().json === true || askedForJson(command));
}

/** Some commands know `--json` as well, which is shorter to type. */
function globalOptions(command: Command): GlobalOptions {
  const options = command.optsWithGlobals<GlobalOptions & { readonly json?: true }>();
  return options.json === true ? { ...options, format: 'json' } : options;
}

async function runCommand(
  context: CommandContext,
  work: Run,
  options: { exit: (code: number) => void; whenItFails: number },
): Promise<void> {
  const task = process.env[taskVariable] === undefined ? undefined : (await import('./started-task.ts')).beginTask();
  let code = options.whenItFails;
  try {
    code = await work(context);
  } catch (error) {
    context.output.error(error);
  }
  options.exit(code);
  context.output.finish();
  await task?.end(code, context.output.lastFailure);
}
