/** What one check has come to: a plain value, of which the console, JSON and Nagios lines are views. */

/** A result. */
export interface CheckResult {
  /** Barman's name where it has the check: `replication slot`. */
  readonly name: string;
  /** `warning`: it needs somebody soon, and does not fail the command. */
  readonly status: 'ok' | 'warning' | 'failed';
  /** What there is to say; empty when there is nothing. */
  readonly hint: string;
  /** What was measured, by names that end in their unit: `lag_bytes`, `rpo_seconds`, `free_space_hours`; without one it is a count. */
  readonly numbers: Readonly<Record<string, number>>;
  /** Barman does not have it. */
  readonly isOurs: boolean;
}

type Numbers = Readonly<Record<string, number | undefined>>;

/** A check of Barman's that is passed. */
export function passed(name: string, hint = '', numbers: Numbers = {}): CheckResult {
  return { name, status: 'ok', hint, numbers: known(numbers), isOurs: false };
}

/** A check of Barman's that failed. */
export function failed(name: string, hint = '', numbers: Numbers = {}): CheckResult {
  return { name, status: 'failed', hint, numbers: known(numbers), isOurs: false };
}

/** A check of Barman's by its outcome. */
export function judged(name: string, isGood: boolean, hintWhenBad: string): CheckResult {
  return isGood ? passed(name) : failed(name, hintWhenBad);
}

/** A check of our own. */
export function own(name: string, status: CheckResult['status'], hint: string, numbers: Numbers = {}): CheckResult {
  return { name, status, hint, numbers: known(numbers), isOurs: true };
}

/** What is not known is no number. */
function known(numbers: Numbers): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Object.entries(numbers).flatMap(([name, value]) => (value === undefined ? [] : [[name, Math.round(value * 1000) / 1000]])),
  );
}
