/** Reads a line of the documentation as the program would, without running it. */
import type { Command } from 'commander';
import { buildProgram } from './program.ts';

/** The words of a command line, as a shell cuts them, as far as our lines go: single quotes, and the end at a comment, pipe or redirection. */
export function shellWords(line: string): readonly string[] {
  const [plain = ''] = line.split(/ (?:[|<>#;]|&&) ?/);
  return (plain.match(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g) ?? []).map((word) => word.replaceAll(/['"]/g, ''));
}

/**
 * Parses a line that begins with `walvault`.
 * @returns the names of the command that it calls, such as `config check`
 * @throws {CommanderError} when the program would not take it
 */
export function parseCommandLine(line: string): string {
  const [name, ...words] = shellWords(line);
  if (name !== 'walvault') throw new Error(`"${line}" does not begin with walvault`);
  let called = '';
  const program = buildProgram(new AbortController().signal, () => undefined);
  for (const command of allCommands(program)) {
    command.exitOverride().configureOutput({ writeOut: () => undefined, writeErr: () => undefined });
    if (command.commands.length === 0) {
      command.action(() => {
        called = fullName(command);
      });
    }
  }
  program.parse(words, { from: 'user' });
  if (called === '') throw new Error(`"${line}" calls no command`);
  return called;
}

/** A program and all below it. */
export function allCommands(program: Command): readonly Command[] {
  return [program, ...program.commands.flatMap(allCommands)];
}

/** The words that call a command: `config check`. */
export function fullName(command: Command): string {
  const { parent } = command;
  return parent === null || parent.parent === null ? command.name() : `${fullName(parent)} ${command.name()}`;
}
