/** The programs that archive, each as its user would start it, on a server's directory that is ready to be archived. */
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Barman } from '@walvault/testkit';
import { type ProgramKind, walvaultProgram } from '../built-program.ts';
import type { Launch } from '../contenders.ts';
import { BenchFailure } from '../failure.ts';

/** What a compressed segment is decoded by, to see that it is right: a program that has nothing to do with any of the two. */
export const decoders = {
  none: ['cat'],
  gzip: ['gzip', '-dc'],
  zstd: ['zstd', '-dc', '-q'],
  lz4: ['lz4', '-dc', '-q'],
  bzip2: ['bzip2', '-dc'],
  xz: ['xz', '-dc'],
} as const;

/** Name of a compression that can be measured. */
export type Codec = keyof typeof decoders;

/** A section of the server `bench` in a configuration file that both programs read. */
export type Section = Readonly<Record<string, string>>;

/** One of them. */
export interface Archiver {
  readonly name: string;
  /** Version, for the report. */
  readonly version: string;
  readonly codec: Codec;
  /** A command line with a configuration whose main directory is `home`; disposing removes what it made beside it. */
  prepare(home: string, command: readonly string[]): Promise<Launch & AsyncDisposable>;
}

/** Nobody is asked: a server that cannot be reached. */
export const unreachable = 'host=127.0.0.1 port=1 user=bench dbname=postgres';
const section: Section = { conninfo: unreachable, streaming_conninfo: unreachable, streaming_archiver: 'on', slot_name: 'bench' };

/**
 * Barman with a compression of its own, and what else its section shall have.
 * @throws {BenchFailure} when it is not there
 */
export async function barmanArchiver(codec: Codec, server: Section = {}): Promise<Archiver> {
  const compression: Section = codec === 'none' ? {} : { compression: codec };
  const create = (home?: string) => Barman.create({ bench: { ...section, ...compression, ...server } }, { home });
  const version = await versionOf(create);
  return {
    name: `barman ${codec}`,
    version,
    codec,
    prepare: async (home, command) => {
      const barman = await create(home);
      return { argv: barman.argv(...command), env: {}, [Symbol.asyncDispose]: () => barman[Symbol.asyncDispose]() };
    },
  };
}

async function versionOf(create: () => Promise<Barman>): Promise<string> {
  try {
    await using barman = await create();
    return /^[\d.]+/.exec(await barman.succeed('--version'))?.[0] ?? 'unknown';
  } catch (error) {
    throw new BenchFailure(error instanceof Error ? error.message : String(error));
  }
}

/** How walvault is measured. */
export interface WalvaultArchiverOptions {
  readonly program: ProgramKind;
  readonly codec: Codec;
  /** `compression_level`; that of walvault when empty. */
  readonly level: string;
  /** What else its section shall have. */
  readonly server?: Section | undefined;
}

/**
 * walvault with a configuration that sets nothing but what it must and the compression: all checks are on.
 * @throws {BenchFailure} when it cannot be built
 */
export function walvaultArchiver({ program, codec, level, server = {} }: WalvaultArchiverOptions): Archiver {
  const { manifest, main } = walvaultProgram(program);
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
  const options = { ...section, compression: codec, ...(level === '' ? {} : { compression_level: level }), ...server };
  return {
    name: `walvault ${codec}`,
    version: `${version} (${program}) on Node.js ${process.versions.node}`,
    codec,
    prepare: async (home, command) => {
      const file = join(home, 'walvault.conf');
      await writeFile(file, configurationText({ barman: { barman_home: home }, bench: options }));
      const argv = [process.execPath, main, '-c', file, ...command];
      return { argv, env: {}, [Symbol.asyncDispose]: async () => undefined };
    },
  };
}

function configurationText(sections: Readonly<Record<string, Section>>): string {
  const lines = (options: Section) => Object.entries(options).map(([name, value]) => `${name} = ${value}\n`);
  return Object.entries(sections)
    .map(([name, options]) => `[${name}]\n${lines(options).join('')}`)
    .join('\n');
}
