/**
 * What stands in a record behind its header (access/xlogrecord.h; DecodeXLogRecord in access/transam/xlogreader.c): headers of
 * blocks and of the main data, then the images and data of the blocks, and at the very end the main data.
 *
 *   block    u8 id 0-32, u8 flags, u16 data length; u16 image length, u16 hole offset, u8 image flags, [u16 hole length] if there
 *            is an image; 12 bytes of relation unless it is that of the block before; u32 block
 *   others   255 u8 length of the main data; 254 u32 the same; 253 u16 origin; 252 u32 transaction at the top
 *
 * The caller has checked the CRC. A record that is right and yet not laid out like this (of a version to come) is read no further
 * than it makes sense; nothing is ever read behind the bytes that are there.
 */

/** Bytes of a record, its header included, within which all headers in it end, with 72 bytes of main data behind them. */
export const longestRecordHead = 1024;

const largestBlockId = 32;
const dataShortId = 255;
const dataLongId = 254;
const originId = 253;
const topTransactionId = 252;
const hasImage = 0x10;
const isSameRelation = 0x80;
const imageHasHole = 0x01;

/**
 * Bytes of the images of pages in a record, as they are stored: without holes, compressed.
 * @param at behind the header of the record
 * @param end behind its last byte, which may lie behind the end of `view`
 * @param compressedBits the flags of an image that say that it is compressed; they differ between versions
 */
export function imageBytes(view: DataView, at: number, end: number, compressedBits: number): number {
  const last = Math.min(end, view.byteLength) - 9;
  let images = 0;
  let content = 0;
  // A header of 8 bytes at the very end has no image.
  for (let next = at; next <= last && end - next > content; ) {
    const id = view.getUint8(next);
    if (id > largestBlockId) {
      if (id === originId) next += 3;
      else if (id === topTransactionId) next += 5;
      else break;
      continue;
    }
    const flags = view.getUint8(next + 1);
    content += view.getUint16(next + 2, true);
    if ((flags & hasImage) !== 0) {
      const length = view.getUint16(next + 4, true);
      const imageFlags = view.getUint8(next + 8);
      images += length;
      content += length;
      next += (imageFlags & imageHasHole) !== 0 && (imageFlags & compressedBits) !== 0 ? 7 : 5;
    }
    next += (flags & isSameRelation) !== 0 ? 8 : 20;
  }
  return images;
}

/**
 * Where the main data of a record without blocks begin in `view`; -1 for another record or when there are none.
 * @param at behind the header of the record
 * @param end behind its last byte, which may lie behind the end of `view`
 */
export function mainDataAt(view: DataView, at: number, end: number): number {
  const available = Math.min(end, view.byteLength);
  for (let next = at; next + 5 <= available; ) {
    const id = view.getUint8(next);
    if (id === originId) next += 3;
    else if (id === topTransactionId) next += 5;
    else if (id === dataShortId) return next + 2;
    else if (id === dataLongId) return next + 5;
    else return -1;
  }
  return -1;
}
