/** `bench get-wal`: one segment out of the same archive, by a process of its own, as a restore_command has it. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory } from '@walvault/testkit';
import { fillStreamingDirectory } from '../archive/archive-run.ts';
import { type Archiver, barmanArchiver, walvaultArchiver } from '../archive/archivers.ts';
import { majorOption, pairsOption, programOption } from '../common-options.ts';
import { formatComparison, type Metric, ratioSpread } from '../comparison.ts';
import { BenchFailure } from '../failure.ts';
import { describeMachine, formatMachine } from '../machine.ts';
import { choicesOption, type OptionValues } from '../options.ts';
import { receivingDirectory } from '../receiving-directory.ts';
import { type Rounds, runRounds } from '../rounds.ts';
import { scenario, type Voice } from '../scenario.ts';
import { formatTarget } from '../target.ts';
import { type CommandTime, timedCommand } from '../timed-command.ts';
import { makeWalStock, type WalStock } from '../wal-stock.ts';

const options = {
  pairs: pairsOption(20),
  codec: choicesOption({
    help: 'compressions that Barman archived the segment with',
    fallback: 'none,gzip',
    choices: ['none', 'gzip', 'bzip2'],
  }),
  major: majorOption,
  program: programOption,
};

type GetWalOptions = OptionValues<typeof options>;

/** What was measured with one compression. */
export interface GetWalSeries {
  readonly codec: GetWalOptions['codec'][number];
  /** In each round Barman, then walvault. */
  readonly rounds: Rounds<CommandTime>;
}

/** Greatest share of the time of Barman. */
const wallTarget = 0.5;
const metrics: readonly Metric<CommandTime>[] = [
  { title: 'wall s', digits: 3, value: (run) => run.wallSeconds },
  { title: 'CPU s', digits: 2, value: (run) => run.cpuSeconds },
];

export const getWal = scenario({
  name: 'get-wal',
  summary: 'Gets one segment out of an archive with Barman and with walvault, in turn, and compares.',
  options,
  measure: measureGetWal,
});

/** Measures and reports; gives what it measured. */
export async function measureGetWal(options: GetWalOptions, voice: Voice): Promise<readonly GetWalSeries[]> {
  const ours = walvaultArchiver({ program: options.program, codec: 'none', level: '' });
  const peer = await barmanArchiver('none');
  voice.progress('making a segment of WAL');
  await using stock = await makeWalStock({ segments: 1, wal: 'small', major: options.major });
  const versions = [peer, ours].map(
    ({ version }, index) => `${index === 0 ? 'peer         barman' : 'ours         walvault'} ${version}`,
  );
  voice.report([formatMachine(await describeMachine(stock.directory)), ...versions].join('\n'));
  const all: GetWalSeries[] = [];
  for (const codec of options.codec) {
    const series = { codec, rounds: await measureCodec({ options, stock, ours, codec }, voice) };
    voice.report(`\n${formatGetWal(series)}`);
    all.push(series);
  }
  return all;
}

interface Contest {
  readonly options: GetWalOptions;
  readonly stock: WalStock;
  readonly ours: Archiver;
  readonly codec: GetWalSeries['codec'];
}

/** Barman archives; then both get the same segment, after a run of each that does not count. */
async function measureCodec({ options, stock, ours, codec }: Contest, voice: Voice): Promise<Rounds<CommandTime>> {
  await using home = await receivingDirectory('');
  const peer = await barmanArchiver(codec);
  await fillStreamingDirectory(join(home.path, 'bench'), stock);
  await using archiving = await peer.prepare(home.path, ['archive-wal', 'bench']);
  await timedCommand({ name: 'barman archive-wal', argv: archiving.argv, env: archiving.env });
  const contenders = [peer, ours];
  for (const contender of contenders) await getOnce(contender, home.path, stock);
  return await runRounds(contenders, options.pairs, (contender, round) => {
    voice.progress(`${codec}, round ${round} of ${options.pairs}: ${contender.name.split(' ')[0]}`);
    return getOnce(contender, home.path, stock);
  });
}

async function getOnce(contender: Archiver, home: string, stock: WalStock): Promise<CommandTime> {
  await using target = await temporaryDirectory('got');
  const [segment = ''] = stock.hashes.keys();
  const output = join(target.path, 'RECOVERYXLOG');
  await using launch = await contender.prepare(home, ['get-wal', 'bench', segment]);
  const time = await timedCommand({ name: `get-wal of ${contender.name}`, argv: launch.argv, env: launch.env, output });
  const hash = createHash('sha256')
    .update(await readFile(output))
    .digest('hex');
  if (hash !== stock.hashes.get(segment)) throw new BenchFailure(`${contender.name} did not give what the server wrote`);
  return time;
}

/** Each round, then the medians with the least and the greatest value, then whether the target is met. */
export function formatGetWal({ codec, rounds }: GetWalSeries): string {
  const opposition = { title: 'ratio', ours: 1, reference: 0 };
  const comparison = { names: ['barman', 'walvault'], metrics, oppositions: [opposition], rounds };
  const value = ratioSpread(rounds, metrics[0] as Metric<CommandTime>, opposition)?.median;
  const target = { what: `wall ratio ${codec}`, bound: { atMost: wallTarget }, value, taken: 'median', digits: 2 };
  return [`one segment of 16 MiB, archived by Barman: ${codec}`, '', formatComparison(comparison), '', formatTarget(target)].join(
    '\n',
  );
}
