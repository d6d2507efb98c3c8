/** What the definitions of commands call to run one. */
import type { Command } from 'commander';
import type { CommandContext } from '../context.ts';

/** A command; gives the exit code. */
export type Run = (context: CommandContext) => Promise<number>;

/** Runs a command with its surroundings. `whenItFails` is the exit code for what it throws, 1 unless given. */
export type Runner = (command: Command, work: Run, whenItFails?: number) => Promise<void>;
