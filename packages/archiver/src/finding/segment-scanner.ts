/**
 * Reads segments record by record. A record that goes over the end of a segment is found behind that, so a scan begins with
 * what the check of the segment before left: from the catalogue, or else by reading that one too.
 */
import {
  decodeWalSeam,
  defaultWalPageSize,
  longPageHeaderSize,
  type Lsn,
  readPageHeader,
  type SegmentNumber,
  segmentStartLsn,
  WalCensus,
  WalChecker,
  type WalEvent,
  type WalFault,
  WalFormatError,
  type WalSeam,
} from '@walvault/wal';
import type { Catalog } from '../catalog/catalog.ts';
import { openWal, type WalReadOptions } from '../restoring/open-wal.ts';
import type { TimelineChain } from './timeline-chain.ts';
import type { MappedSegment, WalMap } from './wal-map.ts';

/** How a scan of a segment ended. */
export interface ScanEnd {
  readonly file: MappedSegment;
  /** Records are right up to here. */
  readonly verifiedLsn: Lsn;
  /** What stopped it; in an incomplete segment that is its end. */
  readonly fault: WalFault | undefined;
}

/** What to do while a segment is read. */
export interface ScanChoices {
  /** Called for each event in order of LSN. Those that begin in the segment before and end in this one are among them. */
  readonly onEvent?: ((event: WalEvent) => void) | undefined;
  /** Feeds a chunk to the checker, in place of {@link WalChecker.check}. */
  readonly feed?: ((checker: WalChecker, chunk: Buffer, walPageSize: number) => void) | undefined;
}

/** Where to read, and what helps. */
export interface ScannerOptions {
  readonly reading: WalReadOptions;
  readonly map: WalMap;
  readonly catalog: Catalog | undefined;
  readonly signal: AbortSignal;
}

const keptSeams = 8;

export class SegmentScanner {
  readonly #options: ScannerOptions;
  /** By the name of the segment at whose end they lie. */
  readonly #seams = new Map<string, WalSeam>();
  readonly #faults = new Map<string, WalFault>();

  constructor(options: ScannerOptions) {
    this.#options = options;
  }

  /** What was found wrong with complete segments, by name. */
  get faults(): ReadonlyMap<string, WalFault> {
    return this.#faults;
  }

  /**
   * Reads one segment of a chain.
   * @returns undefined when it is not there
   * @throws {WalFileError} when its first page or its compression is not right
   * @throws {FileSystemError} when it cannot be read
   */
  async scan(chain: TimelineChain, segment: SegmentNumber, choices: ScanChoices = {}): Promise<ScanEnd | undefined> {
    const file = this.#fileOf(chain, segment);
    if (file === undefined) return undefined;
    const seam = await this.#seamBefore(chain, segment);
    let end = await this.#read(file, choices, seam);
    // A segment that does not continue its predecessor may be right by itself.
    if (end?.isFruitless === true && seam !== undefined) end = await this.#read(file, choices, undefined);
    if (end?.fault !== undefined && !file.isPartial) this.#faults.set(file.name, end.fault);
    return end;
  }

  async #read(
    file: MappedSegment,
    { onEvent, feed = check }: ScanChoices,
    seam: WalSeam | undefined,
  ): Promise<(ScanEnd & { readonly isFruitless: boolean }) | undefined> {
    const { reading, signal } = this.#options;
    const census = new WalCensus({ onEvent });
    let checker: WalChecker | undefined;
    let walPageSize: number = defaultWalPageSize;
    await using wal = await openWal(reading, file.name.slice(0, 24), { partial: file.isPartial });
    for await (const chunk of wal?.bytes() ?? []) {
      signal.throwIfAborted();
      if (checker === undefined) {
        walPageSize = pageSizeIn(chunk);
        checker = this.#checkerFor(file, walPageSize, { census, seam });
      }
      feed(checker, chunk, walPageSize);
    }
    // It was removed since the directory was read.
    if (checker === undefined) return undefined;
    const fault = checker.check(Buffer.alloc(0));
    this.#keep(file, checker.seam);
    const isFruitless = fault !== undefined && census.statistics().records === 0;
    return { file, verifiedLsn: checker.verifiedLsn, fault, isFruitless };
  }

  #checkerFor(
    { segment, timelineId }: MappedSegment,
    walPageSize: number,
    { census, seam }: { readonly census: WalCensus; readonly seam: WalSeam | undefined },
  ): WalChecker {
    const { walSegmentSize } = this.#options.map;
    const startLsn = segmentStartLsn(segment, walSegmentSize);
    const { systemIdentifier } = this.#options.reading;
    const common = { startLsn, walSegmentSize, walPageSize, timelineId, systemIdentifier, census };
    const isOfHere = seam?.lsn === startLsn && seam.walSegmentSize === walSegmentSize && seam.walPageSize === walPageSize;
    return new WalChecker({ ...common, seam: isOfHere ? seam : undefined });
  }

  #fileOf(chain: TimelineChain, segment: SegmentNumber): MappedSegment | undefined {
    return this.#options.map.file(chain.pieceOfSegment(segment).timelineId, segment);
  }

  async #seamBefore(chain: TimelineChain, segment: SegmentNumber): Promise<WalSeam | undefined> {
    const previous = (segment - 1n) as SegmentNumber;
    if (previous < 0n) return undefined;
    const file = this.#fileOf(chain, previous);
    if (file === undefined || file.isPartial) return undefined;
    const kept = this.#seams.get(file.name) ?? this.#storedSeam(file.name);
    if (kept !== undefined) return kept;
    await this.#read(file, {}, undefined);
    return this.#seams.get(file.name);
  }

  #storedSeam(name: string): WalSeam | undefined {
    const bytes = this.#options.catalog?.seamOf(name);
    if (bytes === undefined) return undefined;
    try {
      return decodeWalSeam(bytes);
    } catch (error) {
      // That of another version helps nobody; the segment is read instead.
      if (error instanceof WalFormatError) return undefined;
      throw error;
    }
  }

  #keep(file: MappedSegment, seam: WalSeam | undefined): void {
    if (seam === undefined || file.isPartial) return;
    this.#seams.set(file.name, seam);
    const [oldest] = this.#seams.keys();
    if (this.#seams.size > keptSeams && oldest !== undefined) this.#seams.delete(oldest);
  }
}

/** `wal_block_size` of the server, as the first page of a segment says it: a power of two from 1 to 64 kB. */
function pageSizeIn(firstPage: Buffer): number {
  const size = firstPage.length < longPageHeaderSize ? 0 : (readPageHeader(firstPage).long?.pageSize ?? 0);
  const isOne = size >= 1024 && size <= 65_536 && (size & (size - 1)) === 0;
  return isOne ? size : defaultWalPageSize;
}

function check(checker: WalChecker, chunk: Buffer): void {
  checker.check(chunk);
}
