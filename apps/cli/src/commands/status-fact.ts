/** One line of the status. */

/** A stable key for JSON, words for people, and a number where there is one. */
export interface Fact {
  readonly key: string;
  readonly description: string;
  readonly message: string;
  /** Bytes, seconds or a count, as the key says. */
  readonly value?: number | undefined;
}
