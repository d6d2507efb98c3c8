/** A segment in an archive, for tests that need no server: its first page is right, and the rest of it is no WAL. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ServerConfig } from '@walvault/config';

const segmentBytes = 1024 * 1024;

/** Puts 000000010000000000000001 of PostgreSQL 18 into the archive of a server. Whoever verifies it finds it bad. */
export async function plantSegment({ directories: { wals } }: ServerConfig): Promise<void> {
  const bytes = Buffer.alloc(segmentBytes, 0x5a);
  bytes.fill(0, 0, 40);
  // XLogLongPageHeaderData of access/xlog_internal.h
  bytes.writeUInt16LE(0xd118, 0);
  bytes.writeUInt16LE(2, 2);
  bytes.writeUInt32LE(1, 4);
  bytes.writeBigUInt64LE(BigInt(segmentBytes), 8);
  bytes.writeBigUInt64LE(7_711_030_578_120_921_605n, 24);
  bytes.writeUInt32LE(segmentBytes, 32);
  bytes.writeUInt32LE(8192, 36);
  const directory = join(wals, '0000000100000000');
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, '000000010000000000000001'), bytes);
}
