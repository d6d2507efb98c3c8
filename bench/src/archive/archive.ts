/** `bench archive`: the same streaming directory, archived by Barman with gzip and by walvault in turn. */
import { temporaryDirectory } from '@walvault/testkit';
import { defaultWalSegmentSize } from '@walvault/wal';
import { majorOption, pairsOption, programOption } from '../common-options.ts';
import { BenchFailure } from '../failure.ts';
import { describeMachine, formatMachine } from '../machine.ts';
import { choiceOption, choicesOption, directoryOption, type OptionValues, textOption, wholeNumberOption } from '../options.ts';
import { runRounds } from '../rounds.ts';
import { scenario, type Voice } from '../scenario.ts';
import { makeWalStock, neededForStock, type WalStock } from '../wal-stock.ts';
import { archiveRun } from './archive-run.ts';
import { type Archiver, barmanArchiver, type Codec, decoders, walvaultArchiver } from './archivers.ts';
import { type ArchiveSeries, formatArchiveSeries } from './report.ts';

const options = {
  segments: wholeNumberOption({ help: 'segments of 16 MiB that are archived in one run', fallback: 64, least: 1, most: 10_000 }),
  pairs: pairsOption(3),
  wal: choiceOption({
    help: 'pgbench: what pgbench -N writes; bulk: large random records; small: very many small ones',
    fallback: 'pgbench',
    choices: ['pgbench', 'bulk', 'small'],
  }),
  codec: choicesOption({
    help: 'compressions of walvault, each measured against gzip of Barman',
    fallback: 'gzip,zstd',
    choices: Object.keys(decoders) as Codec[],
  }),
  level: textOption({
    help: 'compression_level of walvault: low, medium, high or a number;\nunless given, what walvault takes by itself',
    pattern: /^(low|medium|high|-?\d+)?$/,
    expected: 'low, medium, high or a whole number',
  }),
  directory: directoryOption({
    help: 'where the directories of the runs are made, to choose the disk;\nunless given, in the directory for temporary files (TMPDIR)',
  }),
  major: majorOption,
  program: programOption,
};

type ArchiveOptions = OptionValues<typeof options>;

export const archive = scenario({
  name: 'archive',
  summary: 'Archives the same segments with Barman and with walvault, in turn, and compares.',
  options,
  measure: measureArchive,
});

/** Measures and reports; gives what it measured. */
export async function measureArchive(options: ArchiveOptions, voice: Voice): Promise<ArchiveSeries> {
  await using place = await temporaryDirectory('bench');
  await checkRoom(options, place.path);
  const archivers = [
    await barmanArchiver('gzip'),
    ...options.codec.map((codec) => walvaultArchiver({ program: options.program, level: options.level, codec })),
  ];
  voice.progress(`making ${options.segments} segments of WAL (${options.wal}) on PostgreSQL ${options.major}`);
  await using stock = await makeWalStock(options);
  voice.report(await header({ options, stock, archivers, place: place.path }));
  for (const archiver of archivers) {
    voice.progress(`warming up with ${archiver.name}`);
    await archiveRun(archiver, stock, options.directory);
  }
  const rounds = await runRounds(archivers, options.pairs, (archiver, round) => {
    voice.progress(`round ${round} of ${options.pairs}: ${archiver.name}`);
    return archiveRun(archiver, stock, options.directory);
  });
  const series = { bytes: stock.hashes.size * defaultWalSegmentSize, codecs: options.codec, rounds };
  voice.report(`\n${formatArchiveSeries(series)}`);
  voice.report(`\nAll segments in all archives decode to those of the server, byte for byte (SHA-256).`);
  return series;
}

/** A run has its segments twice, before and after. */
async function checkRoom({ segments, directory }: ArchiveOptions, base: string): Promise<void> {
  const run = 2 * (segments + 2) * defaultWalSegmentSize;
  const stock = neededForStock(segments);
  const rooms =
    directory === ''
      ? [{ path: base, needed: stock + run }]
      : [
          { path: base, needed: stock },
          { path: directory, needed: run },
        ];
  for (const { path, needed } of rooms) {
    const { freeBytes } = await describeMachine(path);
    if (freeBytes >= needed) continue;
    const [has, needs] = [freeBytes, needed].map((bytes) => (bytes / 1e9).toFixed(1));
    throw new BenchFailure(
      `${has} GB are free below "${path}" and ${needs} GB are needed: choose another disk with TMPDIR or --directory, or fewer --segments`,
    );
  }
}

interface Contest {
  readonly options: ArchiveOptions;
  readonly stock: WalStock;
  readonly archivers: readonly Archiver[];
  readonly place: string;
}

async function header({ options, stock, archivers, place }: Contest): Promise<string> {
  const level = options.level === '' ? '' : `, compression_level = ${options.level}`;
  return [
    formatMachine(await describeMachine(options.directory === '' ? place : options.directory)),
    `input        ${stock.hashes.size} segments of 16 MiB (${options.wal}) of PostgreSQL ${stock.serverVersion}`,
    ...archivers.map(
      ({ name, version }, index) => `${index === 0 ? 'peer' : 'ours'}         ${name}: ${version}${index === 0 ? '' : level}`,
    ),
    'units        MB = 10^6 bytes; wall and CPU of archive-wal from its start to its end, with all processes that it starts;',
    '             ratios are of runs of the same round',
  ].join('\n');
}
