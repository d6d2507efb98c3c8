/** `--quick`: what can be told of a segment by its name, size and first page, and by what is on record of it. */
import { longPageHeaderSize } from '@walvault/wal';
import { checkFirstPage } from '../content/check-wal-file.ts';
import type { ContentFile } from '../content/content.ts';
import type { FileFinding } from './finding.ts';
import { type Examination, guardedLook } from './guarded-look.ts';
import type { AdvancedFile } from './read-ahead.ts';
import type { VerifyNotes } from './verify-notes.ts';
import type { PlannedSegment, VerifyPlan } from './verify-plan.ts';

/** Looks; undefined when the file is not there any more. */
export async function quickLook(
  planned: PlannedSegment,
  file: AdvancedFile,
  { plan, notes }: { readonly plan: VerifyPlan; readonly notes: VerifyNotes },
): Promise<Examination | undefined> {
  return guardedLook(planned, async () => {
    const content = await file.file();
    if (content === undefined) return undefined;
    checkFirstPage(await content.head(longPageHeaderSize), planned.file, plan, planned.path);
    return { finding: problemOfSize(planned, content, plan.walSegmentSize) ?? problemOnRecord(planned, content, notes) };
  });
}

function problemOfSize(
  { file, path }: PlannedSegment,
  { size, codec }: ContentFile,
  walSegmentSize: number,
): FileFinding | undefined {
  if (codec !== undefined || size === walSegmentSize || (file.kind === 'partial' && size < walSegmentSize)) return undefined;
  const problem = `it has ${size} bytes instead of ${walSegmentSize}`;
  const [expected, found] = [String(walSegmentSize), String(size)];
  return { verdict: 'bad', name: file.name, path, kind: 'file', expected, found, problem };
}

/** What the catalogue, or an earlier look, said about it. */
function problemOnRecord(
  { file, path, location }: PlannedSegment,
  { size }: ContentFile,
  notes: VerifyNotes,
): FileFinding | undefined {
  const { name } = file;
  const entry = location === 'archive' ? notes.entry(name) : undefined;
  if (entry !== undefined && entry.storedBytes !== size) {
    const problem = `the file has ${size} bytes, and had ${entry.storedBytes} when it was archived`;
    const [expected, found] = [String(entry.storedBytes), String(size)];
    return { verdict: 'bad', name, path, kind: 'content', expected, found, problem };
  }
  const trouble = notes.lastTrouble(name);
  if (trouble?.verdict === 'bad' || trouble?.verdict === 'unknown') {
    const problem = `an earlier look found: ${trouble.detail ?? 'trouble'}`;
    return { verdict: trouble.verdict, name, path, kind: 'file', problem };
  }
  if (entry?.facts.verdict !== 'bad') return undefined;
  const problem = `the catalogue says that it is bad: ${entry.facts.fault?.problem ?? 'it does not say why'}`;
  return { verdict: 'bad', name, path, kind: 'file', problem };
}
