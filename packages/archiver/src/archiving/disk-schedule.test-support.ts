/**
 * One life story of an archiver on a disk that does its worst, played from one seed: passes begin, fail, are killed, the power
 * goes, and others begin, until a last quiet one, behind which everything must be where it belongs.
 *
 * What must always be true (and is looked at after each death): no content is lost; what has its name in the archive is whole; what
 * was told to be archived is there, noted, and in the catalogue, whatever happens afterwards.
 */
import { join } from 'node:path';
import { FileSystemError } from '@walvault/durable-fs';
import {
  type DiskCall,
  type DiskCallKind,
  type DiskFault,
  type DiskMount,
  FaultyDisk,
  Random,
  SystemError,
} from '@walvault/testkit/faulty-disk';
import { parseWalFileName, tryParseWalFileName, type WalvaultError } from '@walvault/wal';
import { segmentName, segmentSize, systemIdentifier } from '../../testing.ts';
import type { Compression } from '../content/codec.ts';
import { archivePath, isSegmentFile } from '../wal-files/layout.ts';
import { tryParseXlogDbLine } from '../wal-files/xlog-db-line.ts';
import { changed } from './broken-archivers.test-support.ts';
import type { ArchiveCatalog } from './catalog-notes.ts';
import { archiveWal } from './archive-wal.ts';
import type { FileResult } from './file-result.ts';
import { directories, layOut, lz4Of, type ModelItem, modelItems } from './model-archive.test-support.ts';
import { ModelCatalog, namesInCatalog } from './model-catalog.test-support.ts';

/** What to play, and with whom. */
export interface DiskScheduleOptions {
  readonly seed: number;
  /** Puts something between the archiver and the disk: how a test makes sure that a broken archiver is found out. */
  readonly tamper?: ((mount: DiskMount) => DiskMount) | undefined;
  readonly onEvent?: ((text: string) => void) | undefined;
}

/** How a pass ended. */
type Death = 'finished' | 'exited' | 'gone';

/** Plays a schedule. @throws when something is not as it must be */
export async function playSchedule(options: DiskScheduleOptions): Promise<void> {
  using schedule = new Schedule(options);
  await schedule.play();
}

class Schedule implements Disposable {
  readonly #options: DiskScheduleOptions;
  readonly #random: Random;
  readonly #items: readonly ModelItem[];
  readonly #disk: FaultyDisk;
  readonly #workers: number;
  readonly #canLink: boolean;
  /** Some compress: with lz4, which needs no thread, so that a seed is one story. */
  readonly #compression: Compression;
  /** What segments become in the archive. */
  readonly #compressed = new Map<ModelItem, Buffer>();
  #rule: (call: DiskCall) => DiskFault | undefined = () => undefined;
  /** Names that the caller was told to be in the archive. */
  readonly #told = new Set<string>();
  /** Files that nobody had synced and a power cut has spoilt before they were archived. */
  readonly #spoilt = new Set<ModelItem>();
  #isCatalogIncomplete = false;
  #now = 1_800_000_000_000;

  constructor(options: DiskScheduleOptions) {
    this.#options = options;
    this.#random = new Random(options.seed);
    this.#items = modelItems(this.#random);
    this.#workers = this.#random.pick([1, 2, 4]);
    this.#canLink = this.#random.chance(0.5);
    this.#compression = { method: options.seed % 5 === 2 ? 'lz4' : 'none' };
    this.#disk = new FaultyDisk({
      random: this.#random,
      directories: [...Object.values(directories), '/catalog'],
      sectorBytes: this.#random.pick([512, 4096, 16_384, 65_536]),
      syncTurns: this.#random.pick([0, 3, 12]),
      restlessness: this.#random.pick([0, 0.05, 0.3]),
      faultAt: (call) => this.#rule(call),
      onEvent: options.onEvent,
    });
  }

  [Symbol.dispose](): void {
    this.#disk[Symbol.dispose]();
  }

  async play(): Promise<void> {
    if (this.#compression.method === 'lz4')
      for (const item of this.#items) if (isSegment(item.name)) this.#compressed.set(item, await lz4Of(item.content));
    await layOut(this.#disk.mount(), this.#items);
    this.#disk.kill();
    for (let lives = this.#random.below(4); lives > 0; lives -= 1) {
      this.#chooseTrouble();
      const death = await this.#live();
      this.#tell(death);
      this.#check();
      if (death !== 'gone') this.#die();
      this.#check();
    }
    this.#chooseQuiet();
    await this.#liveQuietly();
    this.#checkEnd();
    this.#disk.powerCut();
    this.#check();
    await this.#liveQuietly(); // what was removed by somebody who was killed may have come again
    this.#checkEnd();
  }

  async #liveQuietly(): Promise<void> {
    // an error from the time before may still be to be told
    const death = (await this.#live()) === 'finished' ? 'finished' : (this.#die(), await this.#live());
    if (death !== 'finished') throw new Error('the last, quiet pass did not come to its end');
  }

  #chooseQuiet(): void {
    this.#rule = () => undefined;
    this.#disk.capacityBytes = Number.POSITIVE_INFINITY;
    this.#disk.writeBackErrors = 0;
  }

  /** What will go wrong in this life. */
  #chooseTrouble(): void {
    const random = this.#random;
    const number = this.#disk.calls + 1 + random.below(random.pick([20, 80, 250]));
    const errno = random.pick(['EIO', 'ENOSPC', 'EDQUOT', 'EACCES']);
    const at = (fault: DiskFault) => (call: DiskCall) => (call.number === number ? fault : undefined);
    const atOneOf = (kind: DiskCallKind, fault: DiskFault) => {
      let before = random.below(random.pick([3, 12]));
      return (call: DiskCall) => (call.kind === kind && (before -= 1) < 0 ? fault : undefined);
    };
    const decisive = random.pick(['rename', 'link', 'unlink', 'sync', 'datasync', 'mkdir', 'close', 'writev'] as const);
    const rate = random.pick([0.005, 0.05]);
    this.#disk.writeBackErrors = random.pick([0, 0, 0.1]);
    this.#disk.capacityBytes = random.chance(0.2) ? random.below(12 * segmentSize) : Number.POSITIVE_INFINITY;
    this.#rule = random.pick([
      at('powerCut'),
      at('kill'),
      atOneOf(decisive, 'powerCut'),
      atOneOf(decisive, 'powerCut'),
      atOneOf(decisive, 'kill'),
      at({ errno }),
      () => (random.chance(rate) ? { errno } : undefined),
      (call) => (call.kind.endsWith('sync') && random.chance(0.1) ? { errno: 'EIO' } : undefined),
    ]);
  }

  /** A process: one pass, or some, as archive-wal may be called again at once. */
  async #live(): Promise<Death> {
    const mount = this.#options.tamper?.(this.#disk.mount()) ?? this.#disk.mount();
    for (;;) {
      this.#now += this.#random.below(2000);
      const death = await this.#pass(this.#canLink ? mount : withoutLinks(mount));
      if (!this.#disk.isMounted) return 'gone';
      if (death !== 'again') return death;
    }
  }

  async #pass(mount: DiskMount): Promise<Death | 'again'> {
    const batch = this.#random.pick([0, 0, 1, 2]);
    try {
      const report = await archiveWal({
        serverName: 'pg',
        directories,
        lockDirectory: '/locks',
        systemIdentifier,
        workers: this.#workers,
        compression: this.#compression,
        batchSize: { streaming: batch, incoming: batch },
        livePartial: `${segmentName(2, 6)}.partial`,
        catalog: this.#catalogOn(mount),
        disk: mount,
        tryLock: async (path) => ({ path, [Symbol.asyncDispose]: async () => undefined }),
        now: () => this.#now,
        onFile: (result) => this.#hear(result),
      });
      this.#tell('ended');
      if (report.firstFailure !== undefined) return 'exited';
      return report.remaining > 0 ? 'again' : 'finished';
    } catch (error) {
      this.#tell(String(error));
      if (!(error instanceof FileSystemError)) throw error;
      return 'exited';
    }
  }

  /** What it could not note, nobody notes later: `rebuild-catalog` does. */
  #catalogOn(mount: DiskMount): ArchiveCatalog {
    const catalog = new ModelCatalog(mount);
    const note: ArchiveCatalog['note'] = async (entries) => {
      await catalog.note(entries).catch((error: unknown) => {
        this.#isCatalogIncomplete ||= this.#disk.isMounted;
        throw error;
      });
    };
    return { note, seamOf: () => undefined };
  }

  #hear(result: FileResult): void {
    if (!this.#disk.isMounted) return; // the dead say nothing
    this.#tell(`told: ${result.kind} ${result.name}${result.kind === 'failed' ? ` ${describe(result.error)}` : ''}`);
    if (result.kind === 'archived' || result.kind === 'duplicate') this.#told.add(result.name);
  }

  /** The end of a process that did not come from the disk. */
  #die(): void {
    if (this.#random.chance(0.5)) this.#disk.kill();
    else this.#disk.powerCut();
  }

  #check(): void {
    const files = this.#files();
    const noted = notedIn(files);
    const inCatalog = namesInCatalog(files.get('/catalog/journal'));
    for (const item of this.#items) this.#checkKept(item, files);
    for (const name of this.#told) {
      if (!noted.has(name)) throw new Error(`${name} was told to be archived, and is not in xlog.db`);
      if (isSegment(name) && !this.#isCatalogIncomplete && !inCatalog.has(name))
        throw new Error(`${name} was told to be archived, and is not in the catalogue`);
    }
    for (const name of [...noted, ...inCatalog]) {
      const path = archivePath(directories.wals, parseWalFileName(name));
      const isReplaced = this.#items.some((item) => item.path === path && item.fate === 'errors');
      if (!isReplaced && !files.has(path)) throw new Error(`${name} is noted, and is not in the archive`);
    }
  }

  /** No content is lost, and none is under the name of another. */
  #checkKept(item: ModelItem, files: ReadonlyMap<string, Buffer>): void {
    const places = [...files].filter(([path]) => path.startsWith('/') && mayHold(path, item));
    const isKept = places.some(([, content]) => this.#isOf(item, content));
    const archived = item.fate === 'archive' ? files.get(placeOf(item)) : undefined;
    if (!isKept) {
      if (item.isDurable || this.#told.has(item.name)) throw new Error(`${item.name} is nowhere any more (${item.path})`);
      this.#spoilt.add(item);
    }
    if (archived === undefined || this.#isOf(item, archived) || this.#spoilt.has(item)) return;
    if (this.#items.some((other) => other.path === placeOf(item) && other.content.equals(archived))) return; // from before
    throw new Error(`${item.name} is in the archive with other content`);
  }

  /** Whether a file holds an item, as it came or compressed. */
  #isOf(item: ModelItem, file: Buffer): boolean {
    return file.equals(item.content) || this.#compressed.get(item)?.equals(file) === true;
  }

  #checkEnd(): void {
    this.#check();
    const files = this.#files();
    const text = files.get('/wals/xlog.db')?.toString('latin1') ?? '';
    if (/\0|[^\n]$/.test(text)) throw new Error('lines of xlog.db are not whole');
    const noted = linesOf(files);
    const archived = [...files.keys()].filter((path) => path.startsWith('/wals/') && tryParseWalFileName(nameOf(path)));
    same(
      'lines of xlog.db',
      noted.map(({ name, size }) => `${name} ${size}`),
      archived.map((path) => `${nameOf(path)} ${files.get(path)?.length}`),
    );
    const expected = this.#items.filter((item) => item.fate === 'archive' && !this.#spoilt.has(item));
    for (const item of expected) {
      const archived = files.get(placeOf(item));
      if (archived === undefined || !this.#isOf(item, archived)) throw new Error(`${item.name} is not in the archive in the end`);
    }
    const inCatalog = namesInCatalog(files.get('/catalog/journal'));
    const toldSegments = [...this.#told].filter(isSegment);
    if (!this.#isCatalogIncomplete) same('names in the catalogue', [...inCatalog], toldSegments);
    this.#checkLeft(files);
  }

  /** What is left beside the archive. */
  #checkLeft(files: ReadonlyMap<string, Buffer>): void {
    const visible = [...files.keys()].filter((path) => !nameOf(path).startsWith('.'));
    const staying = this.#items.filter(({ fate }) => fate === 'stays').map(({ path }) => path);
    same(
      'files that wait',
      visible.filter((path) => /^\/(streaming|incoming)\//.test(path)),
      staying,
    );
    same(
      'temporary files',
      visible.filter((path) => path.endsWith('.tmp')),
      [],
    );
    const moved = visible.filter((path) => path.startsWith('/errors/') && !path.endsWith('.reason'));
    const expected = this.#items.filter((item) => item.fate === 'errors');
    const spoilt = new Set([...this.#spoilt].map(({ name }) => name));
    // one may be there twice: a crash can leave a file that moves under both names
    const names = new Set(moved.map(movedName).filter((name) => !spoilt.has(name)));
    same('files in the errors directory', [...names], [...new Set(expected.map(({ name }) => name))]);
  }

  #files(): ReadonlyMap<string, Buffer> {
    const paths = [...new Set(this.#items.map((item) => parent(placeOf(item))))].filter((path) => path !== directories.wals);
    const all = [...Object.values(directories), '/catalog', ...paths];
    return new Map(
      all.flatMap((path) => [...this.#disk.files(path)].map(([name, content]) => [join(path, name), content] as const)),
    );
  }

  #tell(text: string): void {
    this.#options.onEvent?.(text);
  }
}

/** A file system without links, or on the other side of one. */
function withoutLinks(mount: DiskMount): DiskMount {
  return changed(mount, { link: refused });
}

async function refused(from: string): Promise<never> {
  throw new SystemError('EPERM', 'link', from);
}

/** Under which names the content of an item may be. */
function mayHold(path: string, item: ModelItem): boolean {
  return (
    path === item.path ||
    (item.fate === 'archive' && nameOf(path) === item.name) ||
    (item.fate === 'errors' && movedName(path) === item.name)
  );
}

function placeOf(item: ModelItem): string {
  const file = tryParseWalFileName(item.name);
  return file === undefined ? item.path : archivePath(directories.wals, file);
}

function linesOf(files: ReadonlyMap<string, Buffer>): { readonly name: string; readonly size: number }[] {
  const text = files.get('/wals/xlog.db')?.toString('latin1') ?? '';
  const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n');
  return lines.flatMap((line) => tryParseXlogDbLine(line) ?? []);
}

function notedIn(files: ReadonlyMap<string, Buffer>): ReadonlySet<string> {
  return new Set(
    linesOf(files)
      .map(({ name }) => name)
      .filter((name) => tryParseWalFileName(name) !== undefined),
  );
}

function isSegment(name: string): boolean {
  const file = tryParseWalFileName(name);
  return file !== undefined && isSegmentFile(file);
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** The name that a file in the errors directory had before; that of others as it is. */
function movedName(path: string): string {
  return path.startsWith('/errors/') ? nameOf(path).replace(/\.\d{8}T\d{6}Z(-\d+)?\.[a-z]+$/, '') : '';
}

function parent(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}

function same(what: string, found: readonly string[], expected: readonly string[]): void {
  const [a, b] = [found.toSorted().join(', '), expected.toSorted().join(', ')];
  if (a !== b) throw new Error(`${what}: ${a || 'none'}, expected ${b || 'none'}`);
}

function describe(error: WalvaultError): string {
  return `${error.code} ${error.message}`;
}
