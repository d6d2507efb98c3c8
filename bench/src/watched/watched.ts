/** `bench watched`: the same backlog received alone, and beside the status page with many who watch it, in turn. */
import { join } from 'node:path';
import { temporaryDirectory } from '@walvault/testkit';
import { majorOption, pairsOption, programOption } from '../common-options.ts';
import { formatComparison, type Metric, ratioSpread } from '../comparison.ts';
import { type Contender, walvault } from '../contenders.ts';
import { BenchFailure } from '../failure.ts';
import { describeMachine, formatMachine } from '../machine.ts';
import { numberOption, type OptionValues, wholeNumberOption } from '../options.ts';
import { type Backlog, makeBacklog } from '../receive/backlog.ts';
import { type TimedRun, timedRun } from '../receive/timed-run.ts';
import { type Rounds, runRounds } from '../rounds.ts';
import { scenario, type Voice } from '../scenario.ts';
import { formatTarget } from '../target.ts';
import { type PageWatchers, watchPage } from './page-watchers.ts';

const options = {
  gigabytes: numberOption({ help: 'volume of the backlog in GB', fallback: 1, least: 0.001, most: 1000 }),
  clients: wholeNumberOption({ help: 'how many watch the page', fallback: 200, least: 1, most: 10_000 }),
  pairs: pairsOption(5),
  major: majorOption,
  program: programOption,
};

type WatchedOptions = OptionValues<typeof options>;

/** What being watched may cost of the throughput. */
const wallTarget = 1 / 0.97;
const wall: Metric<TimedRun> = { title: 'wall s', digits: 2, value: (run) => run.wallSeconds };
const cpu: Metric<TimedRun> = { title: 'CPU s', digits: 2, value: (run) => run.cpuSeconds };
const opposition = { title: 'ratio', ours: 1, reference: 0 };

export const watched = scenario({
  name: 'watched',
  summary: 'Receives the same backlog alone and beside the status page with many clients, in turn, and compares.',
  options,
  measure: measureWatched,
});

/** Measures and reports; gives what it measured: in each round alone, then watched. */
export async function measureWatched(given: WatchedOptions, voice: Voice): Promise<Rounds<TimedRun>> {
  const { gigabytes, clients, pairs, major, program } = given;
  await using place = await temporaryDirectory('bench');
  voice.progress(`making ${gigabytes} GB of WAL on PostgreSQL ${major}`);
  await using backlog = await makeBacklog({ major, wal: 'bulk', bytes: gigabytes * 1e9 });
  const alone = walvault({ program });
  voice.report(`${formatMachine(await describeMachine(place.path))}\nours         ${alone.name} ${alone.version}`);
  await timedRun(alone, backlog, { flush: 'continuous', place: '' });
  const rounds = await runRounds([0, clients], pairs, async (watching, round) => {
    voice.progress(`round ${round} of ${pairs}: ${watching} clients`);
    return await runWatched(alone, backlog, watching);
  });
  voice.report(`\n${formatWatched(rounds, given)}`);
  return rounds;
}

/** Nothing is measured before all of them listen. */
async function runWatched(contender: Contender, backlog: Backlog, clients: number): Promise<TimedRun> {
  if (clients === 0) return await timedRun(contender, backlog, { flush: 'continuous', place: '' });
  await using stack = new AsyncDisposableStack();
  const watchers: PageWatchers[] = [];
  const beside: Contender = {
    ...contender,
    prepare: async (task) => {
      const launch = await contender.prepare(task);
      watchers.push(stack.use(await watchPage(join(task.home, 'walvault.conf'), task.home, clients)));
      return launch;
    },
  };
  const run = await timedRun(beside, backlog, { flush: 'continuous', place: '' });
  const listening = watchers.reduce((sum, one) => sum + one.listening, 0);
  if (listening < clients) throw new BenchFailure(`only ${listening} of ${clients} clients have got anything`);
  return run;
}

/** Each round, then the medians with the least and the greatest value, then whether the target is met. */
export function formatWatched(rounds: Rounds<TimedRun>, { gigabytes, clients }: WatchedOptions): string {
  const comparison = { names: ['alone', 'watched'], metrics: [wall, cpu], oppositions: [opposition], rounds };
  const value = ratioSpread(rounds, wall, opposition)?.median;
  const target = { what: 'wall ratio', bound: { atMost: wallTarget }, value, taken: 'median', digits: 3 };
  return [
    `${gigabytes} GB, flush all the time; the status page with ${clients} clients beside it or not`,
    '',
    formatComparison(comparison),
    '',
    formatTarget(target),
  ].join('\n');
}
