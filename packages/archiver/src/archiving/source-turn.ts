/**
 * One directory's turn in a pass: what is ready in it goes through three steps.
 *
 *   prepare (one at a time, in order) -> carry out (several at a time) -> finish (in order, a group at a time)
 *
 * With scripts configured each file goes through all of them before the next one begins, as scripts of Barman expect.
 */
import { join } from 'node:path';
import { FileSystemError } from '@walvault/durable-fs';
import { WalvaultError, type WalFileName } from '@walvault/wal';
import { CodecProgramError } from '../errors.ts';
import { isMissing } from '../wal-files/directory-listing.ts';
import { archivePath } from '../wal-files/layout.ts';
import { carryOut, failed, type Outcome } from './carry-out.ts';
import { moveAside } from './errors-directory.ts';
import { finishFiles } from './finish-files.ts';
import { tellResult } from './log-result.ts';
import { OrderedLane } from './ordered-lane.ts';
import type { PassContext, Source } from './pass-context.ts';
import { FilePreparer } from './prepare-file.ts';
import type { Seams } from './seams.ts';
import type { UnknownObject } from './waiting-files.ts';

/** What is to be done in a turn. */
export interface TurnWork {
  /** In this order. */
  readonly files: readonly WalFileName[];
  readonly unknown: readonly UnknownObject[];
  /** How many files at most are dealt with; 0 for all. One that stays where it is does not count. */
  readonly batchSize: number;
}

/** A turn; what it has done can be seen also when it ended early. */
export class SourceTurn {
  /** Files that may still be on their way, and stay. */
  readonly unfinished: string[] = [];
  /** How many files were left for the next pass. */
  remaining = 0;
  /** A script has said that the pass is over. */
  isStopped = false;
  readonly #context: PassContext;
  readonly #source: Source;
  readonly #preparer: FilePreparer;
  readonly #lane: OrderedLane<Outcome>;
  #dealtWith = 0;

  constructor(context: PassContext, source: Source, seams: Seams) {
    this.#context = context;
    this.#source = source;
    this.#preparer = new FilePreparer(context, source, seams);
    const workers = context.hooks === undefined ? context.workers : 1;
    this.#lane = new OrderedLane({
      workers,
      room: context.hooks === undefined ? workers + 2 * groupSize : 1,
      groupSize: context.hooks === undefined ? groupSize : 1,
      finish: (group) => finishFiles(context, group),
    });
  }

  /**
   * Does the work.
   * @throws {FileSystemError} when the archive cannot be written to; what was placed before is noted if it can be
   * @throws the reason of the signal
   */
  async run({ files, unknown, batchSize }: TurnWork): Promise<void> {
    this.remaining = files.length;
    try {
      for (const name of files) {
        if (this.isStopped || !(await this.#hasRoom(batchSize))) break;
        await this.#begin(name);
        this.remaining -= 1;
      }
    } finally {
      await this.#lane.drain();
    }
    if (!this.isStopped) for (const object of unknown) await this.#moveUnknown(object);
  }

  /** Whether one more belongs to the batch: a file that is on its way now may fail, and then it does not count. */
  async #hasRoom(batchSize: number): Promise<boolean> {
    const limit = batchSize > 0 ? batchSize : Number.POSITIVE_INFINITY;
    for (; this.#dealtWith >= limit; await this.#lane.change()) {
      if (this.#lane.size === 0) return false;
      this.#lane.settle();
    }
    await this.#lane.room();
    this.#context.signal?.throwIfAborted();
    return true;
  }

  async #begin(name: WalFileName): Promise<void> {
    try {
      const prepared = await this.#preparer.prepare(name);
      if (prepared === 'stop') this.isStopped = true;
      else if (prepared === 'unfinished') this.unfinished.push(name.name);
      else if (prepared !== 'gone') {
        // One is prepared while others are worked on, so that nobody waits for it.
        await this.#lane.worker();
        this.#add(carryOut(this.#context, prepared));
      }
    } catch (error) {
      const path = join(this.#source.directory, name.name);
      if (!WalvaultError.is(error) || !(await this.#isOfThisFile(error, name, path))) throw error;
      const facts = { path, size: 0, timestamp: 0, compression: undefined };
      this.#add(Promise.resolve(failed(this.#source.kind, name.name, error, facts)));
    }
  }

  /** Also what is under its name in the archive, and cannot be read there, must not hold up the others. */
  async #isOfThisFile(error: WalvaultError, name: WalFileName, path: string): Promise<boolean> {
    if (!(error instanceof FileSystemError)) return error instanceof CodecProgramError;
    const destination = archivePath(this.#context.walsDirectory, name);
    return error.path === path || (error.path === destination && (await this.#canBeSeen(destination)));
  }

  async #canBeSeen(path: string): Promise<boolean> {
    return this.#context.disk.lstat(path, { bigint: true }).then(
      () => true,
      () => false,
    );
  }

  #add(work: Promise<Outcome>): void {
    this.#dealtWith += 1;
    this.#lane.add(this.#countDown(work));
  }

  async #countDown(work: Promise<Outcome>): Promise<Outcome> {
    const outcome = await work;
    if (outcome.result.kind === 'failed') this.#dealtWith -= 1;
    return outcome;
  }

  async #moveUnknown({ name, reason }: UnknownObject): Promise<void> {
    const { errorsDirectory, disk, now, signal } = this.#context;
    signal?.throwIfAborted();
    const path = join(this.#source.directory, name);
    const common = { source: this.#source.kind, name };
    try {
      const movedTo = await moveAside({ path, errorsDirectory, kind: 'unknown', reason, now, disk });
      await tellResult(this.#context, { ...common, kind: 'unknown', movedTo });
    } catch (error) {
      if (!WalvaultError.is(error)) throw error;
      const trouble = isMissing(error) ? nameTrouble(path) : error;
      if (trouble !== undefined) await tellResult(this.#context, { ...common, kind: 'failed', error: trouble });
    }
  }
}

/** Names are read as UTF-8. One that is none cannot be called by what was read, and seems not to be there. */
function nameTrouble(path: string): FileSystemError | undefined {
  if (!path.includes(replacementCharacter)) return undefined;
  return new FileSystemError('ERR_FILE_SYSTEM', path, `the name of "${path}" is not UTF-8`, {
    hint: 'Rename or remove it; "ls -b" shows the bytes of its name.',
  });
}

const replacementCharacter = '\uFFFD';

/** How many files are noted together, each time that makes five fsyncs. */
const groupSize = 8;
