/** Which holes on record are none any more. */
import { Timelines, type ArchiveListing, listArchive } from '@walvault/archiver';
import type { ServerConfig } from '@walvault/config';
import { addToLsn, roundDownToSegment, walFileNameAt } from '@walvault/wal';
import { markHealed, type RecordedHole, type WalPosition } from './holes.ts';
import { holesPath } from './server-paths.ts';
import { readOptions } from './server-wal.ts';

/** Marks the holes of which every segment is in the archive now, or waits to be. @throws what `markHealed` and `listArchive` throw */
export async function markHealedHoles(server: ServerConfig): Promise<readonly RecordedHole[]> {
  const options = await readOptions(server);
  const listing = await listArchive(options);
  const timelines = await Timelines.read(options.directories);
  return markHealed(holesPath(server), (from, to) => isWhole(listing, timelines, from, to));
}

function isWhole(listing: ArchiveListing, timelines: Timelines, from: WalPosition, to: WalPosition): boolean {
  const { walSegmentSize } = listing;
  if (walSegmentSize === undefined) return false;
  for (let lsn = roundDownToSegment(from.lsn, walSegmentSize); lsn < to.lsn; lsn = addToLsn(lsn, walSegmentSize)) {
    // Up to where the timeline was left it is the older one; the segment with that place is whole on the later one.
    const owner = timelines.timelineAt(to.timelineId, addToLsn(lsn, walSegmentSize - 1));
    if (!isThere(listing, walFileNameAt(owner, lsn, walSegmentSize))) return false;
  }
  return true;
}

function isThere({ timelines }: ArchiveListing, name: string): boolean {
  return timelines.some(({ first, last, holes }) => {
    if (first === undefined || last === undefined || name.slice(0, 8) !== first.slice(0, 8)) return false;
    return first <= name && name <= last && !holes.some((hole) => hole.first <= name && name <= hole.last);
  });
}
