/** A look at a segment, and what it means when the file cannot be read. */
import { WalvaultError } from '@walvault/wal';
import type { SegmentFacts } from '../checking/segment-facts.ts';
import { CodecProgramError, WalFileError } from '../errors.ts';
import type { FileFinding } from './finding.ts';
import type { PlannedSegment } from './verify-plan.ts';

/** What came of a look. */
export interface Examination {
  /** Undefined when it is good. */
  readonly finding: FileFinding | undefined;
  /** Of a segment that was read as a whole. */
  readonly facts?: SegmentFacts | undefined;
}

/**
 * Looks. Damage of the file is its verdict; what keeps it from being read (a program that is missing, a permission, the disk) leaves it
 * unknown.
 */
export async function guardedLook(
  { file, path }: PlannedSegment,
  look: () => Promise<Examination | undefined>,
): Promise<Examination | undefined> {
  try {
    return await look();
  } catch (error) {
    if (!WalvaultError.is(error)) throw error;
    const isDamage = error instanceof WalFileError;
    const problem = error instanceof CodecProgramError ? `it cannot be decompressed: ${error.message}` : error.message;
    return { finding: { verdict: isDamage ? 'bad' : 'unknown', name: file.name, path, kind: 'file', problem } };
  }
}
