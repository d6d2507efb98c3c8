/** `bench commit`: how fast commits are that wait until a receiver has made them durable, the only synchronous standby. */
import { type Cluster, temporaryDirectory } from '@walvault/testkit';
import { majorOption, pairsOption, programOption, receivingOption } from '../common-options.ts';
import { standbyName, startCommitServer } from '../commit-server.ts';
import { type Contender, pgReceivewal, walvault } from '../contenders.ts';
import { BenchFailure } from '../failure.ts';
import { describeMachine, formatMachine } from '../machine.ts';
import { choiceOption, type OptionValues, wholeNumberOption, wholeNumbersOption } from '../options.ts';
import { readProcessUsage } from '../process-usage.ts';
import { type ReceiverProcess, startReceiver, stopReceiver, untilStreaming } from '../receiver-process.ts';
import { runRounds } from '../rounds.ts';
import { scenario, type Voice } from '../scenario.ts';
import { percentile } from '../statistics.ts';
import { type LoadResult, prepareLoad, runLoad } from './load.ts';
import { formatCommits, type CommitRun, type CommitSeries } from './report.ts';

const options = {
  clients: wholeNumbersOption({ help: 'numbers of clients, measured one after another', fallback: '1,8,32', least: 1, most: 50 }),
  seconds: wholeNumberOption({ help: 'how long each run counts', fallback: 8, least: 1, most: 3600 }),
  pairs: pairsOption(5),
  work: choiceOption({
    help: 'insert: a transaction inserts one row; the others are those of pgbench',
    fallback: 'insert',
    choices: ['insert', 'simple-update', 'tpcb-like'],
  }),
  directory: receivingOption,
  major: majorOption,
  program: programOption,
};

type CommitOptions = OptionValues<typeof options>;

interface Contest {
  readonly options: CommitOptions;
  readonly cluster: Cluster;
  readonly contenders: readonly Contender[];
  readonly voice: Voice;
}

export const commit = scenario({
  name: 'commit',
  summary:
    'Commits that wait for the receiver as the only synchronous standby: pg_receivewal --synchronous and walvault in turn.',
  options,
  measure: measureCommit,
});

/** Measures and reports; gives what it measured. */
export async function measureCommit(options: CommitOptions, voice: Voice): Promise<readonly CommitSeries[]> {
  const contenders = [await pgReceivewal(options.major), walvault({ program: options.program })];
  await using cluster = await startCommitServer({ major: options.major });
  await prepareLoad(cluster, options.work);
  voice.report(await header({ options, cluster, contenders, voice }));
  const all: CommitSeries[] = [];
  for (const clients of options.clients) {
    const series = await measureSeries({ options, cluster, contenders, voice }, clients);
    voice.report(`\n${formatCommits(series)}`);
    all.push(series);
  }
  return all;
}

async function header({ options, cluster, contenders }: Contest): Promise<string> {
  await using place = await temporaryDirectory('bench');
  const received = options.directory === '' ? undefined : (await describeMachine(options.directory)).fileSystem;
  return [
    formatMachine(await describeMachine(place.path)),
    `received to  ${received ?? 'the same file system as the data of the server'}`,
    `server       PostgreSQL ${cluster.version} on this machine, fsync on, clients over a Unix socket, receivers over TCP`,
    ...contenders.map(({ name, version }, index) => `${index === 0 ? 'peer' : 'ours'}         ${name} ${version}`),
    `load         pgbench, ${options.work}, ${options.seconds} s a run behind one second that does not count`,
    'units        latency of a transaction in ms; CPU of the receiver for each commit in microseconds',
  ].join('\n');
}

async function measureSeries({ options, cluster, contenders, voice }: Contest, clients: number): Promise<CommitSeries> {
  const { work, seconds, pairs } = options;
  voice.progress(`${clients} clients, no standby`);
  const alone = await runLoad(cluster, { work, clients, seconds, waits: false });
  const rounds = await runRounds(contenders, pairs, async (contender, round) => {
    voice.progress(`${clients} clients, round ${round} of ${pairs}: ${contender.name}`);
    const manner = { name: standbyName, flush: 'continuous', place: options.directory } as const;
    await using receiver = await startReceiver({ contender, cluster, ...manner });
    await untilStreaming(receiver);
    const run = await measureRun(receiver, () => runLoad(cluster, { work, clients, seconds, waits: true }));
    await stopReceiver(receiver);
    return run;
  });
  return { clients, alone: summarize(alone), rounds };
}

async function measureRun({ contender, program }: ReceiverProcess, load: () => Promise<LoadResult>): Promise<CommitRun> {
  const before = readProcessUsage(program.pid);
  const failed = program.exited.then(({ code, signal, stderr }) => {
    throw new BenchFailure(`${contender.name} ended with ${code ?? signal} under load\n${stderr}`);
  });
  const result = await Promise.race([load(), failed]);
  const after = readProcessUsage(program.pid);
  const cpuSeconds = (after?.cpuSeconds ?? 0) - (before?.cpuSeconds ?? 0);
  return { ...summarize(result), cpuMicroseconds: (cpuSeconds / result.latenciesMs.length) * 1e6 };
}

function summarize({ tps, latenciesMs }: LoadResult): Omit<CommitRun, 'cpuMicroseconds'> {
  const [medianMs, p99Ms, maxMs] = [0.5, 0.99, 1].map((share) => percentile(latenciesMs, share)) as [number, number, number];
  return { tps, medianMs, p99Ms, maxMs };
}
