/** `bench restore`: the same server recovers from the same WAL through walvault, cp, Barman and pgBackRest in turn. */
import { defaultWalSegmentSize } from '@walvault/wal';
import { majorOption, pairsOption, programOption } from '../common-options.ts';
import { BenchFailure } from '../failure.ts';
import { describeMachine, formatMachine } from '../machine.ts';
import { choiceOption, choicesOption, directoryOption, type OptionValues, wholeNumberOption } from '../options.ts';
import { runRounds } from '../rounds.ts';
import { scenario, type Voice } from '../scenario.ts';
import { type ContenderName, makeRecoveryStock, type RecoveryStock } from './recovery-stock.ts';
import { type RecoveryRun, recoveryRun } from './recovery-run.ts';
import { formatRestoreSeries, type RestoreSeries } from './report.ts';
import { barman, copying, pgBackRest, type Restorer, walvault } from './restorers.ts';

const options = {
  segments: wholeNumberOption({ help: 'segments of 16 MiB that each recovery replays', fallback: 200, least: 1, most: 10_000 }),
  pairs: pairsOption(3),
  wal: choiceOption({
    help: 'pgbench: what pgbench -N writes; bulk: large random records; small: very many small ones',
    fallback: 'pgbench',
    choices: ['pgbench', 'bulk', 'small'],
  }),
  codec: choiceOption({
    help: 'compression of the archives of walvault and pgBackRest; Barman, which lacks some, has gzip, or none',
    fallback: 'zstd',
    choices: ['none', 'gzip', 'zstd', 'lz4'],
  }),
  against: choicesOption({
    help: 'what is measured',
    fallback: 'cp,walvault,barman,pgbackrest',
    choices: ['cp', 'walvault', 'barman', 'pgbackrest'],
  }),
  fsync: choiceOption({ help: 'fsync of the server that recovers', fallback: 'on', choices: ['on', 'off'] }),
  directory: directoryOption({
    help: 'where archives and servers are, to choose the disk;\nunless given, in the directory for temporary files (TMPDIR)',
  }),
  major: majorOption,
  program: programOption,
};

type RestoreOptions = OptionValues<typeof options>;

export const restore = scenario({
  name: 'restore',
  summary: 'Recovers a server through walvault, cp, Barman and pgBackRest, in turn, and compares.',
  options,
  measure: measureRestore,
});

/** Measures and reports; gives what it measured. */
export async function measureRestore(options: RestoreOptions, voice: Voice): Promise<RestoreSeries> {
  const { segments, pairs, fsync, against, major, wal } = options;
  voice.progress(`making ${segments} segments of WAL (${wal}) on PostgreSQL ${major}, and the archives of them`);
  await using stock = await makeRecoveryStock(options);
  await using stack = new AsyncDisposableStack();
  const restorers: Restorer[] = [];
  for (const name of against) restorers.push(await restorerOf(name, stock, options, stack));
  const machine = await describeMachine(stock.home);
  voice.report([formatMachine(machine), ...about(stock, restorers, fsync)].join('\n'));
  for (const restorer of restorers) {
    voice.progress(`warming up with ${restorer.name}`);
    await recoveryRun(stock, restorer, fsync === 'on');
  }
  const rounds = await runRounds(restorers, pairs, (restorer, round) => {
    voice.progress(`round ${round} of ${pairs}: ${restorer.name}`);
    return recoveryRun(stock, restorer, fsync === 'on');
  });
  requireSameEnd(rounds.flat());
  const series = { segments: stock.names.length, names: against, rounds };
  voice.report(`\n${formatRestoreSeries(series)}`);
  voice.report(`\nEach recovery ended at ${rounds[0]?.[0]?.end}, behind the last of ${stock.names.length} segments.`);
  return series;
}

async function restorerOf(
  name: ContenderName,
  stock: RecoveryStock,
  { program }: RestoreOptions,
  stack: AsyncDisposableStack,
): Promise<Restorer> {
  if (name === 'walvault') return walvault(stock, program);
  if (name === 'barman') return stack.use(await barman(stock));
  if (name === 'pgbackrest' && stock.pgBackRest !== undefined) return pgBackRest(stock, stock.pgBackRest);
  return copying(stock);
}

function about(stock: RecoveryStock, restorers: readonly Restorer[], fsync: string): readonly string[] {
  const megabytes = ((stock.names.length * defaultWalSegmentSize) / 1e6).toFixed(0);
  return [
    `server       PostgreSQL ${stock.serverVersion}, fsync ${fsync}`,
    `WAL          ${megabytes} MB in ${stock.names.length} segments behind a base backup`,
    ...restorers.map(({ name, description }) => `${name.padEnd(12)} ${description}`),
    'units        wall from the start of the recovery until the archive has no more, by the log of the server;',
    '             CPU of all processes of the machine from the start of the server on; ratios are of the same round',
  ];
}

/** All must have replayed the same. */
function requireSameEnd(runs: readonly RecoveryRun[]): void {
  const ends = new Set(runs.map(({ end }) => end));
  if (ends.size !== 1) throw new BenchFailure(`the recoveries ended at different places: ${[...ends].join(', ')}`);
}
