/**
 * Where a recovery to a transaction or a restore point stops (access/transam/xlogrecovery.c: recoveryStopsBefore,
 * recoveryStopsAfter): at the end of the transaction, before or behind it; behind the first restore point of that name.
 */
import type { SegmentNumber, WalEvent } from '@walvault/wal';
import { endsTransaction, type FindableWal, rangeOf } from './findable-wal.ts';
import type { ChainFinding, TargetPlace } from './recovery-target.ts';
import { placeOf } from './target-place.ts';
import type { TimelineChain } from './timeline-chain.ts';

/** Searches one chain for the end of a transaction. Transaction ids come round, so there may be several. */
export async function findByXid(wal: FindableWal, chain: TimelineChain, xid: number, inclusive: boolean): Promise<ChainFinding> {
  await wal.learn(chain);
  const segments = chain.pieces.flatMap((piece) => wal.index.withTransaction(rangeOf(piece), xid));
  const isIt = (event: WalEvent): boolean => endsTransaction(event) && event.xid === xid;
  return finding(wal, chain, await eventsIn(wal, chain, segments, isIt), inclusive);
}

/** Searches one chain for restore points of a name. */
export async function findByName(wal: FindableWal, chain: TimelineChain, name: string): Promise<ChainFinding> {
  await wal.learn(chain);
  const segments = wal.index
    .restorePoints(name)
    .filter(({ timelineId, segment }) => chain.pieceOfSegment(segment).timelineId === timelineId)
    .map(({ segment }) => segment);
  const isIt = (event: WalEvent): boolean => event.kind === 'restorePoint' && event.name === name;
  return finding(wal, chain, await eventsIn(wal, chain, [...new Set(segments)], isIt), true);
}

async function eventsIn(
  wal: FindableWal,
  chain: TimelineChain,
  segments: readonly SegmentNumber[],
  isIt: (event: WalEvent) => boolean,
): Promise<readonly (WalEvent | SegmentNumber)[]> {
  const partial = wal.partialEnd(chain);
  const found: (WalEvent | SegmentNumber)[] = [];
  const onEvent = (event: WalEvent): void => {
    if (isIt(event)) found.push(event);
  };
  for (const segment of partial === undefined ? segments : [...segments, partial.segment]) {
    // What the catalogue knows of a segment that is not there any more tells where the hole is that it lies in.
    if ((await wal.scanner.scan(chain, segment, { onEvent })) === undefined) found.push(segment);
  }
  return found;
}

async function finding(
  wal: FindableWal,
  chain: TimelineChain,
  found: readonly (WalEvent | SegmentNumber)[],
  isReplayed: boolean,
): Promise<ChainFinding> {
  const places: TargetPlace[] = [];
  for (const event of found) {
    if (typeof event === 'bigint') continue;
    const lastCommit = await wal.lastCommitBefore(chain, isReplayed ? event.endLsn : event.lsn);
    places.push(placeOf(wal, chain, event, { isReplayed, lastCommit }));
  }
  const [missing] = found.filter((one) => typeof one === 'bigint');
  if (places.length > 0) return { kind: 'found', places, clockSteps: [] };
  return missing === undefined ? { kind: 'absent' } : { kind: 'hole', hole: wal.holeAt(chain, missing) };
}
