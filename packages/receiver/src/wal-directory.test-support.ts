/** WAL made to order, and laid out as the files of a streaming directory. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  addToLsn,
  type Lsn,
  lsnDistance,
  parseLsn,
  partialSuffix,
  segmentNumberOf,
  segmentStartLsn,
  type TimelineId,
  toTimelineId,
  toWalSegmentSize,
  walFileNameAt,
} from '@walvault/wal';
import { type BuiltWal, buildWal, type WalItem } from '@walvault/wal/testing';
import { lineageOf } from './lineage.ts';
import { findResumePoint, type ResumeOptions, type ResumePoint } from './resume-point.ts';
import { readStreamingDirectory } from './streaming-directory.ts';

export const size = toWalSegmentSize(1024 * 1024);
export const systemIdentifier = 7_711_030_578_120_921_605n;
export const timeline1: TimelineId = toTimelineId(1);
export const timeline2: TimelineId = toTimelineId(2);
/** Of segment 48 (30 in hex), so that there are some before it. */
export const startLsn = parseLsn('0/3000000');

/** A record of so many bytes, header included. */
export function record(bytes: number): WalItem {
  return { body: Buffer.alloc(bytes - 24, 'the body of a record ') };
}

/** WAL from {@link startLsn} on, of timeline 1 unless given. */
export function walOf(items: Iterable<WalItem>, timelineId: TimelineId = timeline1): BuiltWal {
  return buildWal({ startLsn, timelineId, systemIdentifier, walSegmentSize: size, items });
}

/** So many bytes behind {@link startLsn}. */
export function at(bytes: number): Lsn {
  return addToLsn(startLsn, bytes);
}

/** The name of the segment with this many before it. */
export function nameOf(index: number, timelineId: TimelineId = timeline1): string {
  return walFileNameAt(timelineId, at(index * size), size);
}

/** The bytes of a segment of the WAL, as far as there are any. */
export function segmentOf(wal: BuiltWal, index: number): Buffer {
  return wal.bytes.subarray(index * size, (index + 1) * size);
}

/** Cuts WAL off behind some bytes: the segments before that, complete, and the last one, followed by `tail`, as .partial. */
export async function layOut(
  directory: string,
  wal: BuiltWal,
  cut = wal.bytes.length,
  tail: Buffer = Buffer.alloc(size),
): Promise<void> {
  const last = Math.floor(cut / size);
  for (let index = 0; index < last; index += 1) await writeFile(join(directory, nameOf(index)), segmentOf(wal, index));
  const begun = wal.bytes.subarray(last * size, cut);
  await writeFile(join(directory, nameOf(last) + partialSuffix), Buffer.concat([begun, tail], size));
}

/** How far the latest segment of a directory can be trusted. */
export async function resumeOf(directory: string, options: Partial<ResumeOptions> = {}): Promise<ResumePoint> {
  const { latest } = await readStreamingDirectory(directory, { walSegmentSize: size, disk: options.disk });
  if (latest === undefined) throw new Error('the directory is empty');
  const lineage = lineageOf(latest.timelineId, []);
  return findResumePoint(latest, { directory, lineage, walSegmentSize: size, walPageSize: 8192, systemIdentifier, ...options });
}

/** An archive of some segments, which writes down what it was asked for. */
export function archiveOf(segments: Readonly<Record<string, Buffer>>) {
  const asked: string[] = [];
  const openArchived: ResumeOptions['openArchived'] = async (name) => {
    asked.push(name);
    const bytes = segments[name];
    return bytes === undefined ? undefined : inPieces(bytes);
  };
  return { asked, openArchived };
}

async function* inPieces(bytes: Buffer): AsyncGenerator<Buffer> {
  const buffer = Buffer.alloc(65_536);
  for (let from = 0; from < bytes.length; from += buffer.length) yield buffer.subarray(0, bytes.copy(buffer, 0, from));
}

/** The WAL from an LSN on. */
export function restFrom(wal: BuiltWal, lsn: Lsn): Buffer {
  return wal.bytes.subarray(lsnDistance(startLsn, lsn));
}

/** The start of the segment that an LSN is in. */
export function segmentStartOf(lsn: Lsn): Lsn {
  return segmentStartLsn(segmentNumberOf(lsn, size), size);
}
