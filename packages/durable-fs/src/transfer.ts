/** Reading and writing until all of it is done: the system may stop short at any place, and say how far it came. */
import { writevSync } from 'node:fs';
import type { DiskFile } from './disk.ts';

/**
 * Up to this many bytes can be given to the kernel at once instead of by a thread, which would take longer than the copy. A commit
 * that waits for its few hundred bytes feels that.
 */
const smallBytes = 64 * 1024;

/** Writes all of the buffers from `position`, or at the end of a file that was opened to append. Throws what the system throws. */
export async function writeAll(
  file: DiskFile,
  buffers: readonly Uint8Array[],
  position?: number,
  inPlace = false,
): Promise<void> {
  let rest = buffers;
  let at = position;
  while (rest.length > 0) {
    const bytesWritten =
      inPlace && isSmall(file, rest) ? writevSync(file.fd, rest, at) : (await file.writev(rest, at)).bytesWritten;
    if (at !== undefined) at += bytesWritten;
    const left = dropBytes(rest, bytesWritten);
    // as in PostgreSQL: a write that does nothing and does not say why is taken for a full disk, and not tried for ever
    if (left.length === rest.length && bytesWritten === 0)
      throw Object.assign(new Error('nothing was written'), { code: 'ENOSPC' });
    rest = left;
  }
}

function isSmall(file: DiskFile, buffers: readonly Uint8Array[]): file is DiskFile & { readonly fd: number } {
  if (file.fd === undefined) return false;
  let bytes = 0;
  for (const buffer of buffers) bytes += buffer.length;
  return bytes <= smallBytes;
}

/** Reads from `position` until the buffer is full or the file ends; gives the number of bytes. Throws what the system throws. */
export async function readAll(file: DiskFile, buffer: Uint8Array, position: number): Promise<number> {
  let filled = 0;
  while (filled < buffer.length) {
    const { bytesRead } = await file.read(buffer, filled, buffer.length - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return filled;
}

/** The buffers without their first `count` bytes. */
function dropBytes(buffers: readonly Uint8Array[], count: number): readonly Uint8Array[] {
  let left = count;
  for (const [index, buffer] of buffers.entries()) {
    if (left < buffer.length) return [buffer.subarray(left), ...buffers.slice(index + 1)];
    left -= buffer.length;
  }
  return [];
}
