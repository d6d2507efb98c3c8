/** Entries for tests of the catalogue: what a check of a segment could have found. */
import {
  addToLsn,
  segmentEndLsn,
  segmentNumberOf,
  startLsnOfName,
  parseWalFileName,
  toLsn,
  type WalStatistics,
} from '@walvault/wal';
import { segmentName, segmentSize, systemIdentifier } from '../../testing.ts';
import type { CatalogEntry } from './catalog.ts';

export interface EntryChoices {
  readonly storedBytes?: number;
  readonly compression?: string;
  readonly archivedAt?: number;
  readonly sha256?: string;
  readonly statistics?: Partial<WalStatistics>;
}

/** An entry for segment `number` of a timeline, 1 MiB each. */
export function entryFor(timelineId: number, number: number, choices: EntryChoices = {}): CatalogEntry {
  return entryNamed(segmentName(timelineId, number), choices);
}

export function entryNamed(name: string, choices: EntryChoices = {}): CatalogEntry {
  const file = parseWalFileName(name);
  if (file.kind !== 'segment' && file.kind !== 'partial') throw new Error(`"${name}" is no segment`);
  const startLsn = startLsnOfName(file, segmentSize);
  const endLsn = segmentEndLsn(segmentNumberOf(startLsn, segmentSize), segmentSize);
  return {
    facts: {
      name,
      timelineId: file.timelineId,
      startLsn,
      walSegmentSize: segmentSize,
      systemIdentifier,
      magic: 0xd118,
      sha256: choices.sha256 ?? 'ab'.repeat(32),
      verdict: 'good',
      fault: undefined,
      link: 'proven',
      verifiedLsn: toLsn(endLsn),
      statistics: {
        records: 12,
        firstRecordLsn: addToLsn(startLsn, 40),
        endLsn: toLsn(endLsn),
        commits: 0,
        aborts: 0,
        firstCommitTime: undefined,
        lastCommitTime: undefined,
        firstXid: undefined,
        lastXid: undefined,
        rmgrs: [],
        restorePoints: [],
        ...choices.statistics,
      },
      seam: Buffer.from(`seam of ${name}`),
    },
    storedBytes: choices.storedBytes ?? 4096,
    compression: choices.compression,
    modifiedAt: 1_795_364_256.681,
    archivedAt: choices.archivedAt ?? 1_795_364_257_000,
  };
}
