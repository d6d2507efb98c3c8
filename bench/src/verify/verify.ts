/**
 * `bench verify`: the same archive of real WAL, read whole by `pg_waldump --quiet` and by `walvault verify-wal` in turn. pg_waldump reads
 * pages and records and checks every CRC; verify-wal does that, takes the SHA-256 of each segment, counts, and compares both with its catalogue.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runAsServerUser, serverUser } from '@walvault/testkit';
import { defaultWalSegmentSize } from '@walvault/wal';
import { type ProgramKind, walvaultProgram } from '../built-program.ts';
import { majorOption, pairsOption, programOption } from '../common-options.ts';
import { type Launch, requireProgram } from '../contenders.ts';
import { BenchFailure } from '../failure.ts';
import { describeMachine, formatMachine } from '../machine.ts';
import { choiceOption, type OptionValues, wholeNumberOption } from '../options.ts';
import { receivingDirectory } from '../receiving-directory.ts';
import { runRounds } from '../rounds.ts';
import { scenario, type Voice } from '../scenario.ts';
import { timedCommand } from '../timed-command.ts';
import { makeWalStock, neededForStock, type WalStock } from '../wal-stock.ts';
import { formatVerifySeries, type VerifySeries } from './report.ts';

const options = {
  segments: wholeNumberOption({ help: 'segments of 16 MiB in the archive', fallback: 64, least: 2, most: 10_000 }),
  pairs: pairsOption(5),
  wal: choiceOption({
    help: 'pgbench: what pgbench -N writes; bulk: large random records; small: very many small ones',
    fallback: 'pgbench',
    choices: ['pgbench', 'bulk', 'small'],
  }),
  major: majorOption,
  program: programOption,
};

type VerifyOptions = OptionValues<typeof options>;

/** A program that reads the archive. */
interface Reader extends Launch {
  readonly name: string;
  readonly version: string;
}

export const verify = scenario({
  name: 'verify',
  summary: 'Reads the same WAL whole with pg_waldump and with walvault verify-wal, in turn, and compares.',
  options,
  measure: measureVerify,
});

/** Measures and reports; gives what it measured. */
export async function measureVerify(options: VerifyOptions, voice: Voice): Promise<VerifySeries> {
  await using home = await receivingDirectory('');
  await checkRoom(options, home.path);
  voice.progress(`making ${options.segments} segments of WAL (${options.wal}) on PostgreSQL ${options.major}`);
  await using stock = await makeWalStock(options);
  const archive = await fillArchive(home.path, stock);
  const readers = [await waldump(archive, stock), await walvault(home.path, options.program)];
  voice.report(await header(options, stock, readers));
  for (const reader of readers) {
    voice.progress(`warming up with ${reader.name}`);
    await timedCommand(reader);
  }
  const rounds = await runRounds(readers, options.pairs, (reader, round) => {
    voice.progress(`round ${round} of ${options.pairs}: ${reader.name}`);
    return timedCommand(reader);
  });
  const series = { bytes: stock.hashes.size * defaultWalSegmentSize, rounds };
  voice.report(`\n${formatVerifySeries(series)}`);
  return series;
}

async function checkRoom({ segments }: VerifyOptions, path: string): Promise<void> {
  const needed = neededForStock(segments) + segments * defaultWalSegmentSize;
  const { freeBytes } = await describeMachine(path);
  if (freeBytes >= needed) return;
  const [has, needs] = [freeBytes, needed].map((bytes) => (bytes / 1e9).toFixed(1));
  throw new BenchFailure(
    `${has} GB are free below "${path}" and ${needs} GB are needed: choose another disk with TMPDIR, or fewer --segments`,
  );
}

/** Uncompressed, since pg_waldump reads no other. Gives the directory with the segments. */
async function fillArchive(home: string, stock: WalStock): Promise<string> {
  const [first = ''] = stock.hashes.keys();
  const archive = join(home, 'bench', 'wals', first.slice(0, 16));
  await mkdir(archive, { recursive: true });
  for (const name of stock.hashes.keys()) {
    const directory = join(home, 'bench', 'wals', name.slice(0, 16));
    if (directory !== archive)
      throw new BenchFailure('pg_waldump reads one directory, and the segments are in two: give fewer --segments');
    await copyFile(join(stock.directory, name), join(directory, name));
  }
  return archive;
}

async function waldump(archive: string, { hashes }: WalStock): Promise<Reader> {
  const { path, env } = requireProgram('pg_waldump');
  const { stdout } = await runAsServerUser([path, '--version'], { env });
  const names = [...hashes.keys()];
  const argv = [path, '--quiet', '--path', archive, names[0] ?? '', names.at(-1) ?? ''];
  return { name: 'pg_waldump --quiet', version: /\d+(\.\d+)?/.exec(stdout)?.[0] ?? '', argv, env };
}

/** With a catalogue, as an archive of walvault has it: each content is compared with what was archived. */
async function walvault(home: string, program: ProgramKind): Promise<Reader> {
  const { manifest, main } = walvaultProgram(program);
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
  const file = join(home, 'walvault.conf');
  await writeFile(file, `[barman]\nbarman_home = ${home}\n\n[bench]\nconninfo = host=127.0.0.1\narchiver = on\n`);
  await mkdir(join(home, 'bench', 'incoming'), { recursive: true });
  giveToServerUser(home);
  const command = (...words: readonly string[]) => [process.execPath, main, '-c', file, ...words];
  const { code, stdout, stderr } = await runAsServerUser(command('rebuild-catalog', 'bench'), { timeoutMs: 3_600_000 });
  if (code !== 0) throw new BenchFailure(`rebuild-catalog ended with ${code}\n${stdout}${stderr}`);
  return {
    name: 'walvault verify-wal',
    version: `${version} (${program}) on Node.js ${process.versions.node}`,
    argv: command('verify-wal', 'bench'),
    env: {},
  };
}

/** Verdicts are kept beside the archive. */
function giveToServerUser(directory: string): void {
  const owner = serverUser();
  if (owner !== undefined) execFileSync('chown', ['-R', `${owner.uid}:${owner.gid}`, directory]);
}

async function header({ wal }: VerifyOptions, stock: WalStock, readers: readonly Reader[]): Promise<string> {
  return [
    formatMachine(await describeMachine(stock.directory)),
    `input        ${stock.hashes.size} segments of 16 MiB (${wal}) of PostgreSQL ${stock.serverVersion}, uncompressed, read once before`,
    ...readers.map(({ name, version }, index) => `${index === 0 ? 'peer' : 'ours'}         ${name}: ${version}`),
    'units        MB = 10^6 bytes; wall and CPU from the start of the process to its end; ratios are of runs of the same round',
  ].join('\n');
}
