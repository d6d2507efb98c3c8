/** What the tests of this package share: a server's directories, and WAL files with right headers made on the spot. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import {
  formatHistoryFile,
  type Lsn,
  lsnDistance,
  parseLsn,
  parseWalFileName,
  startLsnOfName,
  toTimelineId,
  toWalSegmentSize,
  type WalSegmentSize,
} from '@walvault/wal';
import { type BuiltWal, buildWal, type WalItem } from '@walvault/wal/testing';
import { findProgram } from '@walvault/testkit';
import { archiveWal, type ArchiveReport, type ArchiveWalOptions, type FileResult, type WalReadOptions } from './src/index.ts';

export const segmentSize: WalSegmentSize = toWalSegmentSize(1024 * 1024);
export const systemIdentifier = 7_711_030_578_120_921_605n;

/** What a pass did, and what became of each file, in order. */
export interface TestReport extends ArchiveReport {
  readonly files: readonly FileResult[];
}

/** The directories of a throw-away server in Barman's layout, gone when disposed of. */
export class TestServer implements AsyncDisposable {
  readonly name = 'pg';
  readonly home: string;
  readonly streaming: string;
  readonly incoming: string;
  readonly wals: string;
  readonly errors: string;

  private constructor(home: string) {
    this.home = home;
    const base = join(home, this.name);
    this.streaming = join(base, 'streaming');
    this.incoming = join(base, 'incoming');
    this.wals = join(base, 'wals');
    this.errors = join(base, 'errors');
  }

  static async create(): Promise<TestServer> {
    const server = new TestServer(await mkdtemp(join(tmpdir(), 'walvault-archiver-')));
    for (const path of [server.streaming, server.incoming, server.wals, server.errors]) await mkdir(path, { recursive: true });
    return server;
  }

  get options(): ArchiveWalOptions {
    const { streaming, wals, errors } = this;
    return { serverName: this.name, directories: { streaming, wals, errors }, lockDirectory: this.home, systemIdentifier };
  }

  get reading(): WalReadOptions {
    const { streaming, incoming, wals } = this;
    return { directories: { streaming, incoming, wals }, systemIdentifier };
  }

  async archive(options: Partial<ArchiveWalOptions> = {}): Promise<TestReport> {
    const files: FileResult[] = [];
    const onFile = async (result: FileResult): Promise<void> => {
      files.push(result);
      await options.onFile?.(result);
    };
    return { ...(await archiveWal({ ...this.options, ...options, onFile })), files };
  }

  /** Puts files into the streaming directory, by name: segments, partials and history files get content to suit. */
  async stream(...names: readonly string[]): Promise<void> {
    for (const name of names) await writeFile(join(this.streaming, name), walFile(name));
  }

  /** Puts files straight into the archive, without a line in xlog.db. */
  async put(...names: readonly string[]): Promise<void> {
    for (const name of names) await this.write(this.archived(name), walFile(name));
  }

  async write(path: string, content: Buffer | string): Promise<void> {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
  }

  archived(name: string): string {
    return name.endsWith('.history') ? join(this.wals, name) : join(this.wals, name.slice(0, 16), name);
  }

  get xlogDb(): string {
    return join(this.wals, 'xlog.db');
  }

  /** The lines of xlog.db as columns. */
  noted(): string[][] {
    return readFileSync(this.xlogDb, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => line.split('\t'));
  }

  notedNames(): string[] {
    return this.noted().map(([name]) => name ?? '');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.home, { recursive: true, force: true });
  }
}

/** What a pass in a process of its own printed and how it ended. */
export interface ChildPass {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
}

/** How a pass runs in a process of its own. */
export interface ChildOptions {
  /** What the shell does before it becomes the pass, such as `ulimit -f 8`. */
  readonly shell?: string;
  readonly killAfterMs?: number;
  /** A module that the process loads before everything else. */
  readonly imported?: string;
  /** Where it has its catalogue; it has none unless given. */
  readonly catalogPath?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Runs a pass in a process of its own, which can be killed or limited as the kernel does it.
 */
export async function archiveInChild(
  options: ArchiveWalOptions,
  { shell = ':', killAfterMs, imported, catalogPath, env }: ChildOptions = {},
): Promise<ChildPass> {
  const program = `
    import { archiveWal, Catalog } from ${JSON.stringify(join(import.meta.dirname, 'src/index.ts'))};
    const path = ${JSON.stringify(catalogPath) ?? 'undefined'};
    const catalog = path && Catalog.open(path);
    const options = JSON.parse(process.argv[1]);
    console.log('ready');
    try {
      const names = [];
      const onFile = ({ name }) => names.push(name);
      await archiveWal({ ...options, catalog, onFile, systemIdentifier: BigInt(options.systemIdentifier) });
      console.log(JSON.stringify(names));
    } catch (error) {
      console.log(error.code + ' ' + error.message);
      process.exitCode = 1;
    }`;
  const json = JSON.stringify({ ...options, systemIdentifier: String(systemIdentifier) });
  const hooks = imported === undefined ? [] : [`--import=${imported}`];
  const node = [
    process.execPath,
    '--conditions=@walvault/source',
    ...hooks,
    '--input-type=module',
    '--eval',
    program,
    '--',
    json,
  ];
  const child = spawn('/bin/sh', ['-c', `${shell}; exec "$@"`, 'sh', ...node], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    if (output === '' && killAfterMs !== undefined) setTimeout(() => child.kill('SIGKILL'), killAfterMs);
    output += text;
  });
  const [exitCode, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { exitCode, signal, output };
}

/** All files below a directory, as paths relative to it, sorted. */
export function filesBelow(directory: string): string[] {
  return (readdirSync(directory, { recursive: true }) as string[])
    .filter((path) => lstatSync(join(directory, path)).isFile())
    .toSorted();
}

export interface SegmentChoices {
  readonly size?: number;
  readonly systemIdentifier?: bigint;
  /** What makes two segments of one name differ. */
  readonly seed?: string;
  readonly pageTimelineId?: number;
  /** What the first record says of where the one before it begins; in the segment before unless given. */
  readonly previousLsn?: Lsn;
}

/** Content to suit a name. */
export function walFile(name: string, choices: SegmentChoices = {}): Buffer {
  const file = parseWalFileName(name);
  if (file.kind === 'history') return Buffer.from(history([file.timelineId - 1, '0/5000000']));
  if (file.kind === 'backup') return Buffer.from(`START WAL LOCATION: 0/2000028 (file ${name.slice(0, 24)})\nLABEL: test\n`);
  return segment(name, choices);
}

/** The text of a history file: each ancestor with its switchpoint. */
export function history(...ancestors: readonly (readonly [timelineId: number, switchLsn: string])[]): string {
  return formatHistoryFile(
    ancestors.map(([timelineId, lsn]) => ({
      timelineId: toTimelineId(timelineId),
      switchLsn: parseLsn(lsn),
      reason: 'no recovery target specified',
    })),
  );
}

/**
 * A segment of right records that goes on from the one before it: all of a size have the same layout, so that each knows where the
 * last record of its predecessor begins. It ends with a switch, behind which it is empty.
 */
function segment(name: string, choices: SegmentChoices): Buffer {
  const walSegmentSize = toWalSegmentSize(choices.size ?? segmentSize);
  const file = parseWalFileName(name);
  if (file.kind === 'history' || file.kind === 'backup') throw new Error(`"${name}" is no segment`);
  const startLsn = startLsnOfName(file, walSegmentSize);
  const seed = `${name.slice(0, 24)} ${choices.seed ?? ''}`;
  const options = { timelineId: toTimelineId(choices.pageTimelineId ?? file.timelineId), walSegmentSize, startLsn };
  const id = choices.systemIdentifier ?? systemIdentifier;
  const build = (previousLsn: Lsn | undefined): BuiltWal =>
    buildWal({ ...options, systemIdentifier: id, items: segmentItems(seed), previousLsn });
  const lastRecord = lastRecordOffsets.get(walSegmentSize) ?? lsnDistance(startLsn, build(undefined).records.at(-1)!.startLsn);
  lastRecordOffsets.set(walSegmentSize, lastRecord);
  return build(choices.previousLsn ?? ((startLsn - BigInt(walSegmentSize) + BigInt(lastRecord)) as Lsn)).bytes;
}

const lastRecordOffsets = new Map<number, number>();

/** Records of 200 bytes of data as XLogRecordAssemble lays it out (XLR_BLOCK_ID_DATA_SHORT), and a switch. */
function* segmentItems(seed: string): Generator<WalItem> {
  for (let number = 0; number < 250; number += 1) {
    const data = ['a', 'b', 'c', 'd'].map((part) => createHash('sha512').update(`${seed} ${number} ${part}`).digest());
    yield { body: Buffer.concat([Buffer.of(255, 200), ...data]).subarray(0, 202) };
  }
  yield { kind: 'switch' };
}

/** The name of a segment with 1 MiB segments: `segmentName(1, 5)` is 000000010000000000000005. */
export function segmentName(timelineId: number, number: number): string {
  return hex8(timelineId) + hex8(Math.floor(number / 4096)) + hex8(number % 4096);
}

function hex8(value: number): string {
  return value.toString(16).toUpperCase().padStart(8, '0');
}

/** Lets the code under test find the compressors that are programs, wherever they are on this machine. */
export function useCompressors(): void {
  for (const program of ['bzip2', 'xz', 'pigz', 'lz4', 'zstd']) {
    const { path, env } = findProgram(program);
    Object.assign(process.env, env, { PATH: `${dirname(path)}:${process.env['PATH']}` });
  }
}
