/** What is wrong with a page or record, in words and, where two values differ, by them. */
export interface WalProblem {
  /** In words that stand behind "the page (record) at X is not right: ". */
  readonly problem: string;
  /** What should be there, as text. */
  readonly expected?: string | undefined;
  /** What is there. */
  readonly found?: string | undefined;
}

/** A problem that is one of two values. */
export function differs(found: string | number | bigint, expected: string | number | bigint, problem: string): WalProblem {
  return { problem, expected: String(expected), found: String(found) };
}

/** Four digits, upper case. */
export function hex4(value: number): string {
  return value.toString(16).toUpperCase().padStart(4, '0');
}

/** Eight digits, upper case, of the lower 32 bits. */
export function hex8(value: number): string {
  return (value >>> 0).toString(16).toUpperCase().padStart(8, '0');
}
