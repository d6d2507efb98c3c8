/**
 * A page of docs/guides as what its reader does: the blocks in their order, each with what the page says that one sees.
 *
 * The first line of a block says what is done with it. A reader on the web does not see the words behind the language, so the
 * page says the same in its text:
 * - `sh [HOST] [again] [exit=CODE]`: a shell runs it, on the machine of walvault or on a database server. `again`: until the
 *   output is as on the page. `not-run`: needs root, systemd, a container or another network; it is only shown.
 * - `sql HOST`: psql runs it there, as the superuser.
 * - `ini PATH`: it is written to that file.
 * - `text`: what the step before it prints. A line `...` stands for any lines.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** What the reader does with one block. */
export interface GuideStep {
  readonly action: 'shell' | 'sql' | 'write';
  readonly text: string;
  /** Name of the database server it is done on; undefined for the machine of walvault. */
  readonly host: string | undefined;
  /** What is written. */
  readonly path: string | undefined;
  readonly isRun: boolean;
  readonly isRepeated: boolean;
  readonly exitCode: number;
  /** Line of the block in the page, from 1. */
  readonly line: number;
  /** What the page says that one sees; undefined when it says nothing. */
  readonly output: GuideOutput | undefined;
}

/** A piece of the page, by the offset of its first character. */
export interface GuideOutput {
  readonly text: string;
  readonly offset: number;
}

const actions = new Map([
  ['sh', 'shell'],
  ['sql', 'sql'],
  ['ini', 'write'],
] as const);

/** A page of docs/guides. */
export class GuidePage {
  readonly path: string;
  readonly text: string;
  readonly steps: readonly GuideStep[];

  /** @param name of the page, without `.md` */
  constructor(name: string) {
    this.path = fileURLToPath(new URL(`../../../../docs/guides/${name}.md`, import.meta.url));
    this.text = readFileSync(this.path, 'utf8');
    this.steps = stepsOf(this.text);
  }

  /** The page with other outputs. */
  withOutputs(outputs: ReadonlyMap<GuideStep, string>): string {
    let text = this.text;
    // from the end, so that the offsets before stay what they are
    for (const step of this.steps.toReversed()) {
      const [old, seen] = [step.output, outputs.get(step)];
      if (old !== undefined && seen !== undefined)
        text = `${text.slice(0, old.offset)}${seen.trimEnd()}\n${text.slice(old.offset + old.text.length)}`;
    }
    return text;
  }
}

function stepsOf(page: string): readonly GuideStep[] {
  const steps: GuideStep[] = [];
  for (const block of page.matchAll(/^```([^\n]*)\n(.*?)^```$/gms)) {
    const [, info = '', text = ''] = block;
    if (info === 'text') {
      const step = steps.pop();
      if (step === undefined) throw new Error('the page begins with an output');
      steps.push({ ...step, output: { text, offset: block.index + info.length + 4 } });
    } else {
      steps.push(stepOf(info, text, page.slice(0, block.index).split('\n').length));
    }
  }
  return steps;
}

function stepOf(info: string, text: string, line: number): GuideStep {
  const [language = '', ...words] = info.split(' ');
  const action = actions.get(language as 'sh');
  if (action === undefined) throw new Error(`line ${line}: a guide has no blocks of "${info}"`);
  const exitCode = words.find((word) => word.startsWith('exit='))?.slice(5) ?? '0';
  const [name] = words.filter((word) => !/^(again|not-run|exit=\d+)$/.test(word));
  return {
    action,
    text,
    host: action === 'write' ? undefined : name,
    path: action === 'write' ? name : undefined,
    isRun: !words.includes('not-run'),
    isRepeated: words.includes('again'),
    exitCode: Number(exitCode),
    line,
    output: undefined,
  };
}
