/**
 * Which segments of an archive are to be had again: those that are missing between others, and those that are there and not
 * right. What is right in itself and follows the one before it is no damage, whatever somebody said of it before.
 */
import {
  longPageHeaderSize,
  parseWalFileName,
  readPageHeader,
  type SegmentNumber,
  segmentNumberOfName,
  walFileName,
  type WalSegmentSize,
} from '@walvault/wal';
import { ContentFile } from '../content/content.ts';
import { archivePath } from '../wal-files/layout.ts';
import { findWal } from '../wal-files/find-wal.ts';
import { listArchive, type TimelineListing, type WalHole } from '../wal-files/list-archive.ts';
import { Timelines } from '../wal-files/timelines.ts';
import type { WalReadOptions } from '../restoring/open-wal.ts';
import { describeFault } from './describe-fault.ts';
import { inspectFile } from './inspect-file.ts';
import { Neighbours, segmentOf } from './neighbours.ts';

/** A segment that is to be had again. */
export interface DamagedSegment {
  readonly name: string;
  /** `missing`: it is not there; `bad`: what is there is not right. */
  readonly kind: 'missing' | 'bad';
  /** In words. */
  readonly reason: string;
}

/** What was found. */
export interface Damage {
  /** By name. */
  readonly segments: readonly DamagedSegment[];
  /** Undefined when there is no segment at all; then there is no damage. */
  readonly walSegmentSize: WalSegmentSize | undefined;
  readonly timelines: Timelines;
  /** The cluster that the WAL is of: the one that is known, or else that of the last segment with a right first page. */
  readonly systemIdentifier: bigint | undefined;
}

/**
 * Looks for holes by name, and at the segments that are suspected.
 * @param suspects names of complete segments; one that is nowhere is missing
 * @throws {FileSystemError} @throws {WalFileError} when a history file, or the segment that tells the segment size, is damaged
 * @throws {WalFormatError} `ERR_INVALID_WAL_FILE_NAME`
 */
export async function findDamage(options: WalReadOptions, suspects: readonly string[]): Promise<Damage> {
  const timelines = await Timelines.read(options.directories);
  const { walSegmentSize, timelines: listed } = await listArchive(options);
  const systemIdentifier = options.systemIdentifier ?? (await clusterOf(options, listed));
  if (walSegmentSize === undefined) return { segments: [], walSegmentSize, timelines, systemIdentifier };
  const found = new Map<string, DamagedSegment>();
  for (const hole of listed.flatMap((timeline) => timeline.holes))
    for (const name of namesOf(hole, walSegmentSize)) found.set(name, { name, kind: 'missing', reason: 'missing' });
  const neighbours = new Neighbours({
    directories: options.directories,
    walSegmentSize,
    facts: options,
    timelines,
  });
  for (const name of suspects) {
    const damage = found.has(name) ? undefined : await damageOf(options, name, neighbours);
    if (damage !== undefined) found.set(name, damage);
  }
  const segments = [...found.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return { segments, walSegmentSize, timelines, systemIdentifier };
}

async function clusterOf(options: WalReadOptions, listed: readonly TimelineListing[]): Promise<bigint | undefined> {
  for (const { last } of listed.toReversed()) {
    if (last === undefined) continue;
    await using content = await ContentFile.open(archivePath(options.directories.wals, segmentOf(last)), options.directories);
    const head = await content?.head(longPageHeaderSize);
    if (head !== undefined && head.length === longPageHeaderSize) return readPageHeader(head).long?.systemIdentifier;
  }
  return undefined;
}

/** The names of the segments of a hole, one by one. */
export function* namesOf(hole: WalHole, walSegmentSize: WalSegmentSize): Generator<string, void, undefined> {
  const first = segmentOf(hole.first);
  const begin = segmentNumberOfName(first, walSegmentSize);
  for (let count = 0n; count < BigInt(hole.count); count += 1n)
    yield walFileName(first.timelineId, (begin + count) as SegmentNumber, walSegmentSize);
}

async function damageOf(options: WalReadOptions, name: string, neighbours: Neighbours): Promise<DamagedSegment | undefined> {
  const file = segmentOf(name);
  await using content = await ContentFile.open(archivePath(options.directories.wals, file), options.directories);
  if (content === undefined) return (await waits(options, name)) ? undefined : { name, kind: 'missing', reason: 'missing' };
  const { facts, ...failure } = await inspectFile(content, file, { ...options, predecessor: await neighbours.seamBefore(file) });
  if (facts === undefined) return { name, kind: 'bad', reason: 'error' in failure ? failure.error.message : 'unreadable' };
  const { fault, link, linkFault } = facts;
  if (fault !== undefined) return { name, kind: 'bad', reason: describeFault(fault) };
  if (link !== 'broken') return undefined;
  return {
    name,
    kind: 'bad',
    reason: `it does not go on where the segment before it ends: ${linkFault?.problem ?? 'other records'}`,
  };
}

/** Whether it is on its way into the archive. */
async function waits(options: WalReadOptions, name: string): Promise<boolean> {
  for await (const { content } of findWal(options.directories, parseWalFileName(name), false)) {
    await content[Symbol.asyncDispose]();
    return true;
  }
  return false;
}
