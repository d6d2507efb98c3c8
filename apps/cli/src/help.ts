/** What the help has beside the definition of the commands; loaded when somebody asks for help. */
import type { Command } from 'commander';
import { exampleLines } from './program/examples.ts';

/** Adds the examples to the help of a program and all its commands. */
export function addExamples(command: Command, name: string = command.name()): void {
  command.addHelpText('after', exampleLines(name));
  for (const below of command.commands) addExamples(below, command.parent === null ? below.name() : `${name} ${below.name()}`);
}
