/** May a segment that was fetched take the place of one that is missing or bad? */
import type { SegmentFacts } from '../checking/segment-facts.ts';
import { ContentFile } from '../content/content.ts';
import type { ClusterFacts } from '../content/check-wal-file.ts';
import { describeFault } from './describe-fault.ts';
import { inspectFile } from './inspect-file.ts';
import { type Fit, type Neighbours, segmentOf } from './neighbours.ts';

/** What was found out about a fetched segment. */
export type Judgement =
  | { readonly isGood: true; readonly facts: SegmentFacts; readonly before: Fit; readonly behind: Fit }
  | { readonly isGood: false; readonly problem: string };

/**
 * Looks at a fetched segment: whole, right in every record, of the cluster, going on from the segment before it, with those
 * behind it, on its timeline and on younger ones, going on from it, and the same as the copy that a younger timeline has of its
 * beginning, as far as these are there and right.
 * @throws {FileSystemError}
 */
export async function judgeCandidate(
  path: string,
  name: string,
  facts: ClusterFacts,
  neighbours: Neighbours,
): Promise<Judgement> {
  const file = segmentOf(name);
  await using content = await ContentFile.open(path);
  if (content === undefined) return { isGood: false, problem: 'it is not there' };
  const { facts: found } = await inspectFile(content, file, { ...facts, predecessor: await neighbours.seamBefore(file) });
  if (found === undefined) return { isGood: false, problem: 'it cannot be read' };
  const { fault } = found;
  if (fault !== undefined) return { isGood: false, problem: `it is not right either: ${describeFault(fault)}` };
  if (found.link === 'broken') return { isGood: false, problem: 'it does not go on where the segment before it ends' };
  const behind = await neighbours.fitBehind(found);
  if (behind === 'broken') return { isGood: false, problem: 'the segment behind it does not go on where it ends' };
  const heirs = await neighbours.fitToHeirs(content, found);
  if (heirs.fit === 'broken') return { isGood: false, problem: heirs.problem };
  neighbours.keep(found);
  return { isGood: true, facts: found, before: found.link, behind: behind === 'proven' ? behind : heirs.fit };
}
