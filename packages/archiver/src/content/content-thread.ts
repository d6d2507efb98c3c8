/**
 * A thread that works on whole contents: see content-threads.ts. It and what it imports may use nothing but Node: how the packages of the
 * workspace are found is not passed on to a thread.
 */
import { createHash } from 'node:crypto';
import { parentPort } from 'node:worker_threads';
import { movableMemory } from './movable-memory.ts';
import { type ZlibCodec, zlibCompressNow, zlibDecodeNow } from './zlib-codecs.ts';

/** What it is to do, with content in memory that threads share. */
export interface ContentTask {
  readonly memory: SharedArrayBuffer;
  /** Bytes of it that count. */
  readonly length: number;
  readonly work:
    | { readonly kind: 'sha256' }
    | { readonly kind: 'compress'; readonly codec: ZlibCodec; readonly level: number | undefined }
    | { readonly kind: 'matches'; readonly codec: ZlibCodec; readonly stored: Uint8Array };
}

/**
 * What came of it: the checksum, what is to be stored, or whether it is the same, undefined where that could not be told; or what
 * is left of an error on its way between threads.
 */
export type ContentAnswer =
  | { readonly result: string | Uint8Array | boolean | undefined }
  | { readonly message: string; readonly code: string | undefined };

parentPort?.on('message', (task: ContentTask) => {
  const answer = answerTo(task);
  const memory = 'result' in answer && answer.result instanceof Uint8Array ? movableMemory(answer.result) : [];
  parentPort?.postMessage(answer, memory);
});

function answerTo(task: ContentTask): ContentAnswer {
  try {
    return { result: resultOf(task) };
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    return { message, code };
  }
}

function resultOf({ memory, length, work }: ContentTask): string | Uint8Array | boolean | undefined {
  const content = Buffer.from(memory, 0, length);
  switch (work.kind) {
    case 'sha256':
      return createHash('sha256').update(content).digest('hex');
    case 'compress':
      return zlibCompressNow(work.codec, work.level, content);
    case 'matches':
      return matches(work.codec, Buffer.from(work.stored.buffer, work.stored.byteOffset, work.stored.length), content);
  }
}

function matches(codec: ZlibCodec, stored: Buffer, content: Buffer): boolean | undefined {
  const decoded = zlibDecodeNow(codec, stored, { expected: content.length, limit: content.length });
  const answer = decoded?.equals(content);
  // Left to the garbage collector, a dozen of these would lie about.
  if (decoded?.buffer instanceof ArrayBuffer) decoded.buffer.transfer(0);
  return answer;
}
