/**
 * Fills a spool with the segments that recovery will ask for next, and leaves when nobody asks any more.
 *
 * It looks at two things many times a second: which ready files were taken, and which file restore-wal was asked for that was not ready.
 * The later of the two is where recovery stands; the segments behind it are made ready, in order, two at a time, within the room that
 * it was given, by the same steps as a file that is handed over directly (hand-over.ts). Once a second it makes sure that what is ready
 * still is what the archive has. What is missing or bad is not its affair: recovery asks for it, and restore-wal answers.
 */
import { statfs } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { tryLock } from '@walvault/durable-fs';
import { type Logger, parseWalFileName, silentLogger, type WalSegmentSize } from '@walvault/wal';
import { handOver } from '../restoring/hand-over.ts';
import type { WalReadOptions } from '../restoring/open-wal.ts';
import { segmentSizeOf } from '../restoring/segment-size.ts';
import { isSegmentFile, type SegmentFileName } from '../wal-files/layout.ts';
import { Timelines } from '../wal-files/timelines.ts';
import { Questions } from './questions.ts';
import { ReadyFiles } from './ready-files.ts';
import { segmentsBehind } from './recovery-order.ts';
import { goAway, type Spool } from './spool.ts';

/** What to fill, and from where. */
export interface PrefetchOptions {
  readonly spool: Spool;
  /** Where the WAL is, asked for once a second; undefined when this spool is not for it any more. */
  readonly reading: () => Promise<WalReadOptions | undefined>;
  /** Most room for ready files, in bytes. As much stays free on their disk. */
  readonly bytes: number;
  /** Time in milliseconds without a question after which it leaves; 30 seconds unless given. */
  readonly idleMs?: number | undefined;
  readonly log?: Logger | undefined;
}

const glanceMs = 20;
const reviewMs = 1000;
const defaultIdleMs = 30_000;
/** The same with nothing to offer: the archive ends here, or goes on with what cannot be used. */
const emptyHandedMs = 5000;
const atOnce = 2;
/** Nobody gains by more, whatever room there is. */
const mostReady = 1024;

/**
 * Works until nobody has asked for some time, the spool is taken away, or `signal` is aborted. The spool is empty then.
 * @returns `busy` when another prefetcher works on this spool
 * @throws {FileSystemError} when the spool cannot be used
 */
export async function prefetch(options: PrefetchOptions, signal: AbortSignal): Promise<'done' | 'busy'> {
  await using lock = await tryLock(options.spool.lockPath);
  if (lock === undefined) return 'busy';
  await using ready = await ReadyFiles.publish(options.spool);
  await new Prefetcher(options, ready, signal).run();
  return 'done';
}

/** What decides about the order of segments. */
interface Outlook {
  readonly walSegmentSize: WalSegmentSize;
  readonly timelines: Timelines;
}

class Prefetcher {
  readonly #options: PrefetchOptions;
  readonly #ready: ReadyFiles;
  readonly #signal: AbortSignal;
  readonly #log: Logger;
  readonly #questions: Questions;
  /** The segments that are made ready at the moment. */
  readonly #jobs = new Map<string, Promise<void>>();
  /** What could not be made ready; tried again after the next review. */
  readonly #refused = new Set<string>();
  #reading: WalReadOptions | undefined;
  #outlook: Outlook | undefined;
  #position: SegmentFileName | undefined;
  /** The segments to have ready, in the order in which they will be asked for. */
  #plan: readonly string[] = [];

  constructor(options: PrefetchOptions, ready: ReadyFiles, signal: AbortSignal) {
    this.#options = options;
    this.#ready = ready;
    this.#signal = signal;
    this.#log = options.log ?? silentLogger;
    this.#questions = new Questions(options.spool);
  }

  async run(): Promise<void> {
    let [activeAt, reviewedAt] = [performance.now(), Number.NEGATIVE_INFINITY];
    try {
      while (!this.#signal.aborted && performance.now() - activeAt < this.#patienceMs) {
        const news = await this.#follow();
        if (news === 'dismissed') return;
        if (news === 'moved') activeAt = performance.now();
        if (performance.now() - reviewedAt >= reviewMs) {
          if (!(await this.#review())) return;
          reviewedAt = performance.now();
        }
        this.#startJobs();
        await Promise.race([sleep(glanceMs), ...this.#jobs.values()]);
      }
    } finally {
      await Promise.all(this.#jobs.values());
    }
  }

  get #patienceMs(): number {
    const { idleMs = defaultIdleMs } = this.#options;
    return this.#ready.count + this.#jobs.size > 0 ? idleMs : Math.min(idleMs, emptyHandedMs);
  }

  /** Finds out where recovery stands. */
  async #follow(): Promise<'moved' | 'dismissed' | undefined> {
    const taken = await this.#ready.taken();
    const last = taken.toSorted((a, b) => this.#plan.indexOf(a) - this.#plan.indexOf(b)).at(-1);
    const asked = await this.#questions.next();
    if (asked === goAway) return 'dismissed';
    const now = asked ?? (last === undefined ? undefined : parseWalFileName(last));
    if (now === undefined || !isSegmentFile(now)) return undefined;
    this.#position = now;
    await this.#makePlan();
    return 'moved';
  }

  /** Looks whether the spool still is for this archive and what is ready still is what the archive has, and at the archive itself. */
  async #review(): Promise<boolean> {
    this.#reading = await this.#options.reading();
    if (this.#reading === undefined) return false;
    await this.#ready.dropChanged();
    this.#refused.clear();
    this.#outlook = undefined;
    await this.#makePlan();
    return true;
  }

  async #makePlan(): Promise<void> {
    const [reading, position] = [this.#reading, this.#position];
    if (reading === undefined || position === undefined) return;
    try {
      this.#outlook ??= {
        walSegmentSize: await segmentSizeOf(reading, position),
        timelines: await Timelines.read(reading.directories),
      };
      const count = Math.min(mostReady, Math.floor(this.#options.bytes / this.#outlook.walSegmentSize));
      this.#plan = segmentsBehind(position, count, this.#outlook);
    } catch (error) {
      this.#log.warn({ name: position.name, error: String(error) }, 'cannot tell what recovery will ask for');
      this.#plan = [];
    }
    await this.#ready.keepOnly(new Set(this.#plan));
  }

  /** In order, and not past what cannot be had. */
  #startJobs(): void {
    const reading = this.#reading;
    if (reading === undefined) return;
    for (const name of this.#plan) {
      if (this.#jobs.size >= atOnce || this.#refused.has(name)) return;
      if (this.#ready.has(name) || this.#jobs.has(name)) continue;
      const job = this.#makeReady(name, reading).finally(() => this.#jobs.delete(name));
      this.#jobs.set(name, job);
    }
  }

  async #makeReady(name: string, reading: WalReadOptions): Promise<void> {
    try {
      const options = { ...reading, log: this.#log, signal: this.#signal };
      const request = { options, file: parseWalFileName(name), destination: this.#ready.pathOf(name), partial: false };
      const source = (await this.#hasRoom()) ? await handOver(request) : undefined;
      if (source === undefined) this.#refused.add(name);
      else this.#ready.add(name, source);
    } catch (error) {
      this.#refused.add(name);
      if (!this.#signal.aborted) this.#log.warn({ name, error: String(error) }, 'cannot be made ready');
    }
  }

  /** The last room on the disk is the server's own. */
  async #hasRoom(): Promise<boolean> {
    const { bavail, bsize } = await statfs(this.#options.spool.directory);
    return bavail * bsize >= this.#options.bytes + (this.#outlook?.walSegmentSize ?? 0);
  }
}
