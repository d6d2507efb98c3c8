/** WAL with transactions and restore points at chosen times, as files of a throw-away server. */
import { join } from 'node:path';
import {
  defaultWalPageSize,
  type Lsn,
  segmentStartLsn,
  type SegmentNumber,
  shortPageHeaderSize,
  toTimelineId,
  walFileNameAt,
} from '@walvault/wal';
import { buildWal, type BuiltRecord, type WalItem } from '@walvault/wal/testing';
import type { BaseBackup } from '../index.ts';
import { Catalog, FindableWal, rebuildCatalog } from '../index.ts';
import { segmentName, segmentSize, systemIdentifier, TestServer } from '../../testing.ts';

/** From 1970 to 2000 in microseconds. */
const postgresEpoch = 946_684_800_000_000n;

/** The end of a transaction. Times are seconds since 1970. */
export function commit(time: number, xid: number): WalItem {
  return transactionEnd(0x00, time, xid);
}

export function abort(time: number, xid: number): WalItem {
  return transactionEnd(0x20, time, xid);
}

/** A named restore point. */
export function restorePoint(time: number, name: string): WalItem {
  const data = Buffer.alloc(72);
  data.writeBigInt64LE(microseconds(time) - postgresEpoch);
  data.write(name, 8);
  return { rmgr: 0, info: 0x70, xid: 0, body: mainData(data) };
}

/** A record of heap of so many bytes of data. */
export function filler(bytes: number): WalItem {
  const body = Buffer.alloc(5 + bytes, 0x55);
  body.writeUInt8(254, 0); // XLR_BLOCK_ID_DATA_LONG
  body.writeUInt32LE(bytes, 1);
  return { body };
}

export const endOfSegment: WalItem = { kind: 'switch' };

/** A record that ends so many bytes before the end of segment 1, behind items that segment 1 begins with. */
export function fillerUpTo(items: readonly WalItem[], bytesLeft: number): WalItem {
  const startLsn = segmentStartLsn(1n as SegmentNumber, segmentSize);
  const common = { timelineId: toTimelineId(1), systemIdentifier, walSegmentSize: segmentSize, startLsn };
  const { endLsn } = buildWal({ ...common, items });
  const room = segmentSize - Number(endLsn - startLsn);
  const headers = Math.floor((room - 1) / defaultWalPageSize) * shortPageHeaderSize;
  return filler(room - headers - bytesLeft - recordOverhead);
}

/** XLogRecord and XLogRecordDataHeaderLong. */
const recordOverhead = 24 + 5;

/** Microseconds since 1970. */
export function microseconds(seconds: number): bigint {
  return BigInt(Math.round(seconds * 1_000_000));
}

function transactionEnd(info: number, time: number, xid: number): WalItem {
  const data = Buffer.alloc(8);
  data.writeBigInt64LE(microseconds(time) - postgresEpoch);
  return { rmgr: 1, info, xid, body: mainData(data) };
}

function mainData(data: Buffer): Buffer {
  return Buffer.concat([Buffer.of(255, data.length), data]); // XLR_BLOCK_ID_DATA_SHORT
}

/** A throw-away server with WAL from segment 1 on. */
export class FindableServer implements AsyncDisposable {
  readonly server: TestServer;
  /** Where the items lie that are records, in order; of all calls of `write`. */
  readonly records: BuiltRecord[] = [];

  private constructor(server: TestServer) {
    this.server = server;
  }

  static async create(): Promise<FindableServer> {
    return new FindableServer(await TestServer.create());
  }

  /** Writes WAL from a segment of a timeline on into the archive; what is behind the last full segment becomes a partial segment. */
  async write(items: readonly WalItem[], { timelineId = 1, segment = 1, walPageSize = defaultWalPageSize } = {}): Promise<void> {
    const startLsn = segmentStartLsn(BigInt(segment) as SegmentNumber, segmentSize);
    const common = { timelineId: toTimelineId(timelineId), systemIdentifier, walSegmentSize: segmentSize, startLsn };
    const previousLsn = this.records.findLast((record) => record.startLsn < startLsn)?.startLsn;
    const { bytes, records } = buildWal({ ...common, items, previousLsn, walPageSize });
    this.records.push(...records);
    for (let at = 0; at < bytes.length; at += segmentSize) {
      const name = segmentName(timelineId, segment + at / segmentSize);
      const content = bytes.subarray(at, at + segmentSize);
      if (content.length === segmentSize) await this.server.write(this.server.archived(name), content);
      else await this.server.write(join(this.server.streaming, `${name}.partial`), Buffer.concat([content], segmentSize));
    }
  }

  /** Notes all that is archived now in the catalogue. */
  async catalogue(): Promise<void> {
    const { signal } = new AbortController();
    await rebuildCatalog({ reading: this.server.reading, path: this.catalogPath, signal });
  }

  get catalogPath(): string {
    return join(this.server.home, 'walvault.sqlite');
  }

  async open(): Promise<FindableWal> {
    const { signal } = new AbortController();
    const wal = await FindableWal.open({ reading: this.server.reading, catalogPath: this.catalogPath, signal });
    if (wal === undefined) throw new Error('there is no WAL');
    return wal;
  }

  /** Changes what the catalogue knows of a segment. */
  change(name: string, facts: object): void {
    using catalog = Catalog.open(this.catalogPath);
    const entry = catalog.entry(name)!;
    catalog.note([{ ...entry, facts: { ...entry.facts, ...facts } }]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
  }
}

/** A restorable backup from one LSN to another. */
export function backup(id: string, beginLsn: Lsn, endLsn: Lsn, timelineId = 1): BaseBackup {
  const point = (lsn: Lsn) => ({
    timelineId: toTimelineId(timelineId),
    lsn,
    walName: walFileNameAt(toTimelineId(timelineId), lsn, segmentSize),
    time: undefined,
  });
  return {
    id,
    name: undefined,
    status: 'DONE',
    keep: undefined,
    parentId: undefined,
    mode: 'postgres',
    serverVersion: 180_000,
    systemIdentifier,
    walSegmentSize: segmentSize,
    begin: point(beginLsn),
    end: point(endLsn),
  };
}
