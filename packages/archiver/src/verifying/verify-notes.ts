/** The catalogue as verify-wal uses it. It is a view of the files: trouble with it is told, and the rest goes on without it. */
import type { Catalog, CatalogEntry } from '../catalog/catalog.ts';
import type { SegmentCheck, VerifyTotals } from '../catalog/catalog-records.ts';
import type { VerifyFinding } from './finding.ts';

/** What is used of a `Catalog`. */
export type VerifyCatalog = Pick<Catalog, 'entry' | 'note' | 'records'>;

export class VerifyNotes {
  readonly #catalog: VerifyCatalog | undefined;
  readonly #isWritten: boolean;
  #runId: number | undefined;
  #checks: SegmentCheck[] = [];
  #entries: CatalogEntry[] = [];
  /** Why it could not be used. */
  trouble: Error | undefined;

  /** @param isWritten false when nothing is to be noted, only to be looked up */
  constructor(catalog: VerifyCatalog | undefined, isWritten: boolean) {
    this.#catalog = catalog;
    this.#isWritten = isWritten;
  }

  /** Begins a run, or goes on with one; its id, if there is a catalogue. */
  begin(scope: string, startedAt: number, runId: number | undefined): void {
    this.#runId = runId ?? this.#write((catalog) => catalog.records.beginVerify(scope, startedAt));
  }

  get runId(): number | undefined {
    return this.#runId;
  }

  /** What is known of a segment. */
  entry(name: string): CatalogEntry | undefined {
    return this.#use((catalog) => catalog.entry(name));
  }

  /** The latest check that did not say good. */
  lastTrouble(name: string): SegmentCheck | undefined {
    const check = this.#use((catalog) => catalog.records.checkOf(name));
    return check?.verdict === 'good' ? undefined : check;
  }

  /** Notes a verdict, with the next {@link flush}. */
  check(name: string, finding: VerifyFinding | undefined): void {
    const detail = finding === undefined ? undefined : detailOf(finding);
    this.#checks.push({ name, checkedAt: Date.now(), verdict: finding?.verdict ?? 'good', detail });
  }

  /** Notes a good segment that the catalogue did not know, with the next {@link flush}. */
  add(entry: CatalogEntry): void {
    this.#entries.push(entry);
  }

  /** Makes durable what was noted. */
  flush(): void {
    const [entries, checks] = [this.#entries, this.#checks];
    this.#entries = [];
    this.#checks = [];
    if (entries.length > 0) this.#write((catalog) => catalog.note(entries));
    if (checks.length > 0) this.#write((catalog) => catalog.records.noteChecks(this.#runId, checks));
  }

  finish(totals: VerifyTotals): void {
    this.flush();
    const id = this.#runId;
    if (id !== undefined) this.#write((catalog) => catalog.records.finishVerify(id, totals, Date.now()));
  }

  #write<T>(write: (catalog: VerifyCatalog) => T): T | undefined {
    return this.#isWritten ? this.#use(write) : undefined;
  }

  #use<T>(use: (catalog: VerifyCatalog) => T): T | undefined {
    if (this.#catalog === undefined || this.trouble !== undefined) return undefined;
    try {
      return use(this.#catalog);
    } catch (error) {
      this.trouble = error instanceof Error ? error : new Error(String(error));
      return undefined;
    }
  }
}

function detailOf({ problem, last, count = 1 }: VerifyFinding): string {
  return count > 1 && last !== undefined ? `${problem}, up to ${last}` : problem;
}
