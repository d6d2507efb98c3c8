/** The command line of `bench receive`. */
import { parseArgs } from 'node:util';
import { type PostgresMajor, postgresMajors } from '@walvault/testkit';
import type { ProgramKind } from './built-program.ts';
import { BenchFailure } from './failure.ts';

/** When received WAL is made durable; the two programs are compared with the same one. */
export type FlushPolicy = 'segment' | 'continuous';

/** What to measure. */
export interface ReceiveOptions {
  /** Volume of the backlog, in GB (10^9 bytes); it is rounded up to whole segments. */
  readonly gigabytes: number;
  /** How often each of the two receives it, per flush policy. */
  readonly pairs: number;
  readonly major: PostgresMajor;
  readonly flush: readonly FlushPolicy[];
  readonly program: ProgramKind;
}

/** Text of the help. */
export const receiveUsage = `usage: npm run bench -- receive [OPTION ...]

Streams the same backlog of WAL with pg_receivewal and with walvault, in turn, and compares.

  --gigabytes N    volume of the backlog in GB (2)
  --pairs N        how often each of the two receives it (3)
  --major N        major version of the server, 15 or later, not above that of pg_receivewal (15)
  --flush POLICY   segment: flush at the end of each segment (pg_receivewal as it comes);
                   continuous: flush all the time (pg_receivewal --synchronous). Both unless given.
  --program KIND   built: walvault as npm installs it, built before the runs; source: the TypeScript of this checkout (built)

Works in the directory for temporary files (TMPDIR), so choose the disk by that.
`;

/**
 * Reads the arguments behind `receive`.
 * @throws {BenchFailure} that says what is wrong with them
 */
export function parseReceiveOptions(args: readonly string[]): ReceiveOptions {
  const values = readValues(args);
  return {
    gigabytes: numberFrom('gigabytes', values.gigabytes ?? '2', { least: 0.001, most: 1000 }),
    pairs: wholeNumberFrom('pairs', values.pairs ?? '3', 100),
    major: majorFrom(values.major ?? '15'),
    flush: flushFrom(values.flush),
    program: programFrom(values.program ?? 'built'),
  };
}

const text = { type: 'string' } as const;
const optionTypes = { gigabytes: text, pairs: text, major: text, flush: text, program: text };

function readValues(args: readonly string[]): { readonly [Name in keyof typeof optionTypes]?: string } {
  try {
    return parseArgs({ args: [...args], options: optionTypes }).values;
  } catch (error) {
    throw new BenchFailure(`${error instanceof Error ? error.message : String(error)}\n\n${receiveUsage}`);
  }
}

function numberFrom(option: string, text: string, range: { readonly least: number; readonly most: number }): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= range.least && value <= range.most) return value;
  throw new BenchFailure(`--${option} is "${text}", should be a number from ${range.least} to ${range.most}`);
}

function wholeNumberFrom(option: string, text: string, most: number): number {
  const value = numberFrom(option, text, { least: 1, most });
  if (Number.isInteger(value)) return value;
  throw new BenchFailure(`--${option} is "${text}", should be a whole number`);
}

/** Up to 14 a walsender does not tell where a slot begins, and pg_receivewal could not be made to start at the backlog. */
function majorFrom(text: string): PostgresMajor {
  const possible = postgresMajors.filter((major) => major >= 15);
  const major = possible.find((candidate) => String(candidate) === text);
  if (major !== undefined) return major;
  throw new BenchFailure(`--major is "${text}", should be one of ${possible.join(', ')}`);
}

function flushFrom(text: string | undefined): readonly FlushPolicy[] {
  if (text === undefined) return ['segment', 'continuous'];
  if (text === 'segment' || text === 'continuous') return [text];
  throw new BenchFailure(`--flush is "${text}", should be segment or continuous`);
}

function programFrom(text: string): ProgramKind {
  if (text === 'built' || text === 'source') return text;
  throw new BenchFailure(`--program is "${text}", should be built or source`);
}
