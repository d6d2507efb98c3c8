/** `config check`: all that is wrong with the configuration at once, and which files it was read from. Exit code 0 or 1. */
import { formatProblem } from '@walvault/core/configuration';
import { checkConfiguration } from '@walvault/core/viewing';
import type { CommandContext } from '../context.ts';
import { exitCode } from '../exit-code.ts';

/** Runs the command; gives the exit code. @param file checked in place of the one that would be used */
export async function configCheckCommand(context: CommandContext, file: string | undefined): Promise<number> {
  const { output, options } = context;
  const check = await checkConfiguration(file ?? options.config);
  const { problems, warnings, servers, files } = check;
  const isValid = problems.length === 0;
  output.result('configuration', {
    file: check.file,
    files,
    valid: isValid,
    servers,
    problems: problems.map(told),
    warnings: warnings.map(told),
  });
  for (const each of files) tellLine(context, each === check.file ? `Configuration file: ${each}` : `Also read: ${each}`);
  for (const warning of warnings) output.warning(formatProblem(warning));
  for (const problem of problems) output.failure(formatProblem(problem), problem.hint, 'ERR_CONFIG_INVALID');
  const withWarnings = warnings.length === 0 ? '' : `, with ${counted(warnings.length, 'warning')}`;
  if (isValid)
    tellLine(context, `The configuration is valid${withWarnings}: ${counted(servers.length, 'server')} (${servers.join(', ')})`);
  else tellLine(context, `The configuration cannot be used: ${counted(problems.length, 'problem')}${withWarnings}`);
  return isValid ? exitCode.ok : exitCode.error;
}

/** In JSON all of it is in the result. */
function tellLine({ output }: CommandContext, line: string): void {
  if (!output.isJson) output.info(line);
}

function told({ file, line, section, option, message, hint }: Parameters<typeof formatProblem>[0]) {
  return { file, line: line ?? null, section: section ?? null, option: option ?? null, message, hint: hint ?? null };
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
