/**
 * One life story of a receiver on a disk that does its worst, played from one seed: it receives, it fails, it is killed, the
 * power goes, and it starts again, until it lives through a last quiet time, at the end of which everything must be there.
 *
 * What must always be true (and is looked at after each death): all that the server was ever told to be flushed is on the disk
 * under a name that a recovery finds; a segment with its final name is whole; and the server is never asked for WAL again that
 * it may have removed, nor told less than before.
 */
import { join } from 'node:path';
import { durableRename, FileSystemError, readDirectory } from '@walvault/durable-fs';
import { ConnectionLostError } from '@walvault/protocol';
import {
  type DiskCall,
  type DiskCallKind,
  type DiskFault,
  type DiskMount,
  FaultyDisk,
  Random,
} from '@walvault/testkit/faulty-disk';
import {
  formatLsn,
  type Lsn,
  partialSuffix,
  segmentEndLsn,
  segmentNumberOf,
  segmentNumberOfName,
  tryParseWalFileName,
  walFileNameAt,
} from '@walvault/wal';
import type { BuiltWal } from '@walvault/wal/testing';
import { receiveFromModel } from './model-reception.test-support.ts';
import { ModelServer, modelWal, segmentSize, timelineId } from './model-walsender.test-support.ts';
import type { Positions } from './positions.ts';
import { VirtualIntervals } from './virtual-intervals.test-support.ts';

const streaming = '/streaming';
const archive = '/archive';

/** Of two or three segments, which is enough to go wrong at each of their ends, and is played quickly. */
export function scheduleWals(): readonly [BuiltWal, ...BuiltWal[]] {
  return [modelWal(0), modelWal(4), modelWal(5), modelWal(8), modelWal(13), modelWal(43)];
}

/** What to play, and with whom. */
export interface DiskScheduleOptions {
  readonly seed: number;
  /** One of these is received. */
  readonly wals: readonly [BuiltWal, ...BuiltWal[]];
  /** Puts something between the receiver and the disk: how a test makes sure that a broken receiver is found out. */
  readonly tamper?: ((mount: DiskMount) => DiskMount) | undefined;
  readonly onEvent?: ((text: string) => void) | undefined;
}

/** How a process ended. */
type Death = 'finished' | 'exited' | 'gone';

/** Plays a schedule. @throws when something is not as it must be */
export async function playSchedule(options: DiskScheduleOptions): Promise<void> {
  using schedule = new Schedule(options);
  await schedule.play();
}

class Schedule implements Disposable {
  readonly #options: DiskScheduleOptions;
  readonly #random: Random;
  readonly #wal: BuiltWal;
  readonly #server: ModelServer;
  readonly #disk: FaultyDisk;
  readonly #intervals = new VirtualIntervals();
  readonly #flushPolicy: 'continuous' | 'segment';
  readonly #archiverRate: number;
  #rule: (call: DiskCall) => DiskFault | undefined = () => undefined;
  #cutAtAcknowledgement = 0;
  #archiver: Promise<void> = Promise.resolve();

  constructor(options: DiskScheduleOptions) {
    this.#options = options;
    this.#random = new Random(options.seed);
    const onEvent = options.onEvent ?? ((): void => undefined);
    this.#wal = this.#random.pick(options.wals);
    this.#flushPolicy = this.#random.chance(0.8) ? 'continuous' : 'segment';
    this.#archiverRate = this.#random.pick([0, 0.3, 1]);
    this.#disk = new FaultyDisk({
      random: this.#random,
      directories: [streaming, archive],
      sectorBytes: this.#random.pick([512, 4096, 4096, 16_384, 65_536]),
      syncTurns: this.#random.pick([0, 5, 40]),
      restlessness: this.#random.pick([0, 0.05, 0.3]),
      faultAt: (call) => this.#rule(call),
      onEvent: options.onEvent,
    });
    this.#server = new ModelServer({
      wal: this.#wal,
      random: this.#random,
      asksAtEnd: this.#flushPolicy === 'segment',
      lossRate: this.#random.pick([0, 0.02]),
      onEvent,
      onTurn: () => {
        if (this.#random.chance(0.03)) this.#intervals.pass();
      },
      onAcknowledged: () => {
        if (this.#disk.isMounted && this.#random.chance(this.#cutAtAcknowledgement)) this.#disk.powerCut();
      },
    });
  }

  [Symbol.dispose](): void {
    this.#intervals[Symbol.dispose]();
    this.#disk[Symbol.dispose]();
  }

  async play(): Promise<void> {
    for (let lives = this.#random.below(4); lives > 0; lives -= 1) {
      this.#chooseTrouble();
      const death = await this.#live(6);
      this.#tell(death);
      this.#check();
      if (death !== 'gone') this.#die();
      this.#check();
    }
    this.#chooseQuiet();
    // an error from the time before may still be to be told
    const death = (await this.#live(1)) === 'finished' ? 'finished' : (this.#die(), await this.#live(1));
    if (death !== 'finished') throw new Error('the last, quiet life did not come to its end');
    this.#checkEnd();
    this.#disk.powerCut();
    this.#check();
  }

  #chooseQuiet(): void {
    this.#rule = () => undefined;
    this.#cutAtAcknowledgement = 0;
    this.#server.options.lossRate = 0;
    this.#disk.capacityBytes = Number.POSITIVE_INFINITY;
    this.#disk.writeBackErrors = 0;
  }

  /** What will go wrong in this life. */
  #chooseTrouble(): void {
    const random = this.#random;
    const [number, errno] = [
      this.#disk.calls + 1 + random.below(random.pick([30, 150, 500])),
      random.pick(['EIO', 'ENOSPC', 'EDQUOT', 'EACCES']),
    ];
    const at = (fault: DiskFault) => (call: DiskCall) => (call.number === number ? fault : undefined);
    const atOneOf = (kind: DiskCallKind, fault: DiskFault) => {
      let before = random.below(random.pick([3, 12]));
      return (call: DiskCall) => (call.kind === kind && (before -= 1) < 0 ? fault : undefined);
    };
    const rate = random.pick([0.005, 0.05]);
    this.#cutAtAcknowledgement = random.pick([0, 0, 0.05, 0.3, 1]);
    this.#disk.writeBackErrors = random.pick([0, 0, 0.1]);
    this.#disk.capacityBytes = random.chance(0.2) ? random.below(5 * segmentSize) : Number.POSITIVE_INFINITY;
    this.#rule = random.pick([
      at('powerCut'),
      at('kill'),
      atOneOf(random.pick(['rename', 'sync', 'datasync', 'open', 'close']), 'powerCut'),
      atOneOf(random.pick(['rename', 'sync', 'datasync', 'open', 'close']), 'kill'),
      at({ errno }),
      () => (random.chance(rate) ? { errno } : undefined),
      (call) => (call.kind.endsWith('sync') && random.chance(0.1) ? { errno: 'EIO' } : undefined),
      () => undefined,
    ]);
  }

  /** A process, with as many connections as it takes, or as it gets. */
  async #live(connections: number): Promise<Death> {
    const mount = this.#options.tamper?.(this.#disk.mount()) ?? this.#disk.mount();
    let before: Positions | undefined;
    for (let left = connections; left > 0; left -= 1) {
      const reception = receiveFromModel({
        server: this.#server,
        directory: streaming,
        archive,
        disk: mount,
        before,
        flushPolicy: this.#flushPolicy,
        onBegin: (positions) => void (before = positions),
        onSegment: () => this.#archiveSome(mount),
      });
      const failure = await reception.then(
        () => undefined,
        (error: unknown) => ({ error }),
      );
      await this.#archiver;
      if (!this.#disk.isMounted) return 'gone';
      if (failure === undefined) return 'finished';
      if (!this.#mayGoOn(failure.error)) return 'exited';
    }
    return 'exited';
  }

  /** Whether a supervisor would connect again at once. */
  #mayGoOn(error: unknown): boolean {
    this.#tell(String(error));
    if (error instanceof ConnectionLostError) return true;
    if (!(error instanceof FileSystemError)) throw error;
    if (error.code === 'ERR_STORAGE_FULL' && this.#random.chance(0.5)) this.#disk.capacityBytes += 2 * segmentSize;
    return error.retry === 'retry' || this.#random.chance(0.3); // an operator may be as quick
  }

  /** Takes complete segments away, as an archiver may at any time. */
  #archiveSome(mount: DiskMount): void {
    if (!this.#random.chance(this.#archiverRate)) return;
    const before = this.#archiver;
    this.#archiver = (async () => {
      await before;
      try {
        for (const { name } of await readDirectory(streaming, mount)) {
          if (isComplete(name)) await durableRename(join(streaming, name), join(archive, name), { disk: mount });
        }
      } catch (error) {
        this.#tell(`archiver: ${String(error)}`); // it tries again with the next segment
      }
    })();
  }

  /** The end of a process that did not come from the disk. */
  #die(): void {
    if (this.#random.chance(0.5)) this.#disk.kill();
    else this.#disk.powerCut();
  }

  #check(): void {
    const [violation] = this.#server.violations;
    if (violation !== undefined) throw new Error(violation);
    const { acknowledgedLsn = this.#wal.startLsn } = this.#server;
    const files = this.#files();
    for (const [name, content] of files) if (isComplete(name)) this.#compare(name, content, segmentSize);
    for (let lsn = this.#wal.startLsn; lsn < acknowledgedLsn; ) {
      const name = walFileNameAt(timelineId, lsn, segmentSize);
      const end = segmentEndLsn(segmentNumberOf(lsn, segmentSize), segmentSize);
      const isWhole = acknowledgedLsn >= end;
      const content = files.get(name) ?? (isWhole ? undefined : files.get(name + partialSuffix));
      if (content === undefined) throw new Error(`${name} is not there, and ${formatLsn(acknowledgedLsn)} was acknowledged`);
      this.#compare(name, content, isWhole ? segmentSize : Number(acknowledgedLsn - lsn));
      lsn = end;
    }
  }

  #checkEnd(): void {
    this.#check();
    if (this.#server.acknowledgedLsn !== this.#wal.endLsn) throw new Error('not everything was acknowledged at the end');
    const known = [...this.#disk.files(streaming).keys()].filter((name) => !isComplete(name));
    const expected = [walFileNameAt(timelineId, this.#wal.endLsn, segmentSize) + partialSuffix];
    if (known.join() !== expected.join())
      throw new Error(`besides segments there is ${known.join() || 'nothing'} in the end, not ${expected.join()}`);
  }

  #files(): ReadonlyMap<string, Buffer> {
    return new Map([...this.#disk.files(archive), ...this.#disk.files(streaming)]);
  }

  #compare(name: string, content: Buffer, length: number): void {
    const file = tryParseWalFileName(name);
    if (file === undefined || file.kind === 'history' || file.kind === 'backup') throw new Error(`what is "${name}"?`);
    const from = (segmentNumberOfName(file, segmentSize) * BigInt(segmentSize)) as Lsn;
    const expected = this.#server.bytes(from, (from + BigInt(length)) as Lsn);
    if (content.length !== segmentSize && length === segmentSize) throw new Error(`${name} has ${content.length} bytes`);
    if (content.subarray(0, length).equals(expected)) return;
    const at = expected.findIndex((byte, index) => content[index] !== byte);
    throw new Error(`${name} is wrong from byte ${at} on, which was acknowledged or has its final name`);
  }

  #tell(text: string): void {
    this.#options.onEvent?.(text);
  }
}

function isComplete(name: string): boolean {
  return tryParseWalFileName(name)?.kind === 'segment';
}
