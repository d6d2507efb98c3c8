/** Looks at segments as a whole, each as the continuation of the one before it. */
import type { CatalogEntry } from '../catalog/catalog.ts';
import { predecessorName } from '../checking/predecessor-name.ts';
import type { SegmentFacts } from '../checking/segment-facts.ts';
import { SegmentInspection } from '../checking/segment-inspection.ts';
import type { ContentFile } from '../content/content.ts';
import type { WalReadOptions } from '../restoring/open-wal.ts';
import { secondsOf } from '../wal-files/xlog-db-line.ts';
import type { BlockPool } from './blocks.ts';
import type { ContentHasher } from './content-hasher.ts';
import { type Examination, guardedLook } from './guarded-look.ts';
import { judgeSegment } from './judge-segment.ts';
import { AdvancedFile } from './read-ahead.ts';
import type { SeamStore } from './seam-store.ts';
import type { VerifyNotes } from './verify-notes.ts';
import type { PlannedSegment, VerifyPlan } from './verify-plan.ts';

/** What all looks of a run have in common. */
export interface ExaminerContext {
  readonly reading: WalReadOptions;
  readonly plan: VerifyPlan;
  readonly notes: VerifyNotes;
  readonly seams: SeamStore;
  readonly pool: BlockPool;
  readonly hasher: ContentHasher;
  readonly signal: AbortSignal;
}

export class SegmentExaminer {
  readonly #context: ExaminerContext;
  /** Names of segments that were looked at. One of them that has no seam is not right. */
  readonly #seen = new Set<string>();

  constructor(context: ExaminerContext) {
    this.#context = context;
  }

  /**
   * Looks at a segment, and keeps its seam for the next one.
   * @returns undefined when the file is not there any more
   */
  async examine(planned: PlannedSegment, file: AdvancedFile): Promise<Examination | undefined> {
    const { notes, seams, plan } = this.#context;
    this.#seen.add(planned.file.name);
    return guardedLook(planned, async () => {
      const content = await file.file();
      if (content === undefined) return undefined;
      const predecessor = predecessorName(planned.file, plan.walSegmentSize, plan.timelines);
      const seam = predecessor === undefined ? undefined : await this.#seamOf(predecessor);
      const facts = await this.#inspect(planned, file, seam);
      const known = this.#onRecord(planned);
      const finding = judgeSegment({ facts, path: planned.path, archivedSha256: known?.facts.sha256, predecessor });
      if (finding === undefined || finding.kind === 'beginning') {
        if (facts.seam !== undefined) seams.note(facts.name, facts.seam);
        if (known === undefined && planned.location === 'archive') notes.add(entryOf(facts, content));
      }
      return { finding, facts };
    });
  }

  /** The seam of the segment before: of this run, or else by a look at it, where it is. */
  async #seamOf(name: string): Promise<Uint8Array | undefined> {
    const { seams, plan, reading, pool } = this.#context;
    const known = seams.get(name);
    const planned = plan.all.get(name);
    if (known !== undefined || planned === undefined || this.#seen.has(name)) return known;
    await using file = new AdvancedFile(planned.path, { custom: reading.directories.custom, pool });
    const looked = await guardedLook(planned, async () => {
      if ((await file.file()) === undefined) return undefined;
      const facts = await this.#inspect(planned, file, undefined);
      const archivedSha256 = this.#onRecord(planned)?.facts.sha256;
      return { finding: judgeSegment({ facts, path: planned.path, archivedSha256, predecessor: undefined }), facts };
    });
    return looked?.finding === undefined || looked.finding.kind === 'beginning' ? looked?.facts?.seam : undefined;
  }

  async #inspect({ file: name }: PlannedSegment, file: AdvancedFile, predecessor?: Uint8Array): Promise<SegmentFacts> {
    const { plan, hasher, signal } = this.#context;
    const { walSegmentSize, systemIdentifier } = plan;
    const inspection = new SegmentInspection(name, { walSegmentSize, systemIdentifier, predecessor, hash: false });
    try {
      for await (const filled of file.blocks()) {
        signal.throwIfAborted();
        inspection.take(filled.bytes);
        await hasher.update(filled);
      }
    } catch (error) {
      // The next content begins anew.
      await hasher.digest();
      throw error;
    }
    return { ...inspection.finish(), sha256: await hasher.digest() };
  }

  /** What the catalogue knows of a segment: it knows those of the archive. */
  #onRecord({ file, location }: PlannedSegment): CatalogEntry | undefined {
    return location === 'archive' ? this.#context.notes.entry(file.name) : undefined;
  }
}

function entryOf(facts: SegmentFacts, content: ContentFile): CatalogEntry {
  const modifiedAt = secondsOf(content.stats.mtimeNs);
  const archivedAt = Math.round(modifiedAt * 1000);
  return { facts, storedBytes: content.size, compression: content.codec, modifiedAt, archivedAt };
}
