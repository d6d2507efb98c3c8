/** A whole look at a segment file, in chunks. */
import type { InspectionOptions } from '../checking/segment-inspection.ts';
import { SegmentInspection } from '../checking/segment-inspection.ts';
import type { SegmentFacts } from '../checking/segment-facts.ts';
import type { ContentFile } from '../content/content.ts';
import { WalFileError } from '../errors.ts';
import type { SegmentFileName } from '../wal-files/layout.ts';

/** What is in a file, or why it cannot even be decompressed. */
export type Inspected = { readonly facts: SegmentFacts } | { readonly facts: undefined; readonly error: WalFileError };

/** Inspects a file that may be compressed. @throws {FileSystemError} when it cannot be read */
export async function inspectFile(content: ContentFile, file: SegmentFileName, options: InspectionOptions): Promise<Inspected> {
  const inspection = new SegmentInspection(file, options);
  try {
    for await (const chunk of content.bytes()) inspection.take(chunk);
  } catch (error) {
    if (error instanceof WalFileError) return { facts: undefined, error };
    throw error;
  }
  return { facts: inspection.finish() };
}
