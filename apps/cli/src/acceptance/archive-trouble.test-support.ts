/** Segments of a real server that wait to be archived by a vault whose server is gone; disks that are full, or others. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { chown, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { fillSegments, serverUser, startCluster, type TemporaryDirectory, temporaryDirectory } from '@walvault/testkit';
import { expect } from 'vitest';
import { type Section, Vault } from './vault.test-support.ts';

/** Complete segments of 1 MiB. */
export interface Stock extends TemporaryDirectory {
  readonly names: readonly string[];
}

/** Lets a server write at least so many segments. */
export async function makeStock(count: number): Promise<Stock> {
  await using stack = new AsyncDisposableStack();
  const directory = stack.use(await temporaryDirectory('stock'));
  await using pg = await startCluster({ segmentSizeMb: 1 });
  const names = await fillSegments(pg, count);
  for (const name of names) await copyFile(join(pg.walDirectory, name), join(directory.path, name));
  stack.move();
  return { path: directory.path, names, [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose]() };
}

const section = {
  conninfo: 'host=127.0.0.1 port=1 dbname=postgres',
  streaming_archiver: 'on',
  archiver: 'on',
  slot_name: 'barman',
};

/** A vault with all segments of a stock in its streaming directory, as a receiver leaves them that has begun the next one. */
export class WaitingVault implements AsyncDisposable {
  readonly vault: Vault;
  readonly stock: Stock;
  readonly streaming: string;
  readonly incoming: string;
  readonly wals: string;
  readonly errors: string;

  private constructor(vault: Vault, stock: Stock, options: Section) {
    this.vault = vault;
    this.stock = stock;
    const base = options['backup_directory'] ?? vault.path();
    this.streaming = options['streaming_wals_directory'] ?? join(base, 'streaming');
    this.incoming = join(base, 'incoming');
    this.wals = options['wals_directory'] ?? join(base, 'wals');
    this.errors = options['errors_directory'] ?? join(base, 'errors');
  }

  /** @param options further options of the section, such as other directories */
  static async create(stock: Stock, options: Section = {}): Promise<WaitingVault> {
    const vault = await Vault.create({ pg: { ...section, ...options } });
    const waiting = new WaitingVault(vault, stock, options);
    const base = dirname(waiting.incoming);
    for (const path of [base, waiting.streaming, waiting.incoming, waiting.wals, waiting.errors]) await makeFor(path);
    for (const name of [...stock.names, waiting.partial]) await waiting.put(name, waiting.streaming);
    return waiting;
  }

  /** Name of the partial segment behind all others. What it holds is nobody's business while it is the live one. */
  get partial(): string {
    return `${this.stock.names.at(-1)!.slice(0, 16)}00000FFF.partial`;
  }

  /** Puts a segment into a directory: its own content, or that of the first one for a name that is not in the stock. */
  async put(name: string, directory: string): Promise<string> {
    const source = this.stock.names.includes(name) ? name : this.stock.names[0]!;
    await copyFile(join(this.stock.path, source), join(directory, name));
    await giveTo(join(directory, name));
    return join(directory, name);
  }

  /** Puts any file into a directory. */
  async plant(path: string, content: string | Uint8Array): Promise<void> {
    await writeFile(path, content);
    await giveTo(path);
  }

  /** Path of each segment in the archive by its name, without what is on its way. */
  archived(): ReadonlyMap<string, string> {
    const paths = readdirSync(this.wals, { recursive: true, encoding: 'utf8' }).toSorted();
    const segments = paths.filter((path) => /\/[0-9A-F]{24}$/.test(path));
    return new Map(segments.map((path) => [basename(path), join(this.wals, path)]));
  }

  /** Names of the segments that xlog.db lists, in its order. */
  async noted(): Promise<readonly string[]> {
    const text = await readFile(join(this.wals, 'xlog.db'), 'utf8').catch(() => '');
    return text.match(/^[0-9A-F]{24}(?=\t)/gm) ?? [];
  }

  /** All segments are in the archive, once, and of the streaming directory only the partial one is left. */
  async expectAllArchived(): Promise<void> {
    expect([...this.archived().keys()]).toEqual(this.stock.names);
    expect((await this.noted()).toSorted()).toEqual(this.stock.names);
    expect(readdirSync(this.streaming)).toEqual([this.partial]);
    await this.expectNothingLost();
  }

  /** Each segment is where it was, or in the archive, or both, with each byte that the server wrote. Nothing else is in the archive. */
  async expectNothingLost(): Promise<void> {
    const [archived, waiting] = [this.archived(), readdirSync(this.streaming)];
    expect(waiting).toContain(this.partial);
    expect([...new Set([...archived.keys(), ...waiting])].toSorted()).toEqual([...this.stock.names, this.partial]);
    for (const [name, path] of [...archived, ...waiting.map((other) => [other, join(this.streaming, other)] as const)]) {
      const written = await readFile(join(this.stock.path, name === this.partial ? this.stock.names[0]! : name));
      expect(decompressed(await readFile(path)).equals(written), path).toBe(true);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.vault[Symbol.asyncDispose]();
  }
}

function decompressed(stored: Buffer): Buffer {
  const magic = stored.subarray(0, 2).toString('hex');
  if (magic === '1f8b') return gunzipSync(stored);
  return magic === '28b5' ? zstdDecompressSync(stored) : stored;
}

/** A directory for a vault where files cannot be written after a while. */
export interface FullDisk extends TemporaryDirectory {
  /** What to put before a command line. */
  readonly before: readonly string[];
  /** Makes room. */
  readonly relieve: () => Promise<void>;
}

/**
 * A full disk: where we may mount one, a file system in memory with room for so many MiB; elsewhere another file system than that of
 * the streaming directory, so that nothing can be linked, to which the program may write no file of more than half a MiB.
 */
export async function fullDisk(megabytes: number): Promise<FullDisk> {
  const directory = await temporaryDirectory('full');
  const owner = serverUser();
  const options = `size=${megabytes + fillerMegabytes}m,mode=0755${owner === undefined ? '' : `,uid=${owner.uid},gid=${owner.gid}`}`;
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'walvault-test', directory.path]).status !== 0) {
    await directory[Symbol.asyncDispose]();
    const before = ['sh', '-c', `trap '' XFSZ; ulimit -f 1024; exec "$@"`, 'sh'];
    return { ...(await otherFileSystem()), before, relieve: async () => undefined };
  }
  const filler = join(directory.path, 'filler');
  await writeFile(filler, Buffer.alloc(fillerMegabytes * 1024 * 1024));
  return {
    path: directory.path,
    before: [],
    relieve: async () => rm(filler),
    [Symbol.asyncDispose]: async () => {
      spawnSync('umount', ['--lazy', directory.path]);
      await directory[Symbol.asyncDispose]();
    },
  };
}

const fillerMegabytes = 16;

/** A directory on another file system than the one for temporary files, unless that is in memory, too. */
export async function otherFileSystem(): Promise<TemporaryDirectory> {
  const path = await mkdtemp('/dev/shm/walvault-test-');
  await giveTo(path);
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

async function makeFor(path: string): Promise<void> {
  await mkdir(path, { recursive: true });
  await giveTo(path);
}

async function giveTo(path: string): Promise<void> {
  const owner = serverUser();
  if (owner !== undefined) await chown(path, owner.uid, owner.gid);
}
