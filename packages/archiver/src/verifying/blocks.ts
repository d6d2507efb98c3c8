/**
 * Content in blocks of memory that are used again and again. Reading a gigabyte into new buffers costs more time, for the system and
 * the garbage collector, than checking it.
 */
import type { ContentFile } from '../content/content.ts';

/** Bytes of a block. */
const blockBytes = 1024 * 1024;

/** A piece of memory that threads may share. Only who has it touches it. */
export interface Block {
  /** Counted from 0. */
  readonly id: number;
  readonly memory: SharedArrayBuffer;
  /** All of the memory. */
  readonly buffer: Buffer;
}

/** Part of a content in a block, from the block's start on. Whoever has it gives the block back when the bytes are used up. */
export interface FilledBlock {
  readonly block: Block;
  readonly bytes: Buffer;
}

/** Blocks that nobody uses. There are never more than were in use at a time. */
export class BlockPool {
  readonly #free: Block[] = [];
  #made = 0;

  take(): Block {
    return this.#free.pop() ?? this.#make();
  }

  give(block: Block): void {
    this.#free.push(block);
  }

  #make(): Block {
    const memory = new SharedArrayBuffer(blockBytes);
    this.#made += 1;
    return { id: this.#made - 1, memory, buffer: Buffer.from(memory) };
  }
}

/** The decompressed content. @throws what `ContentFile.bytes` throws */
export function blocksOf(content: ContentFile, pool: BlockPool): AsyncGenerator<FilledBlock, void, undefined> {
  return content.codec === undefined ? readBlocks(content, pool) : copiedBlocks(content.bytes(), pool);
}

async function* readBlocks(content: ContentFile, pool: BlockPool): AsyncGenerator<FilledBlock, void, undefined> {
  for (let position = 0; ; ) {
    const block = pool.take();
    const bytesRead = await content.readInto(block.buffer, position);
    if (bytesRead === 0) return pool.give(block);
    position += bytesRead;
    yield { block, bytes: block.buffer.subarray(0, bytesRead) };
  }
}

/** What is decompressed comes in buffers of others. */
async function* copiedBlocks(source: AsyncIterable<Buffer>, pool: BlockPool): AsyncGenerator<FilledBlock, void, undefined> {
  let block = pool.take();
  let filled = 0;
  for await (const chunk of source) {
    for (let at = 0; at < chunk.length; ) {
      const count = chunk.copy(block.buffer, filled, at);
      filled += count;
      at += count;
      if (filled < blockBytes) continue;
      yield { block, bytes: block.buffer };
      block = pool.take();
      filled = 0;
    }
  }
  if (filled > 0) yield { block, bytes: block.buffer.subarray(0, filled) };
  else pool.give(block);
}
