/** snappy: the framing format (framing_format.txt of snappy), as Barman writes it; each piece of 64 KiB has a checksum. */
import type { StoredBytes } from './stored-bytes.ts';

/** Compresses. */
export async function* snappyEncode(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  const { Compressor } = await import('snappy');
  yield* passed(source, new Compressor());
}

/**
 * Decompresses. The format has no end mark: of a file that was cut between two pieces the rest is missing, and nothing tells.
 * Throws errors with a code.
 */
export async function* snappyDecode(stored: StoredBytes): AsyncGenerator<Buffer, void, undefined> {
  const { Decompressor } = await import('snappy');
  yield* passed(stored.from(0), new Decompressor());
}

interface Machine {
  update(chunk: Buffer): Buffer;
  finish(): Promise<Buffer>;
}

async function* passed(chunks: AsyncIterable<Buffer>, machine: Machine): AsyncGenerator<Buffer, void, undefined> {
  for await (const chunk of chunks) {
    const done = machine.update(chunk);
    if (done.length > 0) yield done;
  }
  yield await machine.finish();
}
