/** From the facts of a segment, and what is on record of it, to a verdict. */
import { majorOfPageMagic } from '@walvault/wal';
import type { SegmentFacts } from '../checking/segment-facts.ts';
import { faultFinding, type FileFinding } from './finding.ts';

/** What a verdict stands on. */
export interface Evidence {
  readonly facts: SegmentFacts;
  readonly path: string;
  /** Of the content, as it was when it was archived; undefined when nobody knows. */
  readonly archivedSha256: string | undefined;
  /** Name of the segment before, if there can be one. */
  readonly predecessor: string | undefined;
}

/** What is wrong with a segment; undefined when it is good. */
export function judgeSegment({ facts, path, archivedSha256, predecessor }: Evidence): FileFinding | undefined {
  const { name, fault, linkFault } = facts;
  if (fault !== undefined) return faultFinding(name, path, fault);
  if (archivedSha256 !== undefined && archivedSha256 !== facts.sha256) return otherContent(facts, path, archivedSha256);
  if (linkFault !== undefined) return faultFinding(name, path, linkFault, predecessor ?? 'the segment before it');
  if (majorOfPageMagic(facts.magic) === undefined && facts.statistics.records === 0 && facts.rest === undefined)
    return unknownVersion(facts, path);
  return archivedSha256 === undefined ? unprovenBeginning(facts, path, predecessor) : undefined;
}

function otherContent({ name, sha256 }: SegmentFacts, path: string, archivedSha256: string): FileFinding {
  const problem = 'its content is not what was archived, though its records are right';
  return {
    verdict: 'bad',
    name,
    path,
    kind: 'content',
    expected: `sha256 ${archivedSha256}`,
    found: `sha256 ${sha256}`,
    problem,
  };
}

function unknownVersion({ name, magic }: SegmentFacts, path: string): FileFinding {
  const found = magic.toString(16).toUpperCase();
  const problem = `page magic ${found} is that of a PostgreSQL newer than this walvault: its pages are right, its records were not checked`;
  return { verdict: 'unknown', name, path, kind: 'version', found, problem };
}

/** The rest of a record whose beginning nobody has checked. */
function unprovenBeginning(facts: SegmentFacts, path: string, predecessor: string | undefined): FileFinding | undefined {
  const { name, link, continuationBytes = 0 } = facts;
  if (link !== 'unknown' || continuationBytes === 0) return undefined;
  const problem =
    `it begins with ${continuationBytes} bytes of a record from ${predecessor ?? 'before'}, ` +
    'which is not there or not right, so nothing vouches for them; the rest is right';
  return { verdict: 'unknown', name, path, kind: 'beginning', problem };
}
