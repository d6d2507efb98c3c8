/** `bench receive`: the same backlog, received by pg_receivewal and by walvault in turn, with the same durability. */
import { temporaryDirectory } from '@walvault/testkit';
import { type FlushPolicy, majorOption, pairsOption, programOption, receivingOption } from '../common-options.ts';
import { type Contender, pgReceivewal, walvault } from '../contenders.ts';
import { BenchFailure } from '../failure.ts';
import { describeMachine, formatMachine, type Machine } from '../machine.ts';
import { choiceOption, choicesOption, numberOption, type OptionValues } from '../options.ts';
import { runRounds } from '../rounds.ts';
import { scenario, type Voice } from '../scenario.ts';
import { type Backlog, makeBacklog, neededBytes } from './backlog.ts';
import { formatSeries, type Series } from './report.ts';
import { timedRun } from './timed-run.ts';
import { walKinds } from './wal-kinds.ts';

const options = {
  gigabytes: numberOption({ help: 'volume of the backlog in GB', fallback: 2, least: 0.001, most: 1000 }),
  pairs: pairsOption(3),
  wal: choiceOption({
    help: 'bulk: large records, as of a bulk load; small: very many small ones, as of pgbench',
    fallback: 'bulk',
    choices: ['bulk', 'small'],
  }),
  flush: choicesOption({
    help: 'segment: flush at the end of each segment (pg_receivewal as it comes);\ncontinuous: flush all the time (pg_receivewal --synchronous)',
    fallback: 'segment,continuous',
    choices: ['segment', 'continuous'],
  }),
  checks: choiceOption({
    help: 'verify_stream of walvault; both: a third run each time, to see what checking costs',
    fallback: 'on',
    choices: ['on', 'off', 'both'],
  }),
  directory: receivingOption,
  major: majorOption,
  program: programOption,
};

type ReceiveOptions = OptionValues<typeof options>;

interface Contest {
  readonly options: ReceiveOptions;
  readonly backlog: Backlog;
  /** The first is the one that the others are compared with. */
  readonly contenders: readonly Contender[];
  readonly machine: Machine;
  readonly voice: Voice;
}

export const receive = scenario({
  name: 'receive',
  summary: 'Streams the same backlog of WAL with pg_receivewal and with walvault, in turn, and compares.',
  options,
  measure: measureReceive,
});

/** Measures and reports; gives what it measured. */
export async function measureReceive(options: ReceiveOptions, voice: Voice): Promise<readonly Series[]> {
  await using place = await temporaryDirectory('bench');
  const machine = await describeMachine(options.directory === '' ? place.path : options.directory);
  await checkRoom(options, machine, place.path);
  const contenders = await contendersOf(options);
  voice.progress(`making ${options.gigabytes} GB of WAL on PostgreSQL ${options.major}`);
  await using backlog = await makeBacklog({ ...options, bytes: options.gigabytes * 1e9 });
  const contest = { options, backlog, contenders, machine, voice };
  voice.report(header(contest));
  await warmUp(contest);
  const all: Series[] = [];
  for (const flush of options.flush) {
    const series = await measureSeries(contest, flush);
    voice.report(`\n${formatSeries(series)}`);
    all.push(series);
  }
  voice.report(`\nAll ${backlog.hashes.size} segments of all runs are byte for byte those of the server (SHA-256).`);
  return all;
}

async function contendersOf({ major, program, checks }: ReceiveOptions): Promise<readonly Contender[]> {
  const wanted = checks === 'both' ? [true, false] : [checks === 'on'];
  return [await pgReceivewal(major), ...wanted.map((isOn) => walvault({ program, checks: isOn }))];
}

/** The server keeps its WAL below the directory for temporary files, a run its own where it receives to. */
async function checkRoom({ gigabytes, directory }: ReceiveOptions, target: Machine, base: string): Promise<void> {
  const needed = neededBytes(gigabytes * 1e9);
  const rooms =
    directory === ''
      ? [{ path: base, free: target.freeBytes, needed: needed.server + needed.received }]
      : [
          { path: base, free: (await describeMachine(base)).freeBytes, needed: needed.server },
          { path: directory, free: target.freeBytes, needed: needed.received },
        ];
  for (const { path, free, needed } of rooms) {
    if (free >= needed) continue;
    const [has, needs] = [free, needed].map((bytes) => (bytes / 1e9).toFixed(1));
    throw new BenchFailure(
      `${has} GB are free below "${path}" and ${needs} GB are needed: choose another disk with TMPDIR or --directory, or fewer --gigabytes`,
    );
  }
}

function header({ options, backlog, contenders, machine }: Contest): string {
  const { cluster, bytes, hashes, recordSize } = backlog;
  const records = recordSize === undefined ? '' : `; ${recordSize.bytesPerRecord.toFixed(0)} bytes a record (pg_waldump --stats)`;
  return [
    formatMachine(machine),
    `server       PostgreSQL ${cluster.version} on this machine, over TCP`,
    `backlog      ${(bytes / 1e6).toFixed(0)} MB in ${hashes.size} segments, from a slot, up to the end of ${backlog.lastSegment}`,
    `records      ${walKinds[options.wal].description}${records}`,
    ...contenders.map(({ name, version }, index) => `${index === 0 ? 'peer' : 'ours'}         ${name} ${version}`),
    'units        MB = 10^6 bytes; wall from the start of the process until the last segment has its final name,',
    '             start the part of it up to the first file; ratios are of runs of the same round',
  ].join('\n');
}

/** The first read of the WAL may come from the disk and the first start of a program too: nobody should have to pay for it. */
async function warmUp({ options, backlog, contenders, voice }: Contest): Promise<void> {
  for (const contender of contenders) {
    voice.progress(`warming up with ${contender.name}`);
    await timedRun(contender, backlog, { flush: options.flush[0] ?? 'segment', place: options.directory });
  }
}

async function measureSeries({ options, backlog, contenders, machine, voice }: Contest, flush: FlushPolicy): Promise<Series> {
  const rounds = await runRounds(contenders, options.pairs, (contender, round) => {
    voice.progress(`flush ${flush}, round ${round} of ${options.pairs}: ${contender.name}`);
    return timedRun(contender, backlog, { flush, place: options.directory });
  });
  const sides = { on: ['checked'], off: ['unchecked'], both: ['checked', 'unchecked'] } as const;
  return { flush, bytes: backlog.bytes, isOnDisk: !machine.fileSystem.startsWith('tmpfs'), ours: sides[options.checks], rounds };
}
