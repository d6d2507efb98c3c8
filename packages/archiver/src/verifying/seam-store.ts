/** The seams that are still needed: that of the last segment, and those at which other timelines begin. */
import type { VerifyState } from './verify-state.ts';

export class SeamStore {
  readonly #kept: ReadonlySet<string>;
  readonly #seams = new Map<string, Uint8Array>();
  #last: string | undefined;

  /**
   * @param kept names of segments whose seam is needed later than by the next segment
   * @param seams of an earlier run
   */
  constructor(kept: ReadonlySet<string>, seams: VerifyState['seams'] = {}) {
    this.#kept = kept;
    for (const [name, seam] of Object.entries(seams)) this.note(name, Buffer.from(seam, 'base64'));
  }

  note(name: string, seam: Uint8Array): void {
    if (this.#last !== undefined && !this.#kept.has(this.#last)) this.#seams.delete(this.#last);
    this.#last = name;
    this.#seams.set(name, seam);
  }

  get(name: string): Uint8Array | undefined {
    return this.#seams.get(name);
  }

  /** For the state, the last one at the end. */
  get encoded(): VerifyState['seams'] {
    return Object.fromEntries([...this.#seams].map(([name, seam]) => [name, Buffer.from(seam).toString('base64')]));
  }
}
