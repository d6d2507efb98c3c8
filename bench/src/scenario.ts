/** What a scenario of the bench is to the command line: a name, a help, and something to run with the words behind the name. */
import { describeOptions, type OptionTable, type OptionValues, parseOptions } from './options.ts';

/** Where the report goes, and where the news of what is going on. */
export interface Voice {
  readonly report: (text: string) => void;
  readonly progress: (text: string) => void;
}

/** One thing to measure. */
export interface Scenario {
  readonly name: string;
  /** One line. */
  readonly summary: string;
  readonly usage: string;
  /**
   * Measures and reports. Everything that it made is gone when it returns or throws.
   * @throws {BenchFailure} when an argument is wrong, something is missing, or a program does not do what it should
   */
  readonly run: (args: readonly string[], voice: Voice) => Promise<void>;
}

/** What makes a {@link Scenario}. */
export interface ScenarioDefinition<Table extends OptionTable> {
  readonly name: string;
  readonly summary: string;
  readonly options: Table;
  readonly measure: (options: OptionValues<Table>, voice: Voice) => Promise<unknown>;
}

/** Joins a table of options and a function that measures. */
export function scenario<const Table extends OptionTable>(definition: ScenarioDefinition<Table>): Scenario {
  const { name, summary, options, measure } = definition;
  return {
    name,
    summary,
    usage: `usage: npm run bench -- ${name} [OPTION ...]\n\n${summary}\n\n${describeOptions(options)}\n`,
    run: async (args, voice) => {
      await measure(parseOptions(options, args), voice);
    },
  };
}
