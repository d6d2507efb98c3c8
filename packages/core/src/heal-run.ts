/** One run of healing: what is still damaged, what stood in its way, and how a segment gets into its place. */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  ArchiverBusyError,
  Catalog,
  type ClusterFacts,
  type Damage,
  type DamagedSegment,
  type FileResult,
  judgeCandidate,
  Neighbours,
  setAside,
} from '@walvault/archiver';
import type { ServerConfig } from '@walvault/config';
import { fileSystemError } from '@walvault/durable-fs';
import { defaultWalSegmentSize, type Logger, tryParseWalFileName, type WalSegmentSize, WalvaultError } from '@walvault/wal';
import { archiveServer } from './archive-server.ts';
import type { HealSource, HealSourceOptions } from './heal-source.ts';
import { catalogPath, healingDirectory, identityPath } from './server-paths.ts';
import { namesOf, partsOf, rangesOf, type SegmentRange } from './segment-ranges.ts';
import { readOptions } from './server-wal.ts';

/** A segment that is right again. */
export interface HealedSegment extends DamagedSegment {
  /** Where it came from. */
  readonly source: string;
  /** Where the bad one is now; undefined when there was none. */
  readonly movedTo: string | undefined;
  /** Whether it is proven to go on from the one before it, and the one behind it from it. */
  readonly isLinked: boolean;
}

/** A segment that is still damaged. */
export interface UnhealedSegment extends DamagedSegment {
  /** What stood in the way, one sentence for each source. */
  readonly obstacles: readonly string[];
}

/** What a run is made with. */
export interface HealRunOptions {
  readonly signal: AbortSignal;
  readonly dryRun: boolean;
  readonly log: Logger;
  readonly onHealed?: ((segment: HealedSegment) => void) | undefined;
}

/** A segment that was streamed and found right, and waits in the directory. */
type Candidate = Omit<HealedSegment, 'movedTo'>;

/** So many segments are streamed at a time, and then archived. */
const batchSize = 16;
const busyPauseMs = 200;
const busyPatienceMs = 60_000;

/** Heals the damage of one server. */
export class HealRun {
  readonly healed: HealedSegment[] = [];
  /** What went wrong on this side, if anything did: not with a source, but where segments are put into place. */
  failure: unknown;
  readonly #server: ServerConfig;
  readonly #damage: Damage;
  readonly #options: HealRunOptions;
  readonly #damaged: Map<string, DamagedSegment>;
  readonly #obstacles = new Map<string, string[]>();
  readonly #directory: string;
  #neighbours: Neighbours | undefined;

  constructor(server: ServerConfig, damage: Damage, options: HealRunOptions) {
    this.#server = server;
    this.#damage = damage;
    this.#options = options;
    this.#damaged = new Map(damage.segments.map((segment) => [segment.name, segment]));
    this.#directory = healingDirectory(server);
  }

  get isDone(): boolean {
    return this.#damaged.size === 0;
  }

  /** What is still damaged, by name. */
  get unhealed(): readonly UnhealedSegment[] {
    return [...this.#damaged.values()].map((segment) => ({ ...segment, obstacles: this.#obstacles.get(segment.name) ?? [] }));
  }

  /** What a source has to fit to. */
  get sourceFacts(): Pick<HealSourceOptions, 'systemIdentifier' | 'archive' | 'walSegmentSize'> {
    const { systemIdentifier } = this.#damage;
    return { systemIdentifier, archive: identityPath(this.#server), walSegmentSize: this.#walSegmentSize };
  }

  /** Puts into place what an earlier run has streamed before it ended. */
  async adoptFetched(): Promise<void> {
    const names = await readdir(this.#directory).catch((error: unknown) => {
      throw fileSystemError('read the directory', this.#directory, error);
    });
    const candidates: Candidate[] = [];
    for (const name of names.toSorted()) {
      const isWanted = this.#damaged.has(name) && tryParseWalFileName(name)?.kind === 'segment';
      const candidate = isWanted ? await this.#judge(name, 'an earlier run') : undefined;
      if (candidate === undefined) await rm(join(this.#directory, name), { force: true });
      else candidates.push(candidate);
    }
    await this.#settle(candidates);
  }

  /** Takes from a source what it has. What ends it early is thrown; what was streamed by then is in the archive. */
  async healFrom(source: HealSource): Promise<void> {
    for (const wanted of rangesOf(this.#damaged.keys(), this.#walSegmentSize)) {
      const { range, lack } = await source.reach(wanted);
      const reached = new Set(range === undefined ? [] : namesOf(range, this.#walSegmentSize));
      if (lack !== undefined)
        for (const name of namesOf(wanted, this.#walSegmentSize))
          if (!reached.has(name)) this.#note(name, `${source.name} ${lack}`);
      if (this.#options.dryRun) this.#promise(reached, source.name);
      else if (range !== undefined) for (const part of partsOf(range, batchSize)) await this.#fetchAndSettle(part, source);
    }
  }

  /** Notes an obstacle for all that is still damaged. */
  noteForAll(obstacle: string): void {
    for (const name of this.#damaged.keys()) this.#note(name, obstacle);
  }

  async #fetchAndSettle(range: SegmentRange, source: HealSource): Promise<void> {
    const candidates: Candidate[] = [];
    try {
      for await (const name of source.fetch(range, this.#directory)) {
        this.#options.signal.throwIfAborted();
        const candidate = await this.#judge(name, source.name);
        if (candidate !== undefined) candidates.push(candidate);
        else await rm(join(this.#directory, name), { force: true });
      }
    } finally {
      // What has come before the trouble is as good as any.
      if (!this.#options.signal.aborted) await this.#settle(candidates);
    }
  }

  /** Undefined, and an obstacle, when it must not be taken. */
  async #judge(name: string, source: string): Promise<Candidate | undefined> {
    this.#neighbours ??= new Neighbours({
      directories: (await readOptions(this.#server)).directories,
      fetchedDirectory: this.#directory,
      walSegmentSize: this.#walSegmentSize,
      facts: this.#facts,
      timelines: this.#damage.timelines,
    });
    const judged = await judgeCandidate(join(this.#directory, name), name, this.#facts, this.#neighbours);
    const damaged = this.#damaged.get(name);
    if (damaged === undefined) return undefined;
    if (!judged.isGood) {
      this.#note(name, `${source} sent a segment that is not taken: ${judged.problem}`);
      return undefined;
    }
    return { ...damaged, source, isLinked: judged.before === 'proven' && judged.behind === 'proven' };
  }

  /** Into the archive, and on record. */
  async #settle(candidates: readonly Candidate[]): Promise<void> {
    if (candidates.length === 0) return;
    try {
      const movedTo = new Map<string, string | undefined>();
      for (const { name, kind, reason } of candidates)
        if (kind === 'bad') movedTo.set(name, await this.#patiently(() => this.#setAside(name, reason)));
      const results = await this.#archive();
      for (const candidate of candidates) this.#conclude(candidate, results.get(candidate.name), movedTo.get(candidate.name));
    } catch (error) {
      this.failure = error;
      throw error;
    }
  }

  #conclude(candidate: Candidate, result: FileResult | undefined, movedTo: string | undefined): void {
    if (result?.kind === 'archived' || result?.kind === 'duplicate') this.#finish({ ...candidate, movedTo });
    else this.#note(candidate.name, `the archiver did not take it: ${obstacleOf(result)}`);
  }

  #setAside(name: string, reason: string): Promise<string | undefined> {
    const { name: serverName, lockDirectory, directories } = this.#server;
    const { wals: walsDirectory, errors: errorsDirectory } = directories;
    return setAside({ serverName, lockDirectory, walsDirectory, errorsDirectory, name, reason });
  }

  async #archive(): Promise<ReadonlyMap<string, FileResult>> {
    const { signal, log } = this.#options;
    const { configFile } = this.#server;
    const results = new Map<string, FileResult>();
    const onFile = (result: FileResult): void => void results.set(result.name, result);
    await this.#patiently(async () => {
      const done = await archiveServer(this.#server, { directory: this.#directory, configFile, signal, log, onFile });
      if (done === 'busy') throw new ArchiverBusyError(this.#directory, undefined);
    });
    return results;
  }

  #finish(segment: HealedSegment): void {
    const { log, onHealed } = this.#options;
    this.#damaged.delete(segment.name);
    this.healed.push(segment);
    log.info({ server: this.#server.name, file: segment.name, source: segment.source }, `healed "${segment.name}"`);
    try {
      using catalog = Catalog.open(catalogPath(this.#server));
      catalog.records.noteHeal({ ...segment, healedAt: Date.now() });
    } catch (error) {
      const code = WalvaultError.is(error) ? error.code : undefined;
      log.warn(
        { server: this.#server.name, file: segment.name, code },
        `the catalogue does not know of it: ${describeFailure(error)}`,
      );
    }
    onHealed?.(segment);
  }

  #promise(names: Iterable<string>, source: string): void {
    for (const name of names) {
      const damaged = this.#damaged.get(name);
      if (damaged !== undefined) this.healed.push({ ...damaged, source, movedTo: undefined, isLinked: false });
      this.#damaged.delete(name);
    }
  }

  /** Another archiver is done in a moment. */
  async #patiently<T>(work: () => Promise<T>): Promise<T> {
    for (const deadline = performance.now() + busyPatienceMs; ; ) {
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof ArchiverBusyError) || performance.now() > deadline) throw error;
        this.#options.signal.throwIfAborted();
        await sleep(busyPauseMs);
      }
    }
  }

  #note(name: string, obstacle: string): void {
    const known = this.#obstacles.get(name) ?? [];
    if (this.#damaged.has(name) && !known.includes(obstacle)) this.#obstacles.set(name, [...known, obstacle]);
  }

  get #facts(): ClusterFacts {
    const { systemIdentifier, walSegmentSize } = this.#damage;
    return { systemIdentifier, walSegmentSize };
  }

  get #walSegmentSize(): WalSegmentSize {
    return this.#damage.walSegmentSize ?? defaultWalSegmentSize;
  }
}

/** What went wrong, in one line. */
export function describeFailure(error: unknown): string {
  if (WalvaultError.is(error) || error instanceof Error) return error.message;
  return String(error);
}

function obstacleOf(result: FileResult | undefined): string {
  if (result === undefined) return 'a script or a signal stopped it';
  if (result.kind === 'invalid' || result.kind === 'failed') return result.error.message;
  return result.kind === 'conflict'
    ? `the archive has another file of that name, and it is now "${result.movedTo}"`
    : result.kind;
}
