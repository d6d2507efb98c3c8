/**
 * The memory of bytes, as a list to be transferred, if it can become another thread's without being copied; else none. Small ones share theirs
 * with others. Who had the bytes has none then.
 */
export function movableMemory({ buffer, length }: Uint8Array): readonly ArrayBuffer[] {
  return buffer instanceof ArrayBuffer && length * 2 > buffer.byteLength && length > Buffer.poolSize ? [buffer] : [];
}
