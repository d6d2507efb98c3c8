/** `explain`: the page of the manual for an error. */
import type { CommandContext } from '../context.ts';
import { ErrorManual, type ManualEntry } from '../error-manual.ts';
import { exitCode } from '../exit-code.ts';

const verdicts = {
  retry: 'It may pass by itself: what runs in the background tries again, a command can be called again.',
  fatal: 'It does not pass by itself: something has to be done first.',
} as const;

/** Runs the command; gives the exit code. Without a name, or with `list`, it names all codes. */
export function explainCommand({ output }: CommandContext, name: string | undefined, options: { readonly list?: true }): number {
  const manual = ErrorManual.read();
  if (name === undefined || options.list === true) {
    for (const code of manual.codes) output.info(code);
    return exitCode.ok;
  }
  const entry = manual.find(name);
  if (entry === undefined) {
    const near = manual.near(name);
    output.failure(
      `there is no error code "${name}"`,
      near.length === 0 ? 'All codes: walvault explain --list' : `Did you mean ${near.join(', ')}?`,
    );
    return exitCode.error;
  }
  output.result(entry.title, jsonOf(entry));
  if (!output.isJson) for (const line of linesOf(entry)) output.info(line);
  return exitCode.ok;
}

function jsonOf({ means, why, do: what, retry, when }: ManualEntry): Readonly<Record<string, string | null>> {
  return { means, why: why ?? null, do: what, retry, when: when ?? null };
}

function linesOf(entry: ManualEntry): readonly string[] {
  const again = entry.retry === 'either' ? `Sometimes: ${entry.when ?? ''}.` : verdicts[entry.retry];
  const parts = [
    ['', entry.means],
    ['Why', entry.why],
    ['What to do', entry.do],
    ['Again?', again],
  ] as const;
  const width = Math.min(process.stdout.columns || longestLine, longestLine);
  return [
    entry.title,
    ...parts.flatMap(([title, text]) => {
      if (text === undefined) return [];
      return ['', ...(title === '' ? [] : [title]), ...wrapped(text, width - 2).map((line) => `  ${line}`)];
    }),
  ];
}

const longestLine = 100;

/** Breaks a text between words, never inside of a command, so that it can be copied. */
function wrapped(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.match(/(?:`[^`]*`|[^\s`])+/g) ?? []) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
