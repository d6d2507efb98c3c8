/** `setup`: what a server needs for its section of the configuration, printed for psql or, with `--apply`, done. */
import { applySetup, hbaLines, type ServerSetup, type SetupOutcome, setupOf, setupScript } from '@walvault/core/setup';
import type { CommandContext } from '../context.ts';
import { exitCode } from '../exit-code.ts';

/** Options of the command. */
export interface SetupCommandOptions {
  readonly apply?: boolean | undefined;
  readonly superuserConninfo?: string | undefined;
}

/** How long a connection may take. */
const patienceMs = 5000;

/** Runs the command; gives the exit code. */
export async function setupCommand(context: CommandContext, serverName: string, options: SetupCommandOptions): Promise<number> {
  const setup = await setupOf(await context.server(serverName));
  return options.apply === true ? apply(context, setup, options.superuserConninfo) : print(context, setup);
}

async function print({ output, stop }: CommandContext, setup: ServerSetup): Promise<number> {
  const hba = await hbaLines(setup, { signal: stop, patienceMs });
  const script = setupScript(setup, hba);
  output.result(setup.server.name, { script: `${script.join('\n')}\n`, pg_hba: hba });
  if (!output.isJson) for (const line of script) output.info(line);
  return exitCode.ok;
}

async function apply(
  { output, stop }: CommandContext,
  setup: ServerSetup,
  superuserConninfo: string | undefined,
): Promise<number> {
  const outcomes: SetupOutcome[] = [];
  try {
    for await (const outcome of applySetup(setup, { superuserConninfo, signal: stop, patienceMs })) {
      outcomes.push(outcome);
      if (!output.isJson) for (const line of linesOf(outcome)) output.info(line);
    }
  } finally {
    // What was done before an error is done.
    output.result(setup.server.name, { steps: outcomes.map(toJson) });
  }
  return outcomes.some(({ state }) => state === 'toDo') ? exitCode.error : exitCode.ok;
}

function linesOf({ title, state, statement, remedy }: SetupOutcome): readonly string[] {
  const words = { done: `done: ${statement ?? ''}`, alreadySo: 'already so', toDo: `you have to do it: ${remedy?.words ?? ''}` };
  return [
    `${title}: ${words[state]}`,
    ...(remedy?.hba ?? []).map((line) => `\tpg_hba.conf: ${line}`),
    ...(remedy?.sql ?? []).map((line) => `\tSQL: ${line}`),
    ...(remedy?.commands ?? []).map((line) => `\trun: ${line}`),
  ];
}

function toJson({ title, state, statement, remedy }: SetupOutcome) {
  return {
    step: title,
    state: { done: 'done', alreadySo: 'already so', toDo: 'to do' }[state],
    statement: statement ?? null,
    remedy: remedy === undefined ? null : { words: remedy.words, sql: remedy.sql ?? [], pg_hba: remedy.hba ?? [] },
  };
}
