/**
 * What a census must count, by the simplest way there is: each record taken apart as a whole, and refused unless every byte of it
 * is accounted for. So a wrong idea of the layout of some version cannot go unnoticed. The oracle where no program of that version counts.
 */
import type { RmgrStatistics, WalCheckerOptions } from '../src/index.ts';
import { checkSlowly } from './slow-checker.ts';

/** Counts the records of WAL as versions before 15 write it, or as those from 15 on do. */
export function countSlowly(bytes: Buffer, options: WalCheckerOptions, isBefore15: boolean): RmgrStatistics[] {
  const kinds = new Map<number, { rmgr: number; info: number; count: number; recordBytes: number; fpiBytes: number }>();
  checkSlowly(bytes, options, (record) => {
    const rmgr = record.readUInt8(17);
    const info = (record.readUInt8(16) >> 4) & (rmgr === 1 ? 7 : 15);
    const images = imagesIn(record, isBefore15);
    const kind = kinds.get(rmgr * 16 + info) ?? { rmgr, info, count: 0, recordBytes: 0, fpiBytes: 0 };
    kind.count += 1;
    kind.recordBytes += record.length - images;
    kind.fpiBytes += images;
    kinds.set(rmgr * 16 + info, kind);
  });
  return [...kinds].toSorted(([a], [b]) => a - b).map(([, kind]) => kind);
}

function imagesIn(record: Buffer, isBefore15: boolean): number {
  let at = 24;
  let lastBlock = -1;
  let images = 0;
  let content = 0;
  const wrong = (what: string) => new Error(`${what} at ${at} in the record ${record.toString('hex', 0, 200)}`);
  while (record.length - at > content) {
    const id = record.readUInt8(at);
    if (id >= 252) {
      const [header, length] =
        id === 255 ? [2, record.readUInt8(at + 1)] : id === 254 ? [5, record.readUInt32LE(at + 1)] : [0, 0];
      at += id === 253 ? 3 : id === 252 ? 5 : header;
      content += length;
      continue;
    }
    if (id > 32 || id <= lastBlock) throw wrong(`block ${id}`);
    lastBlock = id;
    const flags = record.readUInt8(at + 1);
    content += record.readUInt16LE(at + 2);
    if ((flags & 0x20) === 0 && record.readUInt16LE(at + 2) !== 0) throw wrong('data without its flag');
    at += 4;
    if ((flags & 0x10) !== 0) {
      const [length, hole, imageFlags] = [record.readUInt16LE(at), record.readUInt16LE(at + 2), record.readUInt8(at + 4)];
      const isCompressed = (imageFlags & (isBefore15 ? 0x02 : 0x1c)) !== 0;
      if (length > 8192 || hole > 8192) throw wrong('image');
      if (!isCompressed && (imageFlags & 1) === 0 && length !== 8192) throw wrong('image without a hole');
      images += length;
      content += length;
      at += isCompressed && (imageFlags & 1) !== 0 ? 7 : 5;
    }
    at += (flags & 0x80) !== 0 ? 4 : 16;
  }
  if (record.length - at !== content) throw wrong(`${record.length - at} bytes for ${content}`);
  return images;
}
