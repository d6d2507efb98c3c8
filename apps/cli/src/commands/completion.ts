/** `completion` prints what a shell needs to complete our words; `complete-words` is what the shell then asks at each Tab. */
import { loadConfiguration } from '@walvault/core/configuration';
import type { Command } from 'commander';
import type { CommandContext } from '../context.ts';
import { type Candidate, completeWords, type KnownNames } from '../completion/complete-words.ts';
import { shellScripts } from '../completion/shell-scripts.ts';
import { ErrorManual } from '../error-manual.ts';
import { exitCode } from '../exit-code.ts';

/** Runs `completion`; gives the exit code. */
export function completionCommand({ output }: CommandContext, shell: keyof typeof shellScripts): number {
  output.beginContent();
  process.stdout.write(shellScripts[shell]);
  return exitCode.ok;
}

/** Runs `complete-words`; gives the exit code. Nobody reads what goes wrong here, so nothing is said then. */
export async function completeWordsCommand(
  { options, output }: CommandContext,
  program: Command,
  words: readonly string[],
): Promise<number> {
  const found = await completeWords(program, words, namesBy(options.config));
  const lines = typeof found === 'string' ? [`:${found}`] : found.map(({ word, description }) => `${word}\t${description}`);
  output.beginContent();
  process.stdout.write(lines.map((line) => `${line}\n`).join(''));
  return exitCode.ok;
}

/** @param ownFile the configuration file that this command was given itself, as by an alias with `-c FILE` */
const namesBy = (ownFile: string | undefined): KnownNames => ({
  servers: async (typedFile) => {
    try {
      const { servers } = await loadConfiguration({ explicit: typedFile ?? ownFile });
      return [...servers.values()].map(
        ({ name, description = '' }): Candidate => ({ word: name, description: oneLine(description) }),
      );
    } catch {
      return [];
    }
  },
  errorCodes: () => ErrorManual.read().codes,
  tasks: async () => (await import('@walvault/core/operating')).serverTasks,
});

function oneLine(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, ' ');
}
