/** `bench boundary`: how long a commit waits that ends where a segment ends, with a receiver as the only synchronous standby. */
import type { Cluster } from '@walvault/testkit';
import { majorOption, programOption, receivingOption } from '../common-options.ts';
import { standbyName, startCommitServer } from '../commit-server.ts';
import { type Contender, pgReceivewal, walvault } from '../contenders.ts';
import { DiskProbe } from '../disk-probe.ts';
import { describeMachine, formatMachine } from '../machine.ts';
import { choicesOption, type OptionValues, wholeNumberOption } from '../options.ts';
import { receivingDirectory } from '../receiving-directory.ts';
import { type ReceiverProcess, startReceiver, stopReceiver, untilStreaming } from '../receiver-process.ts';
import { scenario, type Voice } from '../scenario.ts';
import { removeSegments } from '../segment-remover.ts';
import { Committer, type TimedCommit } from './committer.ts';
import { type BoundaryRun, formatBoundaryRun } from './report.ts';

const options = {
  boundaries: wholeNumberOption({
    help: 'how many ends of segments walvault is measured at',
    fallback: 300,
    least: 2,
    most: 100_000,
  }),
  peer: wholeNumberOption({
    help: 'how many pg_receivewal is measured at; it may wait 10 s at every second one;\n0 for not at all',
    fallback: 6,
    least: 0,
    most: 100_000,
  }),
  'segment-mb': choicesOption({
    help: 'sizes of segments in MiB',
    fallback: '1,16',
    choices: ['1', '2', '4', '8', '16', '32', '64'],
  }),
  directory: receivingOption,
  major: majorOption,
  program: programOption,
};

type BoundaryOptions = OptionValues<typeof options>;

const probesEach = 5;

export const boundary = scenario({
  name: 'boundary',
  summary:
    'Latency of commits at the ends of segments, with the receiver as the only synchronous standby, beside that of the disk.',
  options,
  measure: measureBoundary,
});

/** Measures and reports; gives what it measured. */
export async function measureBoundary(options: BoundaryOptions, voice: Voice): Promise<readonly BoundaryRun[]> {
  const ours = walvault({ program: options.program });
  const peer = options.peer === 0 ? undefined : await pgReceivewal(options.major);
  await using place = await receivingDirectory(options.directory);
  voice.report(
    [
      formatMachine(await describeMachine(place.path)),
      ...[peer, ours].flatMap((one) => (one === undefined ? [] : [`receiver     ${one.name} ${one.version}`])),
      'units        ms; a flush of the disk is 8 kB written and an fdatasync, between the ends of the segments',
    ].join('\n'),
  );
  const all: BoundaryRun[] = [];
  for (const size of options['segment-mb']) {
    await using cluster = await startCommitServer({
      major: options.major,
      segmentSizeMb: Number(size),
      settings: { max_wal_size: '2GB' },
    });
    const runs = [
      ...(peer === undefined ? [] : [{ contender: peer, count: options.peer }]),
      { contender: ours, count: options.boundaries },
    ];
    for (const { contender, count } of runs) {
      voice.progress(`segments of ${size} MiB: ${contender.name} at ${count} ends`);
      const run = await measureContender(contender, cluster, { count, place: options.directory });
      voice.report(`\n${formatBoundaryRun(run)}`);
      all.push(run);
    }
  }
  return all;
}

interface Extent {
  readonly count: number;
  readonly place: string;
}

async function measureContender(contender: Contender, cluster: Cluster, { count, place }: Extent): Promise<BoundaryRun> {
  await using probed = await receivingDirectory(place);
  using probe = new DiskProbe(probed.path);
  await using receiver = await startReceiver({ contender, cluster, name: standbyName, flush: 'continuous', place });
  await untilStreaming(receiver);
  using remover = removeSegments(receiver.directory);
  const run = await measureBoundaries(receiver, probe, count);
  await stopReceiver(receiver);
  return { name: contender.name, segmentSizeMb: cluster.segmentSizeMb, segments: remover.completed, ...run };
}

async function measureBoundaries(
  { cluster }: ReceiverProcess,
  probe: DiskProbe,
  count: number,
): Promise<Pick<BoundaryRun, 'commits' | 'flushesMs'>> {
  await using committer = await Committer.connect(cluster);
  const commits: TimedCommit[] = [];
  const flushesMs: number[] = [];
  for (let index = 0; index < count; index += 1) {
    commits.push(...(await committer.crossBoundary(index % 2 === 0 ? 'at the end' : 'across')));
    for (let probes = 0; probes < probesEach; probes += 1) flushesMs.push(probe.flush());
  }
  return { commits, flushesMs };
}
