/**
 * verify-wal: is the WAL of a server whole and right? Every file there is, over all timelines, in the archive and on its way to it, and
 * what is missing.
 *
 * Each segment is read once, in order, and checked as the continuation of the one before. A run that is interrupted goes on where it was.
 */
import { formatLsn, tryParseWalFileName } from '@walvault/wal';
import { predecessorName } from '../checking/predecessor-name.ts';
import { ArchiveEmptyError, NothingToVerifyError } from '../errors.ts';
import type { WalReadOptions } from '../restoring/open-wal.ts';
import { deletionOf, readDeletionRecord } from '../retention/deletion-record.ts';
import { namesIfAny } from '../wal-files/directory-listing.ts';
import { findWal } from '../wal-files/find-wal.ts';
import type { VerifyFinding } from './finding.ts';
import { BlockPool } from './blocks.ts';
import { type ContentHasher, contentHasher } from './content-hasher.ts';
import { GoodSegments } from './good-segments.ts';
import type { Examination } from './guarded-look.ts';
import { quickLook } from './quick-look.ts';
import { AdvancedFile, inAdvance } from './read-ahead.ts';
import { SeamStore } from './seam-store.ts';
import { SegmentExaminer } from './segment-examiner.ts';
import { type VerifyCatalog, VerifyNotes } from './verify-notes.ts';
import { holeFinding, planVerification, type PlannedSegment, type VerifyPlan } from './verify-plan.ts';
import type { VerifyEdge, VerifyRange } from './verify-range.ts';
import { inOrderOfName, timelinesOf, verdictOf, type VerifyReport } from './verify-report.ts';
import { readVerifyState, removeVerifyState, type VerifyState, writeVerifyState } from './verify-state.ts';
import { VerifyTotals } from './verify-totals.ts';

/** How far it is. */
export interface VerifyProgress {
  /** Segments that are done, those of an earlier run included, of how many. */
  readonly done: number;
  readonly total: number;
  /** Bytes of WAL that this run has looked at. */
  readonly bytes: number;
}

/** So much of each file is read ahead where nobody is in a hurry. */
const pacedBytesAhead = 128 * 1024;

/** What to verify, and how. */
export interface VerifyWalOptions {
  readonly reading: WalReadOptions;
  readonly range?: VerifyRange | undefined;
  /** Names, sizes and first pages only, and what is on record. */
  readonly quick?: boolean | undefined;
  /** Begin anew, whatever an interrupted run has done. */
  readonly restart?: boolean | undefined;
  /** Where the state is kept while it runs; nowhere unless given: then an interrupted run cannot be gone on with, and nothing is noted. */
  readonly statePath?: string | undefined;
  readonly catalog?: VerifyCatalog | undefined;
  readonly signal: AbortSignal;
  /** Called before the first segment, and behind each. */
  readonly onProgress?: ((progress: VerifyProgress) => void) | undefined;
  /**
   * Waited for behind each segment, of so many bytes: for work in the background, which then takes little memory, and no thread of its own,
   * either.
   */
  readonly pace?: ((bytes: number) => Promise<void>) | undefined;
  /** The state is written at most so often; a second unless given. */
  readonly saveEveryMs?: number | undefined;
}

/**
 * Verifies. The caller sees to it that this is done once at a time.
 * @throws {ArchiveEmptyError} when there is no segment at all; @throws {NothingToVerifyError} when there is none in the range
 * @throws {FileSystemError} when a directory cannot be read or the state not be written; what `planVerification` throws
 * @throws the reason of `signal`: then the state is kept
 */
export async function verifyWal(options: VerifyWalOptions): Promise<VerifyReport> {
  const { reading, range = {}, restart = false, statePath } = options;
  const plan = await planVerification(reading, range);
  if (plan.all.size === 0 && plan.partials.length === 0) throw await nothingAtAll(reading.directories);
  if (plan.segments.length + plan.partials.length + plan.findings.length === 0) throw new NothingToVerifyError();
  const scope = scopeOf(options, plan);
  const earlier = restart || statePath === undefined ? undefined : await readVerifyState(statePath);
  const pool = new BlockPool();
  const bytes = options.quick === true || options.pace !== undefined ? 0 : plan.segments.length * plan.walSegmentSize;
  await using hasher = contentHasher(pool, bytes, options.catalog !== undefined);
  const start = { scope, earlier: earlier?.scope === scope ? earlier : undefined, pool, hasher };
  return await new Verification(options, plan, start).run();
}

/** That a segment is on its way shows that the directories are the right ones. */
async function nothingAtAll({ wals, streaming }: WalReadOptions['directories']): Promise<Error> {
  const waiting = streaming === undefined ? [] : await namesIfAny(streaming);
  const beginning = waiting.find((name) => tryParseWalFileName(name)?.kind === 'partial');
  return beginning === undefined ? new ArchiveEmptyError(wals) : new NothingToVerifyError(beginning);
}

/** What must be the same for a run to go on with what another one has done. */
function scopeOf({ range, quick = false }: VerifyWalOptions, plan: VerifyPlan): string {
  return JSON.stringify({
    from: nameOf(range?.from),
    to: nameOf(range?.to),
    timeline: range?.timelineId ?? null,
    quick,
    walSegmentSize: plan.walSegmentSize,
    systemIdentifier: String(plan.systemIdentifier),
  });
}

function nameOf(edge: VerifyEdge | undefined): string | null {
  if (edge === undefined) return null;
  return 'lsn' in edge ? formatLsn(edge.lsn) : edge.file.name;
}

/** What a run begins with. */
interface VerificationStart {
  readonly scope: string;
  readonly earlier: VerifyState | undefined;
  readonly pool: BlockPool;
  readonly hasher: ContentHasher;
}

class Verification {
  readonly #pool: BlockPool;
  readonly #options: VerifyWalOptions;
  readonly #plan: VerifyPlan;
  readonly #scope: string;
  readonly #startedAt: Date;
  readonly #notes: VerifyNotes;
  readonly #good: GoodSegments;
  readonly #totals: VerifyTotals;
  /** Of segments that are right but for their beginning, which the next run looks at again. */
  readonly #unsavedTotals = new VerifyTotals();
  readonly #seams: SeamStore;
  readonly #examiner: SegmentExaminer;
  readonly #findings: VerifyFinding[] = [];
  readonly #resumed: number;
  #done: number;
  #bytes = 0;
  #goodCount: number;
  #savedAtMs = performance.now();

  constructor(options: VerifyWalOptions, plan: VerifyPlan, { scope, earlier, pool, hasher }: VerificationStart) {
    this.#options = options;
    this.#plan = plan;
    this.#scope = scope;
    this.#startedAt = earlier === undefined ? new Date() : new Date(earlier.startedAt);
    this.#notes = new VerifyNotes(options.catalog, options.statePath !== undefined);
    this.#notes.begin(scope, this.#startedAt.getTime(), earlier?.runId ?? undefined);
    this.#good = new GoodSegments(plan.walSegmentSize, earlier?.good);
    this.#totals = new VerifyTotals(earlier?.counts);
    this.#seams = new SeamStore(laterPredecessors(plan), earlier?.seams);
    const { reading, signal } = options;
    this.#pool = pool;
    this.#examiner = new SegmentExaminer({ reading, plan, notes: this.#notes, seams: this.#seams, pool, hasher, signal });
    this.#resumed = plan.segments.filter((planned) => this.#isGood(planned)).length;
    this.#done = this.#resumed;
    this.#goodCount = this.#resumed;
  }

  async run(): Promise<VerifyReport> {
    const { segments, partials, findings } = this.#plan;
    this.#findings.push(...findings);
    for (const finding of findings) if (finding.last !== undefined) this.#notes.check(finding.name, finding);
    try {
      this.#tellProgress();
      await this.#lookAt(segments.filter((planned) => !this.#isGood(planned)));
      // Few, and last: of them nothing is kept.
      await this.#lookAt(partials);
    } catch (error) {
      await this.#save();
      throw error;
    }
    return this.#finish();
  }

  async #lookAt(segments: readonly PlannedSegment[]): Promise<void> {
    const { signal, reading, quick, pace, saveEveryMs = 1000 } = this.#options;
    const { custom } = reading.directories;
    const advance = {
      custom,
      pool: this.#pool,
      limitBytes: quick === true ? 0 : pace === undefined ? undefined : pacedBytesAhead,
    };
    for await (const [planned, file] of inAdvance(segments, advance)) {
      signal.throwIfAborted();
      const examination = await this.#look(planned, file);
      if (examination === undefined) await this.#lookElsewhere(planned);
      else this.#take(planned, examination);
      this.#done += 1;
      this.#tellProgress();
      if (performance.now() - this.#savedAtMs >= saveEveryMs) await this.#save();
      await pace?.(this.#plan.walSegmentSize);
    }
  }

  #look(planned: PlannedSegment, file: AdvancedFile): Promise<Examination | undefined> {
    if (this.#options.quick === true) return quickLook(planned, file, { plan: this.#plan, notes: this.#notes });
    return this.#examiner.examine(planned, file);
  }

  #take({ file, segment }: PlannedSegment, { finding, facts }: Examination): void {
    const { walSegmentSize } = this.#plan;
    this.#bytes += walSegmentSize;
    if (this.#options.quick !== true) this.#notes.check(file.name, finding);
    if (finding !== undefined) {
      this.#findings.push(finding);
      if (finding.kind === 'beginning' && facts !== undefined) this.#unsavedTotals.add(facts);
      return;
    }
    this.#goodCount += 1;
    if (file.kind === 'partial') return;
    this.#good.add(file.timelineId, segment);
    if (facts !== undefined) this.#totals.add(facts);
  }

  /** The file was moved since the directories were listed, or removed. */
  async #lookElsewhere(planned: PlannedSegment): Promise<void> {
    const { directories, deletionRecordPath } = this.#options.reading;
    for await (const { content, location } of findWal(directories, planned.file, false)) {
      await content[Symbol.asyncDispose]();
      const moved = { ...planned, path: content.path, location };
      await using file = new AdvancedFile(moved.path, { custom: directories.custom, pool: this.#pool });
      const examination = await this.#look(moved, file);
      if (examination !== undefined) return this.#take(moved, examination);
    }
    const { timelineId } = planned.file;
    if (deletionRecordPath !== undefined && deletionOf(await readDeletionRecord(deletionRecordPath), planned.file)) return;
    const run = { first: planned.segment, last: planned.segment };
    this.#findings.push(holeFinding(timelineId, run, this.#plan.walSegmentSize));
  }

  #isGood({ file, segment }: PlannedSegment): boolean {
    return this.#good.has(file.timelineId, segment);
  }

  #tellProgress(): void {
    const total = this.#plan.segments.length + this.#plan.partials.length;
    this.#options.onProgress?.({ done: this.#done, total, bytes: this.#bytes });
  }

  /** Makes durable what was done: first the catalogue, so that nothing is skipped later that it was not told. */
  async #save(): Promise<void> {
    this.#notes.flush();
    const { statePath } = this.#options;
    if (statePath === undefined) return;
    await writeVerifyState(statePath, {
      version: 1,
      scope: this.#scope,
      startedAt: this.#startedAt.toISOString(),
      runId: this.#notes.runId ?? null,
      good: this.#good.runs,
      counts: this.#totals.counts,
      seams: this.#seams.encoded,
    });
    this.#savedAtMs = performance.now();
  }

  async #finish(): Promise<VerifyReport> {
    const { segments, histories, walSegmentSize, systemIdentifier } = this.#plan;
    const findings = inOrderOfName(this.#findings);
    const count = (verdict: VerifyFinding['verdict']): number => findings.filter((finding) => finding.verdict === verdict).length;
    const totals = { good: this.#goodCount, bad: count('bad'), holes: count('hole'), unknown: count('unknown') };
    this.#notes.finish(totals);
    this.#totals.addAll(this.#unsavedTotals.counts);
    if (this.#options.statePath !== undefined) await removeVerifyState(this.#options.statePath);
    return {
      verdict: verdictOf(findings),
      findings,
      ...totals,
      resumed: this.#resumed,
      missingSegments: findings.reduce((sum, { last, count = 0 }) => sum + (last === undefined ? 0 : count), 0),
      waiting: segments.filter(({ location }) => location !== 'archive').length,
      histories,
      timelines: timelinesOf(segments),
      counts: this.#totals.counts,
      walSegmentSize,
      systemIdentifier,
      catalogTrouble: this.#notes.trouble,
    };
  }
}

/** Segments that others follow than the next one in the plan: those at which timelines begin, and those before partial ones. */
function laterPredecessors({ segments, partials, walSegmentSize, timelines }: VerifyPlan): ReadonlySet<string> {
  const names = new Set<string>();
  for (const [index, { file }] of [...segments, ...partials].entries()) {
    const predecessor = predecessorName(file, walSegmentSize, timelines);
    if (predecessor !== undefined && predecessor !== segments[index - 1]?.file.name) names.add(predecessor);
  }
  return names;
}
