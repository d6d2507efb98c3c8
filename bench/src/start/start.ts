/** `bench start`: commands that do next to nothing, each by a process of its own: what a start costs. */
import { join } from 'node:path';
import { startCluster, temporaryDirectory } from '@walvault/testkit';
import { type Archiver, barmanArchiver, walvaultArchiver } from '../archive/archivers.ts';
import { majorOption, pairsOption, programOption } from '../common-options.ts';
import { formatComparison, type Metric, valuesAt } from '../comparison.ts';
import { describeMachine, formatMachine } from '../machine.ts';
import { choicesOption, type OptionValues } from '../options.ts';
import { receivingDirectory } from '../receiving-directory.ts';
import { type Rounds, runRounds } from '../rounds.ts';
import { scenario, type Voice } from '../scenario.ts';
import { spread } from '../statistics.ts';
import { formatTarget } from '../target.ts';
import { type CommandTime, timedCommand } from '../timed-command.ts';

const commands = { 'list-servers': ['list-servers'], status: ['status', 'bench'] } as const;

const options = {
  pairs: pairsOption(20),
  command: choicesOption({ help: 'commands to start', fallback: 'list-servers,status', choices: ['list-servers', 'status'] }),
  major: majorOption,
  program: programOption,
};

type StartOptions = OptionValues<typeof options>;

/** What was measured with one command. */
export interface StartSeries {
  readonly command: StartOptions['command'][number];
  /** In each round Barman, then walvault. */
  readonly rounds: Rounds<CommandTime>;
}

/** The longest that a start may take, in seconds. */
const wallTarget = 0.15;
const wall: Metric<CommandTime> = { title: 'wall s', digits: 3, value: (run) => run.wallSeconds };
const metrics: readonly Metric<CommandTime>[] = [wall, { title: 'CPU s', digits: 2, value: (run) => run.cpuSeconds }];

export const start = scenario({
  name: 'start',
  summary: 'Starts list-servers and status of Barman and of walvault, in turn, and compares.',
  options,
  measure: measureStart,
});

/** Measures and reports; gives what it measured. The server that `status` asks is there. */
export async function measureStart(
  { pairs, command, major, program }: StartOptions,
  voice: Voice,
): Promise<readonly StartSeries[]> {
  await using pg = await startCluster({ major });
  await using home = await receivingDirectory('');
  await using compiled = await temporaryDirectory('compiled');
  const server = { conninfo: pg.conninfo(), streaming_conninfo: pg.conninfo() };
  const contenders = [await barmanArchiver('none', server), walvaultArchiver({ program, codec: 'none', level: '', server })];
  const versions = contenders.map(({ name, version }) => `${name.split(' ')[0]?.padEnd(12)} ${version}`);
  voice.report([formatMachine(await describeMachine(home.path)), ...versions].join('\n'));
  const all: StartSeries[] = [];
  for (const one of command) {
    const once = (contender: Archiver): Promise<CommandTime> => startOnce(contender, one, home.path, compiled.path);
    // What Node and Python compile is kept from here on.
    for (const contender of contenders) await once(contender);
    const rounds = await runRounds(contenders, pairs, (contender, round) => {
      voice.progress(`${one}, round ${round} of ${pairs}: ${contender.name.split(' ')[0]}`);
      return once(contender);
    });
    all.push({ command: one, rounds });
    voice.report(`\n${formatStart({ command: one, rounds })}`);
  }
  return all;
}

async function startOnce(
  contender: Archiver,
  command: StartSeries['command'],
  home: string,
  compiled: string,
): Promise<CommandTime> {
  await using launch = await contender.prepare(home, commands[command]);
  // Below the home of the user, where the program keeps it, others may write perhaps, and it would not.
  const env = { ...launch.env, NODE_COMPILE_CACHE: join(compiled, 'code') };
  return await timedCommand({ name: `${command} of ${contender.name}`, argv: launch.argv, env });
}

/** Each round, then the medians with the least and the greatest value, then whether the target is met. */
export function formatStart({ command, rounds }: StartSeries): string {
  const oppositions = [{ title: 'ratio', ours: 1, reference: 0 }];
  const comparison = { names: ['barman', 'walvault'], metrics, oppositions, rounds };
  const { median } = spread(valuesAt(rounds, wall, 1));
  const target = { what: `wall s of ${command}`, bound: { atMost: wallTarget }, value: median, taken: 'median', digits: 3 };
  return [command, '', formatComparison(comparison), '', formatTarget(target)].join('\n');
}
