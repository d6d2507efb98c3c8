/** A real archive of several hundred small segments over two timelines, and faults to plant in it. */
import { readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import {
  bulkLoad,
  type Cluster,
  createStandby,
  findProgram,
  runAsServerUser,
  startCluster,
  startWorkload,
  type TemporaryDirectory,
  temporaryDirectory,
} from '@walvault/testkit';
import { toWalSegmentSize } from '@walvault/wal';
import { TestServer } from '../../testing.ts';
import { Catalog, rebuildCatalog, verifyWal, type VerifyReport, type VerifyWalOptions } from '../index.ts';

export const mebibyte = 1024 * 1024;

export class RealArchive implements AsyncDisposable {
  readonly server: TestServer;
  readonly systemIdentifier: bigint;
  /** Names of the segments, in order, and what they hold. */
  readonly segments: readonly string[];
  readonly #contents: ReadonlyMap<string, Buffer>;
  readonly #oracle: TemporaryDirectory;

  private constructor(parts: {
    server: TestServer;
    systemIdentifier: bigint;
    contents: ReadonlyMap<string, Buffer>;
    oracle: TemporaryDirectory;
  }) {
    this.server = parts.server;
    this.systemIdentifier = parts.systemIdentifier;
    this.segments = [...parts.contents.keys()];
    this.#contents = parts.contents;
    this.#oracle = parts.oracle;
  }

  /** Some segments plain, some as gzip, some as zstd, as it comes when a setting is changed. */
  static async create(): Promise<RealArchive> {
    const server = await TestServer.create();
    const oracle = await temporaryDirectory('waldump');
    const contents = new Map<string, Buffer>();
    const { systemIdentifier, history } = await twoTimelines(contents);
    await server.write(server.archived('00000002.history'), history);
    for (const [index, [name, content]] of [...contents].entries()) {
      const stored = [content, content, gzipSync(content, { level: 1 }), zstdCompressSync(content)][index % 4]!;
      await server.write(server.archived(name), stored);
      // pg_waldump takes segments of one timeline from a directory; that of a page may be an earlier one.
      const link = join(oracle.path, `00000002${name.slice(8)}`);
      writeFileSync(`${link}.content`, content, { mode: 0o644 });
      symlinkSync(`${link}.content`, link);
    }
    return new RealArchive({ server, systemIdentifier, contents, oracle });
  }

  content(name: string): Buffer {
    return Buffer.from(this.#contents.get(name)!);
  }

  get options(): VerifyWalOptions {
    const { streaming, wals } = this.server;
    const reading = { directories: { streaming, wals }, systemIdentifier: this.systemIdentifier };
    return { reading, statePath: join(this.server.home, 'verify-wal.json'), signal: new AbortController().signal };
  }

  verify(options: Partial<VerifyWalOptions> = {}): Promise<VerifyReport> {
    return verifyWal({ ...this.options, ...options });
  }

  /** A catalogue of all that is right. */
  async openCatalog(): Promise<Catalog> {
    const path = join(this.server.home, 'walvault.sqlite');
    const { reading, signal } = this.options;
    await rebuildCatalog({ reading, path, signal });
    return Catalog.open(path);
  }

  /** Runs with files of the archive replaced by others, or gone (undefined), and puts them back. */
  async with<T>(files: Readonly<Record<string, Buffer | undefined>>, run: () => Promise<T>): Promise<T> {
    const kept = new Map(Object.keys(files).map((name) => [name, readFileSync(this.server.archived(name))]));
    try {
      for (const [name, content] of Object.entries(files)) {
        if (content === undefined) rmSync(this.server.archived(name));
        else writeFileSync(this.server.archived(name), content);
      }
      return await run();
    } finally {
      for (const [name, content] of kept) writeFileSync(this.server.archived(name), content);
    }
  }

  /** What pg_waldump counts from the first record to the end, kind by kind. */
  async dumpedStatistics(): Promise<string[]> {
    const first = `00000002${this.segments[0]!.slice(8)}`;
    const last = `00000002${this.segments.at(-1)!.slice(8)}`;
    const { stdout } = await this.#dump('--stats=record', first, last);
    const rows = stdout.matchAll(/^(\S+\/[^ ].*?) +(\d+) \( *[\d.]+\) +(\d+) \( *[\d.]+\) +(\d+) \(/gm);
    return [...rows]
      .filter(([, , count]) => count !== '0')
      .map((row) => row.slice(1, 5).join(' '))
      .toSorted();
  }

  /** All that pg_waldump says about a segment and the one behind it, when the first of them has this content. */
  async dumpOf(name: string, content: Buffer): Promise<string> {
    const path = join(this.#oracle.path, `00000002${name.slice(8)}.content`);
    const right = await readFile(path);
    writeFileSync(path, content);
    const next = this.segments[this.segments.indexOf(name) + 1];
    const { stdout, stderr } = await this.#dump(`00000002${name.slice(8)}`, `00000002${next!.slice(8)}`);
    writeFileSync(path, right);
    return stdout + stderr;
  }

  async #dump(...args: readonly string[]) {
    const { path, env } = findProgram('pg_waldump');
    return runAsServerUser([path, '--path', this.#oracle.path, ...args], { env, cwd: this.#oracle.path });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
    await this.#oracle[Symbol.asyncDispose]();
  }
}

/** A primary and, behind its promotion, its standby; fills `contents` with the segments of both. */
async function twoTimelines(contents: Map<string, Buffer>): Promise<{ systemIdentifier: bigint; history: string }> {
  const settings = { wal_keep_size: '2GB', wal_log_hints: 'on' };
  await using primary = await startCluster({ major: 15, segmentSizeMb: 1, settings });
  await using standby = await createStandby(primary, { settings });
  await load(primary, 180);
  const target = await primary.switchWal().then(() => primary.currentLsn());
  await standby.waitFor(`select pg_last_wal_replay_lsn() >= '${target}'`);
  await standby.promote();
  await load(standby, 75);
  const history = await readFile(join(standby.walDirectory, '00000002.history'), 'utf8');
  const begin = contentsFrom(history);
  await take(contents, primary, (name) => name.startsWith('00000001') && name.slice(8) < begin);
  const current = await standby.value('select pg_walfile_name(pg_switch_wal())');
  await take(contents, standby, (name) => name.startsWith('00000002') && name <= current!);
  return { systemIdentifier: BigInt((await primary.value('select system_identifier from pg_control_system()'))!), history };
}

/** The position in names of the segment with the switchpoint. */
function contentsFrom(history: string): string {
  const [, high, low] = /^1\t([0-9A-F]+)\/([0-9A-F]+)/m.exec(history)!;
  const segment = Number.parseInt(low!, 16) / mebibyte;
  return high!.padStart(8, '0') + Math.floor(segment).toString(16).toUpperCase().padStart(8, '0');
}

async function take(contents: Map<string, Buffer>, cluster: Cluster, isWanted: (name: string) => boolean): Promise<void> {
  for (const name of await cluster.walFiles())
    if (isWanted(name)) contents.set(name, await readFile(join(cluster.walDirectory, name)));
}

/** Small transactions beside large ones, indexes, images of pages, records over pages and segments, switches. */
async function load(cluster: Cluster, megabytes: number): Promise<void> {
  await using workload = await startWorkload(cluster, { clients: 2, rowBytes: 60 });
  await bulkLoad(cluster, megabytes / 3);
  await cluster.query(`select pg_logical_emit_message(false, 'wal', repeat('x', 2500000))`);
  await cluster.query('checkpoint; drop table if exists rows');
  await cluster.query('create table rows as select n, md5(n::text) as text from generate_series(1, 60000) n');
  await cluster.query('create index on rows (text); update rows set n = n + 1 where n % 3 = 0');
  await cluster.switchWal();
  await bulkLoad(cluster, megabytes / 3);
  await workload.stop();
}

/** The segment size, branded. */
export const segmentSize = toWalSegmentSize(mebibyte);
